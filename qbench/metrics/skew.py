"""Skew of a ranking towards groups (Geyik, Ambler & Kenthapadi, KDD 2019, sections 4.1 to 4.3).

``skew_g@k = ln p_g − ln d_g`` with p_g the share of group g in the top k and d_g the share it should have. A group
without a hit counts as ``p_g = 1/k``. Groups without an item in the gallery cannot be retrieved and are left out.

Weights stand for repeated items: the top k is cut where the weights, cumulated along the ranking, reach k, and the item
at the cut counts with what is left of it. Where k is the whole gallery or more, every ranking has the same top k, so
the skew is undetermined (NaN).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Floats, Integers, cell_sums, divide

Target = Literal["uniform", "gallery"]

FIRST_RANKS = 1.5
"""How many ranks are looked at first, as a multiple of k; where the weights of a resample need more, more are."""


def target_shares(groups: Integers, count: int, target: Target, weights: Floats) -> Floats:
    """Shares that the groups should have.

    Parameters
    ----------
    groups : numpy.ndarray
        ``(n,)`` int, the group of each gallery item, 0 to ``count - 1``.
    count : int
        Number of groups.
    target : {"uniform", "gallery"}
        Equal shares of the groups that the gallery has, or the gallery's own (weighted) shares.
    weights : numpy.ndarray
        ``(b, n)``.

    Returns
    -------
    numpy.ndarray
        ``(b, count)``; NaN for a group without an item, and for all groups where fewer than two have items.
    """
    there = np.bincount(groups, minlength=count) > 0
    if there.sum() < 2:
        return np.full((len(weights), count), np.nan)
    if target == "uniform":
        shares = np.full((len(weights), count), 1.0 / there.sum())
    else:
        shares = divide(cell_sums(weights, groups, count), weights.sum(axis=1, keepdims=True))
    return np.where(there & (shares > 0), shares, np.nan)


def top_shares(groups: Integers, count: int, k: int, ranking: Integers, item_weights: Floats) -> Floats:
    """Shares of the groups in the top k of one ranking.

    Parameters
    ----------
    groups : numpy.ndarray
        ``(n,)`` int, the group of each gallery item.
    count : int
        Number of groups.
    k : int
        The cut-off.
    ranking : numpy.ndarray
        ``(n,)`` int, positions in the gallery, best first; or only the first of them, as many as are needed.
    item_weights : numpy.ndarray
        ``(n, b)``: *transposed*, so that a ranking gathers whole rows, and only as many as it needs.

    Returns
    -------
    numpy.ndarray
        ``(b, count)``; NaN where all weights together do not exceed k.

    Raises
    ------
    ValueError
        The ranking ends before the weights exceed k.
    """
    n, b = len(ranking), item_weights.shape[1]
    ranks = min(n, int(FIRST_RANKS * k) + 1)
    while True:
        weights = item_weights[ranking[:ranks]]
        until = np.cumsum(weights, axis=0)
        reached = until[-1] > k if ranks else np.zeros(b, dtype=bool)
        if ranks == n or reached.all():
            break
        ranks = min(n, 2 * ranks)
    if n < len(item_weights) and not reached.all():
        raise ValueError(f"rankings of {n} of {len(item_weights)} items end before the top {k} is reached")
    taken = np.minimum(weights, np.maximum(k - (until - weights), 0.0))
    member = (groups[ranking[:ranks]] == np.arange(count)[:, None]).astype(np.float64)
    return np.where(reached[:, None], (member @ taken).T / k, np.nan)


def skew(shares: Floats, target: Floats, k: int) -> Floats:
    """``ln p_g − ln d_g`` in nats, ``(b, groups)``; a share of 0 counts as 1/k."""
    p = np.where(shares == 0, 1.0 / k, shares)
    return np.asarray(np.log(p) - np.log(target), dtype=np.float64)


def max_skew(skews: Floats) -> Floats:
    """Largest skew over the groups, ``(b, groups)`` → ``(b,)``: how much the most favoured group is over-represented.
    Against a uniform target of G groups it is at most ln G."""
    return _extreme(skews)


def min_skew(skews: Floats) -> Floats:
    """Smallest skew over the groups, ``(b,)``: how much the least favoured group is under-represented."""
    return -_extreme(-skews)


def _extreme(values: Floats) -> Floats:
    top = np.where(np.isnan(values), -np.inf, values).max(axis=1)
    return np.where(np.isneginf(top), np.nan, top)


def ndkl(groups: Integers, target: Floats, weights: npt.NDArray[np.float64] | None = None) -> float:
    """Normalised discounted Kullback–Leibler divergence of one whole ranking (Geyik et al. 2019, definition 4.3).

    ``(1/Z) Σ_i KL(shares of the top i ‖ d) / log2(i + 1)`` with ``Z = Σ_i 1 / log2(i + 1)``. With weights, depth i is
    a depth in cumulated weight, so that integer weights give exactly what repeated items give.

    Parameters
    ----------
    groups : numpy.ndarray
        ``(n,)`` int, in the order of the ranking.
    target : numpy.ndarray
        ``(count,)`` shares; NaN for groups that the gallery does not have.
    weights : numpy.ndarray, optional
        ``(n,)``, in the order of the ranking.

    Returns
    -------
    float
        Nats, 0 for a ranking whose every prefix has the target's shares; NaN where no share is known.
    """
    weight = np.ones(len(groups)) if weights is None else weights
    until = np.cumsum(weight)
    depths = int(np.floor(until[-1] * (1 + 1e-12))) if len(until) else 0
    if not depths or np.isnan(target).all():
        return float("nan")
    depth = np.arange(1.0, depths + 1)
    at = np.minimum(np.searchsorted(until, depth), len(groups) - 1)
    left = np.minimum(depth - (until[at] - weight[at]), weight[at])
    divergence = np.zeros(depths)
    for group in np.flatnonzero(~np.isnan(target)):
        own = np.where(groups == group, weight, 0.0)
        count = (np.cumsum(own) - own)[at] + np.where(groups[at] == group, left, 0.0)
        share = np.maximum(count, 0.0) / depth
        divergence += share * np.log(np.where(share > 0, share, 1.0) / target[group])
    discount = 1.0 / np.log2(depth + 1)
    return float((divergence * discount).sum() / discount.sum())
