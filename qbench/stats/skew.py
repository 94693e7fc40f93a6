"""The change of Skew@k, MaxSkew@k and MinSkew@k between two variants that ranked the same gallery.

The share p_g of a group in the top k depends on the gallery in two ways: through the images in the top, and through
the cut, which moves when an image above it is drawn twice or not at all. At the cut, images of group g come and go
with the local share π_g (ranks k ± 0.3 k, pooled over both variants). With weight w_i of image i,

    d ln p_g / d w_i = { 1[i in top k] (1[g_i = g] − π_g) / k − (p_g − π_g) / n } / p_g

and the variance of ln p_g is the sum of the squares over the gallery (the infinitesimal jackknife; a delete-1 jackknife
would be inconsistent at the cut, because it sees the one image at rank k + 1 only). A change is the difference of two
such values, image by image, so that what the variants share cancels. Against the gallery's own shares d_g, ln d_g
cancels too, but in Max- and MinSkew where the extreme group is another one: there its influence,
``(1[g_i = g] / d_g − 1) / n``, is added.

Max- and MinSkew use the group that is extreme *in each variant* (own arg-max). Where groups are nearly tied this is
wider than needed (in simulations, 95 % intervals held the truth in 97 to 99 %); a common or smoothed arg-max is too
narrow.

Where fewer than `FEW` images of a group entered or left the top, the sum of squares is too small too often, and zero
where none did. Then the variance of one more such image is added, and the number is marked `few`. A group without a
hit counts as one hit, as in the metric: its change from none to one hit is zero, its influence is that of one hit, and
one assumed image gives a standard error of almost 1 nat, so that nothing is claimed of it.

References
----------
S. C. Geyik, S. Ambler and K. Kenthapadi, KDD 2019, section 4.1 (the measures); L. A. Jaeckel, The infinitesimal
jackknife, Bell Labs MM 72-1215-11 (1972) and B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982),
chapter 6 (variance from influence values).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from qbench.stats.ranked import (
    FEW,
    Booleans,
    Floats,
    Integers,
    RankedChange,
    as_rankings,
    image_codes,
    sum_by_image,
    undetermined,
)

WINDOW = 0.3
"""Half the width of the window around the cut, as a share of k. A choice of ours, not taken from a source."""
LEAST = 10
"""Least half width, in ranks. A choice of ours: with fewer ranks a share near the cut is hardly an estimate."""


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
        ``(n,)`` int, 0 or more: the image of each item, where an image has several items.

    Returns
    -------
    SkewChange
        Of each group, and of the most and the least favoured one.

    Raises
    ------
    ValueError
        Shapes do not match, or `k` is less than 1.
    """
    first, second = as_rankings(before, after, groups)
    group, wanted = np.asarray(groups, dtype=np.int64), np.asarray(target, dtype=np.float64)
    (queries, n), count = first.shape, len(wanted)
    at, images, single = image_codes(image, n)
    if k < 1:
        raise ValueError(f"the cut-off is {k}")
    known = ~np.isnan(wanted)
    why = ""
    if k >= n:
        why = f"the cut-off is the whole gallery or more ({k} of {n}): every ranking has the same top"
    elif known.sum() < 2:
        why = "fewer than two groups have an item in the gallery"
    elif images < 2 or not queries:
        why = "no query" if not queries else "one image only: nothing to judge it by"
    if why:
        nothing = undetermined(queries, images, why)
        return SkewChange((nothing,) * count, nothing, nothing)

    tops = _Tops.of(first[:, :k], second[:, :k], group, count)
    work = _Work(tops, _local_share(first, second, group, count, k), group, at, images, single)
    gallery = wanted if target_is_gallery else None
    absent = undetermined(queries, images, "the group has no item in the gallery")
    log_target = np.log(np.where(known, wanted, 1.0))
    skews = [np.where(known, np.log(share) - log_target, np.nan) for share in tops.share]
    changes = [work.of_group(g, skews[1][:, g] - skews[0][:, g], gallery) if known[g] else absent for g in range(count)]
    largest, smallest = (work.change(*_extreme(skews[0], skews[1], sign), gallery) for sign in (1.0, -1.0))
    # Some group always has at most its share, so that the smallest skew is never above zero.
    smallest = replace(smallest, sum_se=np.zeros(queries), mean_sum_se=0.0)
    return SkewChange(tuple(changes), largest, smallest)


def _extreme(before: Floats, after: Floats, sign: float) -> tuple[Integers, Integers, Floats]:
    """The largest (or, with sign −1, smallest) group of each query before and after, and the change of its skew."""
    first, second = (np.where(np.isnan(x), -np.inf, sign * x).argmax(axis=1) for x in (before, after))
    rows = np.arange(len(before))
    return first, second, np.asarray(after[rows, second] - before[rows, first], dtype=np.float64)


def _count(codes: Integers, count: int) -> Integers:
    """How often each code is in each row: ``(queries, m)`` → ``(queries, count)``."""
    rows = len(codes)
    index = (np.arange(rows)[:, None] * count + codes).ravel()
    return np.bincount(index, minlength=rows * count).reshape(rows, count)


def _local_share(first: Integers, second: Integers, group: Integers, count: int, k: int) -> Floats:
    """Shares of the groups around the cut, over both variants: ``(queries, G)``."""
    half = max(round(WINDOW * k), LEAST)
    around = slice(max(k - half, 0), k + half)
    counts = _count(group[np.concatenate([first[:, around], second[:, around]], axis=1)], count)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True)
class _Tops:
    """The top k of both variants: who is in them, and who entered or left.

    Attributes
    ----------
    inside : tuple of scipy.sparse.csc_array
        Before and after: ``(n, queries)``, 1 where an item is in the top.
    share, hits_share : tuple of numpy.ndarray
        Before and after, ``(queries, G)``: share of each group, no less than one hit; and as it is.
    cells : numpy.ndarray
        ``(queries, 4, G)`` int: items in neither top, only the first, only the second, both.
    moved_query, moved_item : numpy.ndarray
        The pairs that are in one top only.
    found : numpy.ndarray
        ``(G,)`` int: distinct items of each group that are in any top of any query.
    """

    k: int
    inside: tuple[sparse.csc_array, sparse.csc_array]
    share: tuple[Floats, Floats]
    hits_share: tuple[Floats, Floats]
    cells: Integers
    moved_query: Integers
    moved_item: Integers
    found: Integers

    @classmethod
    def of(cls, first: Integers, second: Integers, group: Integers, count: int) -> _Tops:
        """Compare tops of ``(queries, k)``."""
        (queries, k), n = first.shape, len(group)
        rows = np.arange(queries)[:, None]
        mask = np.zeros((queries, n), dtype=bool)
        mask[rows, second] = True
        stays = mask[rows, first]
        mask[rows, first] = False
        comes = mask[rows, second]
        in_first, in_second = (_count(group[top], count) for top in (first, second))
        new = _count(np.where(comes, group[second], count), count + 1)[:, :count]
        both = in_second - new
        neither = np.bincount(group, minlength=count) - in_first - new
        left, came = np.nonzero(~stays), np.nonzero(comes)
        ends = np.arange(queries + 1) * k
        inside = tuple(
            sparse.csc_array((np.ones(top.size), top.ravel(), ends), shape=(n, queries)) for top in (first, second)
        )
        return cls(
            k=k,
            inside=(inside[0], inside[1]),
            share=(np.maximum(in_first, 1) / k, np.maximum(in_second, 1) / k),
            hits_share=(in_first / k, in_second / k),
            cells=np.stack([neither, in_first - both, new, both], axis=1),
            moved_query=np.r_[left[0], came[0]],
            moved_item=np.r_[first[left], second[came]],
            found=np.bincount(group[np.unique(np.r_[first.ravel(), second.ravel()])], minlength=count),
        )


@dataclass(frozen=True)
class _Side:
    """How each item influences the skew of a group in one variant.

    An item's influence on a query is what its group gives in the top, minus what any item there does, plus what its
    group gives anywhere, minus a constant.

    Attributes
    ----------
    variant : int
        0 before, 1 after.
    own, where : numpy.ndarray
        ``(queries, G)``: of an item of the group in the top; of one anywhere.
    common, level : numpy.ndarray
        ``(queries,)``: taken off for an item in the top; for any item.
    """

    variant: int
    own: Floats
    common: Floats
    where: Floats
    level: Floats

    def negative(self) -> _Side:
        """The influence on minus the skew."""
        return _Side(self.variant, -self.own, -self.common, -self.where, -self.level)


@dataclass(frozen=True)
class _Work:
    """What all numbers of one attribute and cut-off share."""

    tops: _Tops
    local: Floats
    group: Integers
    image: Integers
    images: int
    single: bool

    def of_group(self, group: int, change: Floats, gallery: Floats | None) -> RankedChange:
        """The change of the skew of one group, and how sure its sign is."""
        each = np.full(len(self.local), group)
        found = self.change(each, each, change, None)
        before, after = (self._side(s, each, gallery) for s in (0, 1))
        extra, mean_extra = self._one_more_hit(group)
        influence = self._mean_influence(before) + self._mean_influence(after)
        return replace(
            found,
            sum_se=np.sqrt(self._variances(before, after) + extra),
            mean_sum_se=math.sqrt(float(np.sum(influence**2)) + mean_extra),
        )

    def change(self, first: Integers, second: Integers, change: Floats, gallery: Floats | None) -> RankedChange:
        """The change of the skew of group ``second[q]`` after against that of group ``first[q]`` before."""
        before, after = self._side(0, first, gallery), self._side(1, second, gallery)
        influence = self._mean_influence(after) - self._mean_influence(before)
        extra, few, mean_extra, mean_few = self._one_more(first, second)
        return RankedChange(
            change=change,
            se=np.sqrt(self._variances(before.negative(), after) + extra),
            few=few,
            mean=float(change.mean()),
            mean_se=math.sqrt(float(np.sum(influence**2)) + mean_extra),
            mean_few=mean_few,
            influence=influence,
        )

    def _side(self, side: int, which: Integers, gallery: Floats | None) -> _Side:
        """The influence of items on the skew of group ``which[q]``: before (side 0), or after (1)."""
        queries, count = self.local.shape
        rows, n, k = np.arange(queries), len(self.group), self.tops.k
        own, where = np.zeros((queries, count)), np.zeros((queries, count))
        share, local = self.tops.share[side][rows, which], self.local[rows, which]
        own[rows, which] = 1 / (k * share)
        level = (self.tops.hits_share[side][rows, which] - local) / (n * share)
        if gallery is not None:  # −ln d_g varies with the gallery: (1 − 1[g_i = g] / d_g) / n
            where[rows, which] = -1 / (n * gallery[which])
            level = level - 1 / n
        return _Side(side, own, local / (k * share), where, level)

    def _mean_influence(self, side: _Side) -> Floats:
        values: Floats = side.where.sum(axis=0)[self.group] - side.level.sum()
        used = np.flatnonzero(side.own.any(axis=0))
        inside = self.tops.inside[side.variant]
        sums = np.asarray(inside @ np.column_stack([side.own[:, used], side.common]))
        for column, g in enumerate(used):
            values += np.where(self.group == g, sums[:, column], 0.0)
        values -= sums[:, -1]
        return np.asarray(sum_by_image(values[None] / len(side.level), self.image, self.images)[0], dtype=np.float64)

    def _variances(self, before: _Side, after: _Side) -> Floats:
        """Variance, for each query, of the sum of two sides: each item's two influences are added."""
        (queries, count), n = self.local.shape, len(self.group)
        # An item's influence depends only on its group and the tops it is in: 4 G values for each query.
        one, two = (side.own - side.common[:, None] for side in (before, after))
        rest = before.where + after.where - (before.level + after.level)[:, None]
        value = np.stack([rest, rest + one, rest + two, rest + one + two], axis=1)
        if self.single:
            return np.asarray((self.tops.cells * value**2).sum(axis=(1, 2)) * n / (n - 1), dtype=np.float64)
        variance = np.empty(queries)
        old, new = self.tops.inside
        for q in range(queries):
            code = np.zeros(n, dtype=np.int64)
            code[old.indices[old.indptr[q] : old.indptr[q + 1]]] += count
            code[new.indices[new.indptr[q] : new.indptr[q + 1]]] += 2 * count
            each = value[q].ravel()[code + self.group]
            variance[q] = (sum_by_image(each[None], self.image, self.images) ** 2).sum()
        return variance

    def _one_more(self, first: Integers, second: Integers) -> tuple[Floats, Booleans, float, bool]:
        """Variances of one more image that enters or leaves, where few did: of each query, and of the mean."""
        queries = len(first)
        rows = np.arange(queries)
        query, item = self.tops.moved_query, self.tops.moved_item
        counts = (self.group[item] == first[query]) | (self.group[item] == second[query])
        each = np.bincount(query[counts], minlength=queries)
        size = np.maximum(
            *(
                (1 - self.local[rows, g]) / (self.tops.k * self.tops.share[s][rows, g])
                for s, g in ((0, first), (1, second))
            )
        )
        few = each < FEW
        distinct = len(np.unique(item[counts]))
        mean_few = distinct < FEW
        often = float(each.sum()) / (distinct * queries) if distinct else 1.0
        each_extra = np.asarray(np.where(few, size**2, 0.0), dtype=np.float64)
        return each_extra, few, (float(size.mean()) * often) ** 2 if mean_few else 0.0, mean_few

    def _one_more_hit(self, group: int) -> tuple[Floats, float]:
        """Variances of before + after from one more image of a group in both tops, where few are in them."""
        queries, g = len(self.local), group
        each = self.tops.cells[:, 1:, g].sum(axis=1)
        distinct = int(self.tops.found[g])
        size = sum((1 - self.local[:, g]) / (self.tops.k * self.tops.share[s][:, g]) for s in (0, 1))
        often = float(each.sum()) / (distinct * queries) if distinct else 1.0
        extra = np.asarray(np.where(each < FEW, size**2, 0.0), dtype=np.float64)
        return extra, (float(np.mean(size)) * often) ** 2 if distinct < FEW else 0.0
