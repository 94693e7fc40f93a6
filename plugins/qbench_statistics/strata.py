"""Classes, and classes by group, as strata of a linear number."""

from __future__ import annotations

import numpy as np

from qbench.api.statistics import Comparison, Floats, Ledger, Rows, codes


def class_strata(comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
    """Each class a stratum, all of the same weight: ``(n,)`` codes and ``(classes,)`` coefficients."""
    items = comparison.before.items
    names = np.unique(items["label"].to_numpy(dtype=object).astype(str))
    stratum = codes(items["label"], names)
    if attribute:
        stratum = np.where(items[attribute].to_numpy(dtype=object) == group, stratum, -1)
    there = np.bincount(stratum[stratum >= 0], minlength=len(names)) > 0
    return stratum, np.where(there, 1.0 / max(int(there.sum()), 1), 0.0)


def pair_strata(ledger: Ledger, comparison: Comparison, attribute: str, label: str) -> tuple[Rows, Floats, list[str]]:
    """First and second group of each class whose disparity is determined, as strata.

    Returns
    -------
    stratum : numpy.ndarray
        ``(n,)`` int: ``2 * class`` for the first group, ``2 * class + 1`` for the second, −1 for neither.
    coefficient : numpy.ndarray
        ``(2 * classes,)``: 1/classes and −1/classes by turns.
    classes : list of str
        The classes, in the order of the strata.
    """
    from qbench_statistics.disparity import Disparity

    numbers = ledger.numbers
    kinds = {m: isinstance(comparison.statistic(str(m)), Disparity) for m in dict.fromkeys(ledger.column("metric"))}
    own = numbers["metric"].map(kinds).astype(bool)
    own &= (numbers["attribute"] == attribute) & (numbers["group"] == label)
    known = own & numbers["change"].notna() & (numbers["class"] != "")
    classes = [str(c) for c in numbers.loc[known, "class"]]
    items = comparison.before.items
    pair = comparison.pair(attribute, label)
    if pair is None or not classes:
        return np.full(len(items), -1, dtype=np.int64), np.zeros(0), []
    of_class, side = codes(items["label"], classes), codes(items[attribute], list(pair))
    stratum = np.where((of_class >= 0) & (side >= 0), 2 * of_class + side, -1)
    return stratum, np.tile([1.0, -1.0], len(classes)) / len(classes), classes
