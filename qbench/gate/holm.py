"""Which rows are shown to be beyond their limits: a weighted Holm's method over one-sided p-values from intervals.

Only the claim "something failed" is adjusted. The claim "everything passes" is an intersection–union test: it is right
where every one of its rows is, so each is tested at its own level (Berger 1982, Technometrics 24:295).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from qbench.gate.loss import Bounds, Floats, Losses

STEPS = 24  # of the bisection, over log10 of the level: to a millionth of a decade
LOWEST = 1e-10
HIGHEST = 0.5
TREE = ["rule", "benchmark", "metric", "attribute", "group", "class"]
"""From the whole to the particular: the columns that `weights` divides a family by."""


def one_sided_p(rows: Losses, limit: Floats, bounds: Bounds) -> Floats:
    """Invert the bounds: the smallest level at which a row's one-sided lower bound lies beyond its limit.

    Parameters
    ----------
    rows : Losses
        The rows, ``(n,)``.
    limit : numpy.ndarray
        ``(n,)``, the limit of each.
    bounds : callable
        Bounds of a change at a confidence; nested.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` p of the null "the loss is at most the limit", `LOWEST` to 1: 1 where the estimate itself is not beyond
        it. NaN where there are no bounds.
    """
    n = len(limit)
    known = np.isfinite(rows.interval(bounds, np.full(n, 0.5))).all(axis=0)
    p = np.where(known, 1.0, np.nan)
    # Few rows are beyond their limit at any level; only these have a p to search for.
    at = np.flatnonzero(known & (rows.interval(bounds, np.full(n, 1 - 2 * HIGHEST * (1 - 1e-9)))[0] > limit))
    some, wanted = rows.taken(at), limit[at]
    low, high = np.full(len(at), np.log10(LOWEST)), np.full(len(at), np.log10(HIGHEST))
    for _ in range(STEPS if len(at) else 0):
        middle = (low + high) / 2
        yes = some.interval(bounds, 1 - 2 * 10**middle)[0] > wanted
        high, low = np.where(yes, middle, high), np.where(yes, low, middle)
    p[at] = 10**high
    return p


def weights(names: pd.DataFrame) -> Floats:
    """The part of the level of a family that each of its rows starts with, divided level by level of `TREE`.

    Each rule gets its part of the whole by its weight, each benchmark the same part of that of its rule, then each
    metric, each attribute, each group, each class. So a benchmark with many small groups takes nothing from one with
    few. Such weights are those of a graphical procedure (Bretz et al. 2009, Statistics in Medicine 28:586) that passes
    the level of what is rejected on to all that is left, in proportion.

    Parameters
    ----------
    names : pandas.DataFrame
        ``(n,)`` rows, with the columns ``family`` and ``weight``, which is that of the rule, and those of `TREE`.

    Returns
    -------
    numpy.ndarray
        ``(n,)``, above 0, with the sum 1 within each family.

    Examples
    --------
    >>> rows = [(0, 3.0, "overall", "facet", "accuracy", "", "", "")]
    >>> rows += [(0, 1.0, "groups", "facet", "accuracy", "age", group, "") for group in ("young", "older")]
    >>> weights(pd.DataFrame(rows, columns=["family", "weight", *TREE])).tolist()
    [0.75, 0.125, 0.125]
    """
    family = names["family"]
    of_rules = names.drop_duplicates(["family", "rule"]).groupby("family")["weight"].sum()
    parts = np.array(names["weight"] / family.map(of_rules), dtype=np.float64)
    above = names.groupby(["family", "rule"], sort=False).ngroup().to_numpy()
    for column in TREE[1:]:
        children, inside = pd.factorize(above * np.int64(len(names) + 1) + pd.factorize(names[column])[0])
        parent = np.zeros(len(inside), dtype=np.int64)
        parent[children] = above
        parts /= np.bincount(parent)[above]
        above = children
    return parts


def holm_levels(p: Floats, weight: Floats, alpha: float) -> Floats:
    """The level at which Holm's weighted method tests each row: rejected exactly where ``p <= level``.

    Holm 1979, Scand. J. Statist. 6:65, section 4: in the order of p / weight each is tested at α · weight / (the sum of
    the weights that are left), and the first that is not rejected stops the procedure; those after it are tested with
    the weights that were left at that step. Whatever the dependence of the rows is, the probability that any true null
    is rejected is at most α.

    statsmodels and `qbench.stats.decide.holm` give adjusted p-values, but have no weights and no levels. A gate needs
    levels, because it shows the bound of each row at its own level, which lies beyond the limit exactly where the
    method rejects.

    Parameters
    ----------
    p : numpy.ndarray
        ``(n,)``; NaN is in no family and has a level of NaN.
    weight : numpy.ndarray
        ``(n,)``, above 0.
    alpha : float
        Of the family.
    """
    levels = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known] / weight[known], kind="stable")]
    left = np.cumsum(weight[order][::-1])[::-1]
    stops = np.flatnonzero(p[order] > alpha * weight[order] / left)
    if len(stops):
        left[stops[0] :] = left[stops[0]]
    levels[order] = alpha * weight[order] / left
    return levels


def proven_losses(
    rows: Losses, limit: Floats, bounds: Bounds, *, confidence: float, names: pd.DataFrame, holm: bool
) -> Floats:
    """The loss that each row is shown to have at least; it is beyond the limit where the row fails.

    Parameters
    ----------
    rows, limit, bounds, confidence, names, holm
        As in `failure_levels`.

    Returns
    -------
    numpy.ndarray
        ``(n,)``; NaN where a row has no bounds.
    """
    levels = failure_levels(rows, limit, bounds, confidence=confidence, names=names, holm=holm)
    return rows.interval(bounds, 1 - 2 * levels)[0]


def failure_levels(
    rows: Losses, limit: Floats, bounds: Bounds, *, confidence: float, names: pd.DataFrame, holm: bool
) -> Floats:
    """The one-sided level at which each row is tested for a failure.

    Parameters
    ----------
    rows, limit, bounds
        As in `one_sided_p`.
    confidence : float
        Two-sided, 0 to 1: within each family, anything is wrongly beyond its limit in at most half of the rest.
    names : pandas.DataFrame
        ``(n,)`` rows as `weights` takes them.
    holm : bool
        Whether to adjust at all.

    Returns
    -------
    numpy.ndarray
        ``(n,)``, above 0.
    """
    alpha = (1 - confidence) / 2
    levels = np.full(len(limit), alpha)
    if holm and len(limit):
        p, weight = one_sided_p(rows, limit, bounds), weights(names)
        for of in names.groupby("family", sort=False).indices.values():
            levels[of] = holm_levels(p[of], weight[of], alpha)
    return np.where(np.isfinite(levels), np.clip(levels, LOWEST, None), alpha)
