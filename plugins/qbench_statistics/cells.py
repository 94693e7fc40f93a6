"""Partitions of the items by class and group: the cells that shares and disparities are counted in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qbench.api.statistics import Comparison, Counts, Ledger, Rows, codes, counted


@dataclass(frozen=True)
class Cells:
    """A partition of the items, and the cell of each row of the ledger.

    Attributes
    ----------
    cell : numpy.ndarray
        ``(n,)`` int: the cell of each item; −1 for an item in none.
    count : int
        How many cells there are.
    of_row : numpy.ndarray
        ``(rows,)`` int: the cell of each row.
    """

    cell: Rows
    count: int
    of_row: Rows


def by_group(
    ledger: Ledger, comparison: Comparison, where: Mapping[str, str], rows: Rows, attribute: str, *, classes: bool
) -> Cells:
    """The partition behind rows of shares of one attribute, which are either all of classes or all over classes."""
    groups = list(dict.fromkeys(str(g) for g in ledger.column("group")[rows])) if attribute else [""]
    if classes:
        cells = by_class_and_group(ledger, comparison, where, rows, attribute, groups)
        place = {g: i for i, g in enumerate(groups)}
        return Cells(
            cells.cell, cells.count, cells.of_row + np.array([place[str(g)] for g in ledger.column("group")[rows]])
        )
    cell = by_groups(comparison, where, attribute, groups)
    return Cells(cell, len(groups), codes(ledger.numbers["group"].iloc[rows], groups))


def by_class_and_group(
    ledger: Ledger, comparison: Comparison, where: Mapping[str, str], rows: Rows, attribute: str, groups: Sequence[str]
) -> Cells:
    """Class × group; ``of_row`` is the cell of a row's class and the first group."""
    names = list(dict.fromkeys(ledger.column("class")[rows]))
    label = codes(comparison.before.items["label"], names)
    group = _groups(comparison, attribute, groups)
    there = counted(comparison.before.items, where) & (label >= 0) & (group >= 0)
    cell = np.where(there, label * len(groups) + group, -1)
    return Cells(cell, len(names) * len(groups), codes(ledger.numbers["class"].iloc[rows], names) * len(groups))


def by_groups(comparison: Comparison, where: Mapping[str, str], attribute: str, groups: Sequence[str]) -> Rows:
    """``(n,)`` int: the group of each item that counts, whatever its class is; −1 for the others."""
    return np.where(counted(comparison.before.items, where), _groups(comparison, attribute, groups), -1)


def put_counts(ledger: Ledger, rows: Rows, counts: Counts, cell: Rows, side: int) -> None:
    """Write the counts of each row's cell as those of the first group (side 1) or the second (side 2)."""
    ledger.put(rows, **{f"{name}{side}": getattr(counts, name)[cell] for name in ("n", "gain", "loss", "deff")})


def _groups(comparison: Comparison, attribute: str, groups: Sequence[str]) -> Rows:
    items = comparison.before.items
    if not attribute:
        return np.zeros(len(items), dtype=np.int64)
    return codes(items[attribute], list(groups))
