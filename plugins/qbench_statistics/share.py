"""A share of hits: Tango's score interval, McNemar's mid-p test, influence of each image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api.statistics import (
    NO_CHANGE,
    Comparison,
    Counts,
    Floats,
    HitOptions,
    Ledger,
    Measured,
    Number,
    Rows,
    Settings,
    change_of,
    count_cells,
    power_of_counts,
    share_test,
    tango_bounds,
    two_sided_p,
)
from qbench_statistics.cells import by_group, put_counts
from qbench_statistics.weighted import Hits

METHOD = "tango"
OTHER = "its values are not the share of hits that the metric declares (StatisticRef): the counts give another change"
ROUNDING = 1e-9
"""Above the rounding of float64 in a mean of millions of items, and below one flip among as many."""


class Share:
    """The share of hits among the rows of a number's group and class.

    Where items share images, counts are divided by their design effect (Rao and Scott 1992).
    """

    def __init__(self, options: HitOptions) -> None:
        self.options = options

    @property
    def where(self) -> Mapping[str, str]:
        """The rows that count."""
        return self.options.where

    def estimate(self, measured: Measured, number: Number) -> float:
        """The weighted share."""
        columns = {"label": number.class_} if number.class_ else {}
        if number.attribute:
            columns[number.attribute] = number.group
        return Hits(measured, number, self.options).share(**columns)

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """Counts of flips, the test, and the influence of each image."""
        x = change_of(comparison, self.options, metric)
        every = ledger.rows(metric=metric)
        ledger.put(
            every, sample_size=ledger.numbers["n"].to_numpy(np.float64)[every]
        )  # the group's, not the benchmark's
        for attribute in dict.fromkeys(ledger.column("attribute")[every]):
            for classes in (False, True):
                rows = ledger.rows(metric=metric, attribute=attribute, classes=classes)
                if not len(rows):
                    continue
                cells = by_group(ledger, comparison, self.where, rows, attribute, classes=classes)
                counts = count_cells(x, cells.cell, cells.count, comparison.image)
                _put(ledger, rows, counts, cells.of_row)
                if not classes:
                    for row, cell in zip(rows, cells.of_row, strict=True):
                        ledger.influence[int(row)] = _influence(x, cells.cell == cell, comparison.image)

    def bounds(self, effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
        """Tango's score intervals."""
        return tango_bounds(effects, confidence)

    def test(self, effects: pd.DataFrame) -> tuple[Floats, Floats]:
        """By the standard error; only rows without a count have not been tested while they were judged."""
        return two_sided_p(*(effects[name].to_numpy(np.float64) for name in ("change", "se", "df")))

    def power(self, effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
        """From the counts."""
        return power_of_counts(effects, settings)


def _put(ledger: Ledger, rows: Rows, counts: Counts, cell: Rows) -> None:
    put_counts(ledger, rows, counts, cell, 1)
    change = ledger.numbers["change"].to_numpy(np.float64)[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.abs(change - (counts.gain[cell] - counts.loss[cell]) / counts.n[cell]) > ROUNDING
    ledger.put(rows[other], why=OTHER)
    usable = (counts.n[cell] > 0) & ~other
    known, inside = rows[usable], cell[usable]
    n, gain, loss, deff = (getattr(counts, name)[inside] for name in ("n", "gain", "loss", "deff"))
    p, log10_p = share_test(gain, loss, n, deff)
    spread = np.sqrt(np.maximum(gain + loss - (gain - loss) ** 2 / n, 0.0) * deff) / n
    ledger.put(known, method=METHOD, null=NO_CHANGE, p=p, log10_p=log10_p, se=spread, df=np.inf)


def _influence(x: npt.NDArray[np.int8], inside: npt.NDArray[np.bool_], image: Rows) -> Floats:
    n, images = int(inside.sum()), int(image.max(initial=-1)) + 1
    if not n:
        return np.full(images, np.nan)
    own = np.where(inside, x - x[inside].mean(), 0.0) / n
    return np.bincount(image, weights=own, minlength=images).astype(np.float64)
