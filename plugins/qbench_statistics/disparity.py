"""A difference of two groups' shares of hits, in one class or over all: MOVER over the two groups' Tango intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from qbench.api.statistics import (
    SAME_IN_GROUPS,
    Comparison,
    Floats,
    GroupPair,
    HitOptions,
    Ledger,
    Measured,
    Number,
    Rows,
    Settings,
    change_of,
    correlation,
    count_cells,
    mean_variance,
    mover_bounds,
    mover_test,
    power_of_counts,
    sum_of,
)
from qbench_statistics.cells import Cells, by_class_and_group, by_groups, put_counts
from qbench_statistics.weighted import Hits

METHOD = "mover"


class Disparity:
    """The share of hits of the first group of a pair minus that of the second, in one class or over all of them."""

    def __init__(self, options: HitOptions) -> None:
        self.options = options

    @property
    def where(self) -> Mapping[str, str]:
        """The rows that count."""
        return self.options.where

    def estimate(self, measured: Measured, number: Number) -> float:
        """The difference of two weighted shares."""
        return disparity(measured, number, self.options, number.class_)

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """Counts of both groups, their correlation through images that show both, and how sure the sign is.

        Interval and p-value are made of the counts, for all comparisons at once. The standard error of before + after
        takes the two groups for independent: images that show both make the true one smaller.
        """
        for attribute in dict.fromkeys(ledger.column("attribute")[ledger.rows(metric=metric)]):
            for classes in (False, True):
                rows = ledger.rows(metric=metric, attribute=attribute, classes=classes)
                rows = rows[np.isfinite(ledger.numbers["change"].to_numpy(np.float64)[rows])]
                pairs = [comparison.pair(attribute, str(label)) for label in ledger.column("group")[rows]]
                rows = rows[[pair is not None for pair in pairs]]
                if len(rows):
                    known = [pair for pair in pairs if pair is not None]
                    self._put(metric, comparison, ledger, rows, known, attribute, classes=classes)

    def _put(
        self,
        metric: str,
        comparison: Comparison,
        ledger: Ledger,
        rows: Rows,
        pairs: Sequence[GroupPair],
        attribute: str,
        *,
        classes: bool,
    ) -> None:
        """Rows of one attribute, all of them of classes or all over the classes."""
        x = change_of(comparison, self.options, metric)
        total = sum_of(comparison, self.options, metric)
        groups = list(comparison.attributes[attribute].groups)
        if classes:
            cells = by_class_and_group(ledger, comparison, self.where, rows, attribute, groups)
        else:
            whole = by_groups(comparison, self.where, attribute, groups)
            cells = Cells(whole, len(groups), np.zeros(len(rows), dtype=np.int64))
        counts = count_cells(x, cells.cell, cells.count, comparison.image)
        first = cells.of_row + np.array([groups.index(pair.first) for pair in pairs], dtype=np.int64)
        second = cells.of_row + np.array([groups.index(pair.second) for pair in pairs], dtype=np.int64)
        put_counts(ledger, rows, counts, first, 1)
        put_counts(ledger, rows, counts, second, 2)
        level = mean_variance(total, cells.cell, cells.count, comparison.image)
        ledger.put(
            rows,
            method=METHOD,
            null=SAME_IN_GROUPS,
            rho=correlation(x, cells.cell, cells.count, comparison.image, first, second),
            sum_se=np.sqrt(level[first] + level[second]),
        )

    def bounds(self, effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
        """MOVER's intervals."""
        return mover_bounds(effects, confidence)

    def test(self, effects: pd.DataFrame) -> tuple[Floats, Floats]:
        """Where the interval touches zero."""
        return mover_test(effects)

    def power(self, effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
        """From the counts."""
        return power_of_counts(effects, settings)


def disparity(measured: Measured, number: Number, options: HitOptions, class_: str) -> float:
    """The disparity of a number's pair of groups, in a class or in all; NaN where the attribute has no such pair."""
    attribute = measured.attributes.get(number.attribute)
    pair = attribute.group_pairs.get(number.group) if attribute is not None else None
    if pair is None:
        return math.nan
    found = Hits(measured, number, options)
    of_class = {"label": class_} if class_ else {}
    first, second = (found.share(**of_class, **{number.attribute: group}) for group in pair)
    return first - second
