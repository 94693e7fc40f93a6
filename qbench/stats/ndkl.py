"""The change of NDKL between two variants that ranked the same gallery, by an exact delete-1 jackknife.

NDKL is ``(1/Z) Σ_i u_i (Σ_g T[c_ig] − T[i] − Σ_g c_ig ln d_g)`` with ``u_i = 1 / (i log2(i + 1))``, ``T[c] = c ln c``
and c_ig the items of group g in the top i (Geyik et al. 2019, definition 4.3). Without the item at rank j, of group h,
the depths before j are as they were and depth i is the old depth i + 1 with one item of h less, so that all n values
are made of sums from the start and sums from the end. Between two items of a group its count stands still; hence each
sum over depths is one over items, and the work for a ranking is O(n), whatever the number of groups.

``se² = (n − 1)/n Σ_j (θ_(j) − mean)²`` (Tukey 1958; Efron 1982, chapter 3). Of a change, both variants leave out the
same image. Which groups there are does not change when an item is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qbench.stats.ranked import Floats, Integers, RankedChange, as_rankings, image_codes, sum_by_image, undetermined

LEAST_IMAGES = 10
"""Images below which the jackknife gives no standard error. A choice of ours: of two to four images its values are
often all alike, so that the interval would have no length, or hardly any."""
BLOCK_ITEMS = 2**15
"""Items of the rankings that are worked on at once: their arrays stay in the processor's cache."""


@dataclass(frozen=True)
class NdklLevels:
    """NDKL of the rankings of one variant, and without each item.

    Attributes
    ----------
    value : numpy.ndarray
        ``(queries,)`` float64, nats.
    without : numpy.ndarray
        ``(queries, n)`` float64: without the item at each position of the gallery.
    reason : str
        Why they are undetermined; empty where they are not.
    """

    value: Floats
    without: Floats
    reason: str = ""


def ndkl_levels(
    rankings: npt.ArrayLike, groups: npt.ArrayLike, target: npt.ArrayLike, *, target_is_gallery: bool = False
) -> NdklLevels:
    """NDKL of each ranking, and without each item.

    Parameters
    ----------
    rankings : array_like
        ``(queries, n)`` int: positions in the gallery, best first; whole rankings.
    groups : array_like
        ``(n,)`` int: the group of each item, 0 to G-1.
    target : array_like
        ``(G,)`` float: the shares that the groups should have; NaN for groups that the gallery does not have.
    target_is_gallery : bool
        Whether `target` are the gallery's own shares: they then change with the item that is left out.

    Returns
    -------
    NdklLevels
        With the reason where NDKL is undetermined.
    """
    order, group, wanted = np.asarray(rankings), np.asarray(groups), np.asarray(target, dtype=np.float64)
    queries, n = order.shape
    why = ""
    if n < 2:
        why = "fewer than two items in the gallery"
    elif (~np.isnan(wanted)).sum() < 2:
        why = "fewer than two groups have an item in the gallery"
    if why:
        return NdklLevels(np.full(queries, np.nan), np.full((queries, n), np.nan), why)
    value, without = np.empty(queries), np.empty((queries, n))
    codes = group.astype(np.uint8 if len(wanted) <= 256 else np.int64)  # eight bits: numpy then sorts in O(n)
    log_target = np.log(np.where(np.isnan(wanted), 1.0, wanted))
    block = max(1, BLOCK_ITEMS // n)
    rows = np.arange(block)[:, None] * n
    for start in range(0, queries, block):
        part = slice(start, start + block)
        value[part], deleted = _block(codes[order[part]], log_target, target_is_gallery)
        without[part].ravel()[(order[part] + rows[: len(deleted)]).ravel()] = deleted.ravel()
    return NdklLevels(value, without)


def ndkl_change(
    before: npt.ArrayLike | NdklLevels,
    after: npt.ArrayLike | NdklLevels,
    groups: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    target_is_gallery: bool = False,
    image: npt.ArrayLike | None = None,
) -> RankedChange:
    """Judge the change of NDKL.

    Parameters
    ----------
    before, after : array_like or NdklLevels
        ``(queries, n)`` int rankings, or what `ndkl_levels` made of them (a baseline serves many variants).
    groups, target, target_is_gallery
        As in `ndkl_levels`.
    image : array_like, optional
        ``(n,)`` int, 0 or more: the image of each item, where an image has several items; their values are summed.

    Returns
    -------
    RankedChange
        Of each query, and of the mean over the queries.

    Raises
    ------
    ValueError
        Shapes do not match.
    """
    if not (isinstance(before, NdklLevels) or isinstance(after, NdklLevels)):
        as_rankings(before, after, groups)
    old, new = (
        x if isinstance(x, NdklLevels) else ndkl_levels(x, groups, target, target_is_gallery=target_is_gallery)
        for x in (before, after)
    )
    if old.without.shape != new.without.shape:
        raise ValueError(f"rankings of shapes {old.without.shape} and {new.without.shape}")
    queries, n = old.without.shape
    at, images, _ = image_codes(image, n)
    reason = old.reason or new.reason or ("" if queries else "no query")
    if images < LEAST_IMAGES:
        reason = reason or f"fewer than {LEAST_IMAGES} images: too few for a jackknife"
    if reason:
        return undetermined(queries, images, reason)
    own = _influence(new.without - old.without)
    by_image = sum_by_image(own, at, images)
    se = np.sqrt((by_image**2).sum(axis=1))
    influence = by_image.mean(axis=0)
    mean_se = math.sqrt(float(np.sum(influence**2)))
    # Where nothing moved, what an image can do at most: not a spread of zero.
    most = np.abs(_influence(old.without)).max(axis=1)
    few = se <= 1e-9 * most
    change = new.value - old.value
    return RankedChange(
        change=change,
        se=np.where(few, most, se),
        few=few,
        mean=float(change.mean()),
        mean_se=float(most.mean()) if few.all() else mean_se,
        mean_few=bool(few.all()),
        influence=influence,
    )


def _influence(without: Floats) -> Floats:
    """Values whose sum of squares, times n / (n − 1), is the jackknife's variance."""
    n = without.shape[1]
    return np.asarray((without.mean(axis=1, keepdims=True) - without) * ((n - 1) / n), dtype=np.float64)


@lru_cache(maxsize=8)
def _tables(n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """T[c] for c = 0…n; and u, cumulated u and cumulated 1 / log2(i + 1) for depths 0…n (0 at depth 0)."""
    i = np.arange(1.0, n + 1)
    discount = 1 / np.log2(i + 1)
    zero = np.zeros(1)
    u = np.r_[zero, discount / i]
    return np.r_[zero, i * np.log(i)], u, np.cumsum(u), np.r_[zero, np.cumsum(discount)]


def _block(codes: npt.NDArray[np.generic], log_target: Floats, is_gallery: bool) -> tuple[Floats, Floats]:
    """Values ``(b,)``, and values without the item at each *rank* ``(b, n)``, of rankings given as group codes."""
    b, n = codes.shape
    t, u, total_u, total = _tables(n)
    # Items of a group one after another, in the order of their ranks; group, number and size are those of any ranking.
    by_group = np.argsort(codes, axis=1, kind="stable")
    flat = by_group + np.arange(b)[:, None] * n
    size = np.bincount(codes[0].astype(np.int64), minlength=len(log_target))
    group = np.repeat(np.arange(len(size)), size)
    number = np.arange(1, n + 1) - (np.cumsum(size) - size)[group]
    last = np.cumsum(size)[size > 0] - 1
    gain = t[number] - t[number - 1] - log_target[group]

    # Σ_g T[c_ig] − c_ig ln d_g at each depth: what the items down to it add.
    level = np.empty(codes.shape)
    level.ravel()[flat.ravel()] = np.broadcast_to(gain, codes.shape).ravel()
    np.cumsum(level, axis=1, out=level)
    terms = u[1:] * (level - t[1:])
    without = np.cumsum(terms, axis=1)
    value = without[:, -1] / total[n]
    without -= terms
    # Old depth i is depth i − 1 once an item before it is gone.
    level -= t[:-1]
    level *= u[:-1]
    later = np.cumsum(level, axis=1, out=level)
    without += later[:, -1:]
    without -= later

    # From depth i > j the group of j has one item less. Its count stands still from an item to its next one.
    start = np.r_[0.0, total_u[: n - 1]][by_group]  # up to depth i − 2 for the item at rank i
    stretch = np.empty_like(start)
    np.subtract(start[:, 1:], start[:, :-1], out=stretch[:, :-1])
    stretch[:, last] = total_u[n - 1] - start[:, last]
    own = u[by_group]
    lost = _from_here(gain * stretch, last, size) - gain * own
    if is_gallery:
        # d_g is N_g / n: of the item's group it falls to (N_h − 1) / (n − 1), of the others it rises to N_g / (n − 1).
        upto = total_u[by_group]
        above = np.empty_like(start)
        np.subtract(upto[:, 1:], upto[:, :-1], out=above[:, :-1])
        above[:, last] = 0.0
        above *= number
        seen = _until_here(above, last, size) + _from_here((number - 1) * stretch, last, size) - (number - 1) * own
        fewer = np.log(np.maximum(size - 1, 1) / np.maximum(size, 1))
        lost += fewer[group] * seen + math.log(n / (n - 1)) * total[n - 1]
    without.ravel()[flat.ravel()] -= lost.ravel()
    without /= total[n - 1]
    return value, without


def _from_here(values: Floats, last: Integers, size: Integers) -> Floats:
    """Sum from each item to the last one of its group."""
    until = np.cumsum(values, axis=1)
    values += np.repeat(until[:, last], size[size > 0], axis=1)
    values -= until
    return values


def _until_here(values: Floats, last: Integers, size: Integers) -> Floats:
    """Sum over the items of the group before each item."""
    until = np.cumsum(values, axis=1)
    first = np.concatenate([np.zeros((len(values), 1)), until[:, last[:-1]]], axis=1)
    until -= values
    until -= np.repeat(first, size[size > 0], axis=1)
    return until
