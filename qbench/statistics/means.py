"""Changes of means over classes: of recalls, and of signed disparities. Closed form, images as units."""

from __future__ import annotations

import numpy as np

from qbench.metrics.interface import Statistic
from qbench.statistics.hits import change_of, codes, counted, sum_of
from qbench.statistics.ledger import Comparison, Floats, Ledger, Rows
from qbench.stats.linear import linear_change
from qbench.stats.nulls import ZERO_MEAN

CLOSED = "closed form"


def judge_means(ledger: Ledger, comparison: Comparison, metric: str, statistic: Statistic) -> None:
    """Fill in the rows of a mean over classes."""
    x, total = change_of(comparison, statistic, metric), sum_of(comparison, statistic, metric)
    there = counted(comparison, statistic)
    image = comparison.image
    for row in ledger.rows(metric=metric, classes=False):
        attribute, group = (str(ledger.column(name)[row]) for name in ("attribute", "group"))
        if statistic.kind == "class_mean":
            stratum, coefficient = class_strata(comparison, attribute, group)
        else:
            stratum, coefficient, _ = pair_strata(ledger, comparison, attribute, group)
        found = linear_change(x, np.where(there, stratum, -1), coefficient, image)
        if found.reason:
            ledger.put([row], why=found.reason)
            continue
        level = linear_change(total, np.where(there, stratum, -1), coefficient, image)
        ledger.put([row], method=CLOSED, null=ZERO_MEAN, se=found.se, df=found.df, sum_se=level.se)
        ledger.influence[int(row)] = found.influence


def class_strata(comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
    """Each class a stratum, all of the same weight: ``(n,)`` codes and ``(classes,)`` coefficients."""
    items = comparison.before.items
    names = np.unique(items["label"].to_numpy(dtype=object).astype(str))
    stratum = codes(items["label"], names)
    if attribute:
        stratum = np.where(items[attribute].to_numpy(dtype=object) == group, stratum, -1)
    there = np.bincount(stratum[stratum >= 0], minlength=len(names)) > 0
    return stratum, np.where(there, 1.0 / max(int(there.sum()), 1), 0.0)


def pair_strata(ledger: Ledger, comparison: Comparison, attribute: str, pair: str) -> tuple[Rows, Floats, list[str]]:
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
    numbers = ledger.numbers
    kinds = ledger.numbers["metric"].map(
        lambda name: getattr(comparison.statistics.get(str(name).partition("@")[0]), "kind", "")
    )
    own = (kinds == "disparity") & (numbers["attribute"] == attribute) & (numbers["group"] == pair)
    known = own & numbers["change"].notna() & (numbers["class"] != "")
    classes = [str(c) for c in numbers.loc[known, "class"]]
    items = comparison.before.items
    first_second = comparison.pairs.get((attribute, pair))
    if first_second is None or not classes:
        return np.full(len(items), -1, dtype=np.int64), np.zeros(0), []
    label, side = codes(items["label"], classes), codes(items[attribute], list(first_second))
    stratum = np.where((label >= 0) & (side >= 0), 2 * label + side, -1)
    return stratum, np.tile([1.0, -1.0], len(classes)) / len(classes), classes
