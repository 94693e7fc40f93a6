"""Numbers that the annotations alone rule out: what a task says before anything is computed.

The helpers mirror the measures of this package: `unavailable_recall` for
`qbench.metrics.recall_by_group.measure_recall`, `unavailable_worst_group` for `qbench.metrics.worst_group.worst_group`,
`unavailable_skew` for `qbench.metrics.rankings.measure_skew`. What they name is NaN for every model, and nothing else
is because of the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Attribute
from qbench.data.pairs import GroupPair
from qbench.metrics.answers import positions
from qbench.metrics.disparity import comparable
from qbench.metrics.interface import Unavailable
from qbench.metrics.keys import MetricKey

Counts = npt.NDArray[np.int64]

SUMMARIES = ("mean_disparity", "mean_abs_disparity", "worst_disparity")


def unavailable_recall(
    table: pd.DataFrame,
    classes: Sequence[str],
    attributes: Sequence[Attribute],
    minimum: int,
    *,
    brief: Sequence[Attribute] = (),
) -> list[Unavailable]:
    """The numbers of `measure_recall` that these items cannot give.

    Parameters
    ----------
    table : pandas.DataFrame
        The items: ``label`` and one column per attribute.
    classes : sequence of str
        The candidates.
    attributes, minimum, brief
        As for `measure_recall`.
    """
    label = positions(classes, table["label"])
    found: list[Unavailable] = []
    for attribute in attributes:
        counts = _counts(label, positions(attribute.groups, table[attribute.name]), len(classes), len(attribute.groups))
        found += _empty_groups("accuracy", attribute, counts.sum(axis=0))
        if attribute not in brief:
            found += unavailable_worst_group(
                ("worst_group_recall", "recall_ratio"), attribute, counts.sum(axis=0), minimum
            )
        for first, second in attribute.pairs:
            of_pair = counts[:, [attribute.groups.index(first), attribute.groups.index(second)]]
            found += _disparities(GroupPair(first, second), attribute.name, of_pair, classes, minimum)
    return found


def unavailable_worst_group(
    metrics: Sequence[str], attribute: Attribute, counts: Counts, minimum: int
) -> list[Unavailable]:
    """The numbers of `worst_group` that these items cannot give.

    Parameters
    ----------
    metrics : sequence of str
        What the worst group's share and its ratio to the best are called.
    attribute : Attribute
        Whose groups are compared.
    counts : numpy.ndarray
        ``(groups,)`` int, the items of each group.
    minimum : int
        Items that a group needs.
    """
    if (counts >= minimum).sum() >= 2:
        return []
    cause = f"fewer than two groups of {attribute.name} have at least {minimum:,} items"
    second = int(np.sort(counts)[-2]) if len(counts) > 1 else 0
    remedy = f"Use more items, or min_group = {second} or less." if second else "Use items of at least two groups."
    return [Unavailable(metric=m, attribute=attribute.name, cause=cause, remedy=remedy) for m in metrics]


def unavailable_shares(
    shares: Sequence[str],
    differences: Sequence[str],
    table: pd.DataFrame,
    attributes: Sequence[Attribute],
    minimum: int,
) -> list[Unavailable]:
    """Shares of groups without items, and differences of pairs of groups with too few.

    Parameters
    ----------
    shares, differences : sequence of str
        What the shares of groups and their differences are called.
    table : pandas.DataFrame
        The items that they are made of: one column per attribute.
    attributes : sequence of Attribute
        The groupings with their pairs.
    minimum : int
        Items that both groups of a pair need.
    """
    found: list[Unavailable] = []
    for attribute in attributes:
        counts = dict(zip(attribute.groups, _group_counts(table, attribute), strict=True))
        found += [one for metric in shares for one in _empty_groups(metric, attribute, np.array([*counts.values()]))]
        for first, second in attribute.pairs:
            fewest = int(min(counts[first], counts[second]))
            if fewest >= minimum:
                continue
            cause = f"there are fewer than {minimum:,} items of {first} or of {second}"
            label, remedy = GroupPair(first, second).label, _more_items(fewest)
            found += [
                Unavailable(metric=metric, attribute=attribute.name, group=label, cause=cause, remedy=remedy)
                for metric in differences
            ]
    return found


def _group_counts(table: pd.DataFrame, attribute: Attribute) -> Counts:
    """``(groups,)`` items of each group."""
    groups = positions(attribute.groups, table[attribute.name])
    return np.bincount(groups[groups >= 0], minlength=len(attribute.groups)).astype(np.int64)


def unavailable_skew(table: pd.DataFrame, attributes: Sequence[Attribute], ks: Sequence[int]) -> list[Unavailable]:
    """The numbers of `measure_skew` that this gallery cannot give.

    Parameters
    ----------
    table : pandas.DataFrame
        The gallery: one column per attribute.
    attributes : sequence of Attribute
        The groupings.
    ks : sequence of int
        The cut-offs.
    """
    return [*_whole_gallery(len(table), ks), *(one for a in attributes for one in _absent_groups(table, a))]


def _whole_gallery(n: int, ks: Sequence[int]) -> Iterator[Unavailable]:
    for k in ks:
        if k < n:
            continue
        cause = f"the top {k:,} are the whole gallery of {n:,} images, so that every ranking has the same skew"
        remedy = f"Use more than {k:,} images, or smaller cut-offs (ks), such as {max(1, n // 10):,}."
        for name in ("max_skew", "min_skew", "skew"):
            yield Unavailable(metric=str(MetricKey(name, k)), cause=cause, remedy=remedy)


def _absent_groups(table: pd.DataFrame, attribute: Attribute) -> Iterator[Unavailable]:
    there = _group_counts(table, attribute) > 0
    if there.sum() < 2:
        cause = f"fewer than two groups of {attribute.name} have images in the gallery"
        for name in ("max_skew", "min_skew", "skew", "ndkl"):
            yield Unavailable(
                metric=name, attribute=attribute.name, cause=cause, remedy="Use images of at least two groups."
            )
    else:
        yield from _empty_groups("skew", attribute, there.astype(np.int64))


def _empty_groups(metric: str, attribute: Attribute, counts: Counts) -> Iterator[Unavailable]:
    for g in np.flatnonzero(counts == 0):
        group = attribute.groups[g]
        cause = f"no item belongs to the group {group!r} of {attribute.name}"
        yield Unavailable(
            metric=metric, attribute=attribute.name, group=group, cause=cause, remedy="Use items of this group."
        )


def _disparities(
    pair: GroupPair, attribute: str, counts: Counts, classes: Sequence[str], minimum: int
) -> Iterator[Unavailable]:
    """The disparities of one pair that cannot be given; `counts` are the items ``(classes, 2)`` of its two groups."""
    usable = comparable(counts[:, 0], counts[:, 1], minimum)
    if not usable.any():
        cause, remedy = _no_class(pair, counts, minimum)
        for metric in (*SUMMARIES, "disparity"):
            yield Unavailable(metric=metric, attribute=attribute, group=pair.label, cause=cause, remedy=remedy)
        return
    lacking = np.flatnonzero(~usable & (counts.sum(axis=1) > 0))
    if len(lacking):
        yield Unavailable(
            metric="disparity",
            attribute=attribute,
            group=pair.label,
            classes=tuple(classes[int(c)] for c in lacking),
            cause=f"the class has fewer than {minimum:,} items of {pair.first} or of {pair.second}",
            remedy=_more_items(int(counts.min(axis=1)[lacking].max())),
        )


def _no_class(pair: GroupPair, counts: Counts, minimum: int) -> tuple[str, str]:
    """Why no class has a disparity of a pair, and what can be done."""
    empty = [group for group, n in zip(pair, counts.sum(axis=0), strict=True) if not n]
    most = int(counts.min(axis=1).max(initial=0))
    if empty:
        return f"no item belongs to {' or to '.join(empty)}", "Use items of both groups."
    if not most:
        cause = f"no class has items both of {pair.first} and of {pair.second}: label and attribute are tied"
        return cause, "Compare groups by another attribute, or classify by another label."
    cause = f"no class has at least {minimum:,} items both of {pair.first} and of {pair.second}"
    return cause, _more_items(most)


def _more_items(most: int) -> str:
    """What can be done where at most so many items are in both groups of a class."""
    return f"Use more items, or min_group = {most} or less." if most else "Use more items."


def _counts(label: Counts, group: Counts, classes: int, groups: int) -> Counts:
    """``(classes, groups)`` items."""
    counts = np.zeros((classes, groups), dtype=np.int64)
    known = (label >= 0) & (group >= 0)
    np.add.at(counts, (label[known], group[known]), 1)
    return counts
