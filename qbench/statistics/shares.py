"""Changes of shares of hits, and of differences of two groups' shares within a class: from counts of flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.metrics.interface import Statistic
from qbench.statistics import intervals
from qbench.statistics.hits import Counts, change_of, codes, correlation, count_cells, counted, mean_variance, sum_of
from qbench.statistics.ledger import Comparison, Floats, Ledger, Rows
from qbench.stats.flips import mcnemar
from qbench.stats.nulls import NO_CHANGE, SAME_IN_GROUPS
from qbench.stats.tango import tango_p


def judge_shares(ledger: Ledger, comparison: Comparison, metric: str, statistic: Statistic) -> None:
    """Fill in the rows of a share: Tango's score interval, McNemar's mid-p test, influence of each image."""
    x = change_of(comparison, statistic, metric)
    image = comparison.image
    for attribute in dict.fromkeys(ledger.column("attribute")[ledger.rows(metric=metric)]):
        for classes in (False, True):
            rows = ledger.rows(metric=metric, attribute=attribute, classes=classes)
            if not len(rows):
                continue
            parts = _partition(ledger, comparison, statistic, rows, attribute, classes)
            counts = count_cells(x, parts.cell, parts.cells, image)
            _put(ledger, rows, counts, parts.of_row)
            if not classes:
                for row, cell in zip(rows, parts.of_row, strict=True):
                    ledger.influence[int(row)] = _influence(x, parts.cell == cell, image)


def judge_disparities(ledger: Ledger, comparison: Comparison, metric: str, statistic: Statistic) -> None:
    """Fill in the counts of a disparity in one class: interval and p are made of them for all comparisons at once."""
    x = change_of(comparison, statistic, metric)
    for attribute in dict.fromkeys(ledger.column("attribute")[ledger.rows(metric=metric)]):
        rows = ledger.rows(metric=metric, attribute=attribute, classes=True)
        rows = rows[np.isfinite(ledger.numbers["change"].to_numpy(np.float64)[rows])]
        pairs = [comparison.pairs.get((attribute, str(g))) for g in ledger.column("group")[rows]]
        rows = rows[[p is not None for p in pairs]]
        if not len(rows):
            continue
        groups = list(comparison.attributes[attribute])
        parts = _cells(ledger, comparison, statistic, rows, attribute, groups)
        counts = count_cells(x, parts.cell, parts.cells, comparison.image)
        sides = [
            parts.of_row + np.array([groups.index(p[side]) for p in pairs if p is not None], dtype=np.int64)
            for side in (0, 1)
        ]
        for side, cell in zip((1, 2), sides, strict=True):
            _put_counts(ledger, rows, counts, cell, side)
        level = mean_variance(sum_of(comparison, statistic, metric), parts.cell, parts.cells)
        ledger.put(
            rows,
            method=intervals.MOVER,
            null=SAME_IN_GROUPS,
            rho=correlation(x, parts.cell, parts.cells, comparison.image, *sides),
            sum_se=np.sqrt(level[sides[0]] + level[sides[1]]),
        )


@dataclass(frozen=True)
class _Parts:
    """A partition of the items, and the cell of each row."""

    cell: Rows
    cells: int
    of_row: Rows


def _partition(
    ledger: Ledger, comparison: Comparison, statistic: Statistic, rows: Rows, attribute: str, classes: bool
) -> _Parts:
    groups = list(dict.fromkeys(str(g) for g in ledger.column("group")[rows])) if attribute else [""]
    if classes:
        parts = _cells(ledger, comparison, statistic, rows, attribute, groups)
        place = {g: i for i, g in enumerate(groups)}
        return _Parts(
            parts.cell, parts.cells, parts.of_row + np.array([place[str(g)] for g in ledger.column("group")[rows]])
        )
    group = _groups(comparison, attribute, groups)
    cell = np.where(counted(comparison, statistic), group, -1)
    return _Parts(cell, len(groups), codes(ledger.numbers["group"].iloc[rows], groups))


def _cells(
    ledger: Ledger, comparison: Comparison, statistic: Statistic, rows: Rows, attribute: str, groups: Sequence[str]
) -> _Parts:
    """Class × group; ``of_row`` is the cell of a row's class and the first group."""
    names = list(dict.fromkeys(ledger.column("class")[rows]))
    label = codes(comparison.before.items["label"], names)
    group = _groups(comparison, attribute, groups)
    there = counted(comparison, statistic) & (label >= 0) & (group >= 0)
    cell = np.where(there, label * len(groups) + group, -1)
    return _Parts(cell, len(names) * len(groups), codes(ledger.numbers["class"].iloc[rows], names) * len(groups))


def _groups(comparison: Comparison, attribute: str, groups: Sequence[str]) -> Rows:
    items = comparison.before.items
    if not attribute:
        return np.zeros(len(items), dtype=np.int64)
    return codes(items[attribute], list(groups))


def _put(ledger: Ledger, rows: Rows, counts: Counts, cell: Rows) -> None:
    _put_counts(ledger, rows, counts, cell, 1)
    known = rows[counts.n[cell] > 0]
    inside = cell[counts.n[cell] > 0]
    n, gain, loss, deff = (getattr(counts, name)[inside] for name in ("n", "gain", "loss", "deff"))
    p, log10_p = _test_share(gain, loss, n, deff)
    spread = np.sqrt(np.maximum(gain + loss - (gain - loss) ** 2 / n, 0.0) * deff) / n
    ledger.put(known, method=intervals.TANGO, null=NO_CHANGE, p=p, log10_p=log10_p, se=spread, df=np.inf)


def _test_share(gain: Floats, loss: Floats, n: Floats, deff: Floats) -> tuple[Floats, Floats]:
    """McNemar's mid-p; where items share images the score test on effective counts, which the mid-p cannot take."""
    p, log10_p = mcnemar(gain, loss)
    shared = deff > 1
    z = tango_p(gain / deff, loss / deff, n / deff)[0]
    score, log10_score = intervals.normal_p(z)
    return np.where(shared, score, p), np.where(shared, log10_score, log10_p)


def _put_counts(ledger: Ledger, rows: Rows, counts: Counts, cell: Rows, side: int) -> None:
    found = {f"{name}{side}": getattr(counts, name)[cell] for name in ("n", "gain", "loss", "deff")}
    ledger.put(rows, **found)


def _influence(x: npt.NDArray[np.int8], inside: npt.NDArray[np.bool_], image: Rows) -> Floats:
    n = int(inside.sum())
    if not n:
        return np.full(int(image.max()) + 1, np.nan)
    own = np.where(inside, x - x[inside].mean(), 0.0) / n
    return np.bincount(image, weights=own, minlength=int(image.max()) + 1).astype(np.float64)
