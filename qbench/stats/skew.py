"""The change of Skew@k, MaxSkew@k and MinSkew@k between two variants that ranked the same gallery.

The share p_g of a group in the top k depends on the gallery in two ways: through the pictures in the top, and through
the cut, which moves when a picture above it is drawn twice or not at all. At the cut, pictures of group g come and go
with the local share π_g (ranks k ± 0.3 k, pooled over both variants). With weight w_i of picture i,

    d ln p_g / d w_i = { 1[i in top k] (1[g_i = g] − π_g) / k − (p_g − π_g) / n } / p_g

and the variance of ln p_g is the sum of the squares over the gallery (the infinitesimal jackknife; a delete-1 jackknife
would be inconsistent at the cut, because it sees the one picture at rank k + 1 only). A change is the difference of two
such values, picture by picture, so that what the variants share cancels. Against the gallery's own shares d_g, ln d_g
cancels too, but in Max- and MinSkew where the extreme group is another one: there its influence,
``(1[g_i = g] / d_g − 1) / n``, is added.

Max- and MinSkew use the group that is extreme *in each variant* (own arg-max). Where groups are nearly tied this is
wider than needed; a common or smoothed arg-max is too narrow.

Where fewer than `FEW` pictures of a group entered or left the top, the sum of squares is too small too often, and zero
where none did. Then the variance of one more such picture is added, and the number is marked `few`. A group without a
hit counts as one hit, as in the metric: its change from none to one hit is zero, its influence is that of one hit, and
one assumed picture gives a standard error of almost 1 nat, so that nothing is claimed of it.

References
----------
S. C. Geyik, S. Ambler and K. Kenthapadi, KDD 2019, section 4.1 (the measures); L. A. Jaeckel, The infinitesimal
jackknife, Bell Labs MM 72-1215-11 (1972) and B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982),
chapter 6 (variance from influence values).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.stats.ranked import (
    FEW,
    Booleans,
    Floats,
    Integers,
    RankedChange,
    as_rankings,
    pictures,
    sum_by_picture,
    undetermined,
)

WINDOW = 0.3
"""Half the width of the window around the cut, as a share of k."""
LEAST = 10
"""Least half width, in ranks."""


@dataclass(frozen=True)
class SkewChange:
    """Changes of the skews at one cut-off.

    Attributes
    ----------
    groups : tuple of RankedChange
        ``skew@k`` of each group; undetermined for a group that the gallery does not have.
    max, min : RankedChange
        ``max_skew@k`` and ``min_skew@k``.
    """

    groups: tuple[RankedChange, ...]
    max: RankedChange
    min: RankedChange


@dataclass(frozen=True)
class _Side:
    """One variant's tops: who is in them, hits and shares (at least one hit) of each query and group."""

    top: Booleans
    hits: Integers
    share: Floats


def skew_change(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    groups: npt.ArrayLike,
    target: npt.ArrayLike,
    k: int,
    *,
    target_is_gallery: bool = False,
    image: npt.ArrayLike | None = None,
) -> SkewChange:
    """Judge the change of the skews at k.

    Parameters
    ----------
    before, after : array_like
        ``(queries, n)`` int: positions in the gallery, best first; at least the first ``1.3 k + 10`` are to be right.
    groups : array_like
        ``(n,)`` int: the group of each item, 0 to G-1.
    target : array_like
        ``(G,)`` float: the shares that the groups should have (`qbench.metrics.skew.target_shares`); NaN for groups
        that the gallery does not have.
    k : int
        The cut-off.
    target_is_gallery : bool
        Whether `target` are the gallery's own shares, which vary as the gallery does.
    image : array_like, optional
        ``(n,)`` int, 0 or more: the picture of each item, where a picture has several items.

    Raises
    ------
    ValueError
        Shapes do not match, or `k` is less than 1.
    """
    first, second = as_rankings(before, after, groups)
    group, wanted = np.asarray(groups, dtype=np.int64), np.asarray(target, dtype=np.float64)
    (queries, n), count = first.shape, len(wanted)
    at, images, single = pictures(image, n)
    if k < 1:
        raise ValueError(f"the cut-off is {k}")
    known = ~np.isnan(wanted)
    why = ""
    if k >= n:
        why = f"the cut-off is the whole gallery or more ({k} of {n}): every ranking has the same top"
    elif known.sum() < 2:
        why = "fewer than two groups have an item in the gallery"
    elif images < 2 or not queries:
        why = "no query" if not queries else "one picture only: nothing to judge it by"
    if why:
        nothing = undetermined(queries, images, why)
        return SkewChange((nothing,) * count, nothing, nothing)

    old, new = (_side(ranking, group, count, k) for ranking in (first, second))
    local = _local_share(first, second, group, count, k)
    gallery = np.where(known, wanted, 1.0) if target_is_gallery else None
    work = _Work(old, new, local, group, gallery, k, at, images, single)
    absent = undetermined(queries, images, "the group has no item in the gallery")
    log_target = np.log(np.where(known, wanted, 1.0))
    skews = [np.where(known, np.log(side.share) - log_target, np.nan) for side in (old, new)]
    each = [np.full(queries, g) for g in range(count)]
    return SkewChange(
        tuple(
            work.change(each[g], each[g], skews[1][:, g] - skews[0][:, g]) if known[g] else absent for g in range(count)
        ),
        work.change(*_extreme(skews[0], skews[1], 1.0)),
        work.change(*_extreme(skews[0], skews[1], -1.0)),
    )


def _extreme(before: Floats, after: Floats, sign: float) -> tuple[Integers, Integers, Floats]:
    """The largest (or, with sign −1, smallest) group of each query before and after, and the change of its skew."""
    first, second = (np.where(np.isnan(x), -np.inf, sign * x).argmax(axis=1) for x in (before, after))
    rows = np.arange(len(before))
    return first, second, after[rows, second] - before[rows, first]


def _side(ranking: Integers, group: Integers, count: int, k: int) -> _Side:
    queries, n = ranking.shape
    top = np.zeros((queries, n), dtype=bool)
    top[np.arange(queries)[:, None], ranking[:, :k]] = True
    hits = _count(group[ranking[:, :k]], count)
    return _Side(top, hits, np.maximum(hits, 1) / k)


def _count(codes: Integers, count: int) -> Integers:
    rows = len(codes)
    index = (np.arange(rows)[:, None] * count + codes).ravel()
    return np.bincount(index, minlength=rows * count).reshape(rows, count)


def _local_share(first: Integers, second: Integers, group: Integers, count: int, k: int) -> Floats:
    half = max(round(WINDOW * k), LEAST)
    around = slice(max(k - half, 0), k + half)
    counts = _count(group[np.concatenate([first[:, around], second[:, around]], axis=1)], count)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True)
class _Work:
    """What all numbers of one attribute and cut-off share."""

    old: _Side
    new: _Side
    local: Floats
    group: Integers
    gallery: Floats | None
    k: int
    image: Integers
    images: int
    single: bool

    def change(self, first: Integers, second: Integers, change: Floats) -> RankedChange:
        """The change of the skew of group ``second[q]`` after against that of group ``first[q]`` before."""
        queries, n = self.old.top.shape
        rows = np.arange(queries)
        # Influence of item i on query q: a term of the group of i, minus a term of being in a top, minus a constant.
        own, inside, level = np.zeros((2, queries, self.local.shape[1])), np.zeros((2, queries)), np.zeros(queries)
        for s, (sign, side, which) in enumerate(((-1.0, self.old, first), (1.0, self.new, second))):
            share, local = side.share[rows, which], self.local[rows, which]
            actual = side.hits[rows, which] / self.k
            own[s, rows, which] = sign / (self.k * share)
            inside[s] = sign * local / (self.k * share)
            level += sign * (actual - local) / (n * share)
        gallery = np.zeros((queries, self.local.shape[1]))
        if self.gallery is not None:
            # −ln d_g; its constant, 1 / n, is the same before and after.
            gallery[rows, first] += 1 / (n * self.gallery[first])
            gallery[rows, second] -= 1 / (n * self.gallery[second])
        variance = self._variances(own, inside, level, gallery)
        influence = self._mean_influence(own, inside, level, gallery)
        extra, few, mean_extra, mean_few = self._one_more(first, second)
        return RankedChange(
            change=change,
            se=np.sqrt(variance + extra),
            few=few,
            mean=float(change.mean()),
            mean_se=math.sqrt(float(influence @ influence) + mean_extra),
            mean_few=mean_few,
            influence=influence,
        )

    def _mean_influence(self, own: Floats, inside: Floats, level: Floats, gallery: Floats) -> Floats:
        queries = len(level)
        values = np.full(len(self.group), -float(level.sum()))
        values += gallery.sum(axis=0)[self.group]
        for s, side in enumerate((self.old, self.new)):
            # A product with few columns instead of a loop over queries: the top is the same for all numbers.
            terms = np.concatenate([own[s], inside[s][:, None]], axis=1)
            table = side.top.T.astype(np.float64) @ terms
            values += table[np.arange(len(values)), self.group] - table[:, -1]
        return sum_by_picture(values[None] / queries, self.image, self.images)[0]

    def _variances(self, own: Floats, inside: Floats, level: Floats, gallery: Floats) -> Floats:
        queries, n = self.old.top.shape
        count = own.shape[2]
        # Without shared pictures an item's influence depends only on its group and the tops it is in: 4 G values.
        code = self.group + count * (self.old.top + 2 * self.new.top.astype(np.int64))
        in_old, in_new = (np.arange(4) & 1)[:, None], (np.arange(4) >> 1)[:, None]
        value = (
            in_old * (own[0] - inside[0][:, None])[:, None]
            + in_new * (own[1] - inside[1][:, None])[:, None]
            + (gallery - level[:, None])[:, None]
        ).reshape(queries, 4 * count)
        if self.single:
            return np.asarray((_count(code, 4 * count) * value**2).sum(axis=1) * n / (n - 1), dtype=np.float64)
        variance = np.empty(queries)
        for q in range(queries):
            variance[q] = (sum_by_picture(value[q, code[q]][None], self.image, self.images) ** 2).sum()
        return variance

    def _one_more(self, first: Integers, second: Integers) -> tuple[Floats, Booleans, float, bool]:
        """Variances of one more picture that enters or leaves, where few did: of each query, and of the mean."""
        queries = len(first)
        rows = np.arange(queries)
        moved = self.old.top != self.new.top
        moved &= (self.group == first[:, None]) | (self.group == second[:, None])
        size = np.maximum(
            (1 - self.local[rows, first]) / (self.k * self.old.share[rows, first]),
            (1 - self.local[rows, second]) / (self.k * self.new.share[rows, second]),
        )
        each = moved.sum(axis=1)
        few = each < FEW
        distinct = int(moved.any(axis=0).sum())
        mean_few = distinct < FEW
        often = float(each.sum()) / (distinct * queries) if distinct else 1.0
        return np.where(few, size**2, 0.0), few, (float(size.mean()) * often) ** 2 if mean_few else 0.0, mean_few
