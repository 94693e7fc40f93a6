"""Which items are hits, which rows a number is about, and how many changed: counts by class and group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from qbench.metrics.interface import Outcome
from qbench.metrics.keys import MetricKey
from qbench.statistics.hit_options import HitOptions
from qbench.statistics.ledger import Comparison, Floats, Rows
from qbench.stats.mover import ALONE

FEW = 20
"""Flips below which a design effect is not estimated but bounded by the size of the clusters.

The design effect is a ratio of two variances, each a sum over the images with a flip. With 20 such images its
relative error is about a third (√(2 / 20)); where fewer flip it is mostly estimated as 1, and intervals become shorter:
with 0 in place of 20, the coverage in the world of the regime ``clusters-few`` with about 8 flips falls from 99.8 to
96.2 % (2,000 replicates).
"""


def hits(outcome: Outcome, options: HitOptions, metric: str) -> npt.NDArray[np.bool_]:
    """Which items of an outcome are hits.

    Parameters
    ----------
    outcome : Outcome
        With the column of true or false, or ``rank``, that the options name.
    options : HitOptions
        When a row is a hit.
    metric : str
        As in the table: its cut-off, where it has one, comes before that of the options.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` bool.
    """
    items = outcome.items
    if options.hit != "rank":
        return np.asarray(items[options.column].to_numpy(dtype=bool) == (options.hit == "correct"), dtype=bool)
    cutoff = MetricKey.parse(metric).cutoff
    below = options.below if cutoff is None else cutoff
    return np.asarray(items["rank"].to_numpy(np.int64) < below, dtype=bool)


def change_of(comparison: Comparison, options: HitOptions, metric: str) -> npt.NDArray[np.int8]:
    """``(n,)`` in −1, 0, 1: a hit before only, the same before and after, a hit after only."""
    after, before = (hits(x, options, metric) for x in (comparison.after, comparison.before))
    return after.astype(np.int8) - before.astype(np.int8)


def sum_of(comparison: Comparison, options: HitOptions, metric: str) -> npt.NDArray[np.int8]:
    """``(n,)`` in 0, 1, 2: how often the item was a hit, before and after together."""
    after, before = (hits(x, options, metric) for x in (comparison.after, comparison.before))
    return after.astype(np.int8) + before.astype(np.int8)


def counted(items: pd.DataFrame, where: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """``(n,)`` bool: the rows whose columns have the values that `where` names."""
    keep = np.ones(len(items), dtype=bool)
    for column, wanted in where.items():
        keep &= np.asarray(items[column].to_numpy(dtype=object) == wanted, dtype=bool)
    return keep


def items_of(comparison: Comparison, metric: str, attribute: str, group: str, class_: str) -> int:
    """How many items a number is made of: those of its group, or of both groups of its pair, and of its class.

    A class that no item has as its label is a query, which is asked of all items.
    """
    statistic = comparison.statistic(metric)
    where = statistic.where if statistic is not None else {}
    column = attribute if group and attribute in comparison.before.items else ""
    key = (__name__, "sizes", column, *where.items())
    sizes = comparison.once_for_baseline(key, lambda: _sizes(comparison.before.items, where, column))
    groups = (comparison.pair(attribute, group) or (group,)) if column else ("",)
    asked_of_all = not class_ or not any(class_ in of_label for of_label in sizes.values())
    of_groups = [sizes.get(name, {}) for name in groups]
    return sum(sum(found.values()) if asked_of_all else found.get(class_, 0) for found in of_groups)


def _sizes(items: pd.DataFrame, where: Mapping[str, str], attribute: str) -> dict[str, dict[str, int]]:
    """Group (or an empty text, where no attribute is named) → label → items that count."""
    kept = items.loc[counted(items, where)]
    columns = (kept[name].astype(str) if name in kept else pd.Series("", kept.index) for name in (attribute, "label"))
    groups, labels = (column.tolist() for column in columns)
    sizes: dict[str, dict[str, int]] = {}
    for (group, label), n in Counter(zip(groups, labels, strict=True)).items():
        sizes.setdefault(group, {})[label] = n
    return sizes


def codes(values: pd.Series[str], names: npt.ArrayLike) -> Rows:
    """Index of each value among `names`; −1 for one that is not there."""
    found = pd.Index(np.asarray(names, dtype=object)).get_indexer(pd.Index(values.astype(object)))
    return np.asarray(found, dtype=np.int64)


@dataclass(frozen=True)
class Counts:
    """Items of each cell of a partition, and how they changed.

    Attributes
    ----------
    n, gain, loss : numpy.ndarray
        ``(cells,)``: items; hits after only; hits before only.
    deff : numpy.ndarray
        ``(cells,)`` design effect, at least 1: how much more the change varies because items share images.
    """

    n: Floats
    gain: Floats
    loss: Floats
    deff: Floats


def mean_variance(y: npt.NDArray[np.int8], cell: Rows, cells: int, image: Rows) -> Floats:
    """The variance of the mean of `y` in each cell, images as units, but at least that of independent items.

    As with the design effect of `count_cells`, items that happen to differ within their images do not make a mean look
    surer than independent items would.

    Parameters
    ----------
    y : numpy.ndarray
        ``(n,)`` int8.
    cell, cells, image
        As for `count_cells`.

    Returns
    -------
    numpy.ndarray
        ``(cells,)`` float64; NaN for a cell with fewer than two items.
    """
    keep = cell >= 0
    y, cell, image = y[keep], cell[keep], image[keep]
    if not len(y):
        return np.full(cells, np.nan)
    n = np.bincount(cell, minlength=cells).astype(np.float64)
    first = np.bincount(cell, weights=y, minlength=cells)
    second = np.bincount(cell, weights=y.astype(np.float64) ** 2, minlength=cells)
    several = n > 1
    safe = np.where(several, n, 2.0)
    alone = np.maximum(second - first**2 / safe, 0.0) / (safe * (safe - 1))
    clusters = _clusters(y, cell, image)
    centred = clusters.total - clusters.size * (first / np.maximum(n, 1))[clusters.cell]
    images = np.bincount(clusters.cell, minlength=cells)
    between = np.bincount(clusters.cell, centred**2, cells) / safe**2
    together = np.where(images < n, between * images / np.maximum(images - 1, 1), 0.0)
    return np.where(several, np.maximum(alone, together), np.nan)


@dataclass(frozen=True)
class _Clusters:
    """The items of each image in each cell: the cell, how many there are, and the sum of their values."""

    cell: Rows
    size: Floats
    total: Floats


def _clusters(x: npt.NDArray[np.int8], cell: Rows, image: Rows) -> _Clusters:
    images = int(image.max()) + 1
    cluster, inverse = np.unique(cell * images + image, return_inverse=True)
    total = np.bincount(inverse, weights=x).astype(np.float64)
    size = np.bincount(inverse).astype(np.float64)
    return _Clusters(cluster // images, size, total)


def count_cells(x: npt.NDArray[np.int8], cell: Rows, cells: int, image: Rows) -> Counts:
    """Count changes by cell.

    The design effect is the ratio of the variances of the change with images and with items as units (Rao & Scott
    1992): dividing all counts by it gives counts that a method for independent items may use. With fewer than `FEW`
    flips it is at least the mean cluster size of an item, as if the items of an image always changed together.

    Parameters
    ----------
    x : numpy.ndarray
        ``(n,)`` in −1, 0, 1.
    cell : numpy.ndarray
        ``(n,)`` int; a negative one leaves the item out.
    cells : int
        How many there are.
    image : numpy.ndarray
        ``(n,)`` int.
    """
    keep = cell >= 0
    x, cell, image = x[keep], cell[keep], image[keep]
    n = np.bincount(cell, minlength=cells).astype(np.float64)
    gain = np.bincount(cell[x > 0], minlength=cells).astype(np.float64)
    loss = np.bincount(cell[x < 0], minlength=cells).astype(np.float64)
    if not len(x):
        return Counts(n, gain, loss, np.ones(cells))
    if np.bincount(image).max() == 1:
        return Counts(n, gain, loss, np.ones(cells))
    mean = (gain - loss) / np.maximum(n, 1)
    clusters = _clusters(x, cell, image)
    owner, size = clusters.cell, clusters.size
    between = np.bincount(owner, weights=(clusters.total - size * mean[owner]) ** 2, minlength=cells)
    within = gain + loss - n * mean**2
    clustered = np.bincount(owner, weights=size**2, minlength=cells) / np.maximum(n, 1)
    shared = (within > 0) & (clustered > 1)
    ratio = np.where(shared, between / np.where(shared, within, 1.0), 1.0)
    bound = np.where(gain + loss < FEW, clustered, 1.0)
    return Counts(n, gain, loss, np.maximum(np.maximum(ratio, bound), 1.0))


def correlation(x: npt.NDArray[np.int8], cell: Rows, cells: int, image: Rows, first: Rows, second: Rows) -> Floats:
    """Correlation of the mean changes of pairs of cells, through the images that both have items of.

    The sum over images of the products of both cells' centred changes, over the root of the product of the sums of
    their squares, each with `ALONE` added: 0 where no image is shared, and drawn to 0 where few items flip.

    Parameters
    ----------
    x, cell, cells, image
        As for `count_cells`.
    first, second : numpy.ndarray
        ``(pairs,)`` int: the cells of each pair.

    Returns
    -------
    numpy.ndarray
        ``(pairs,)`` float64 within (-1, 1).
    """
    keep = cell >= 0
    x, cell, image = x[keep], cell[keep], image[keep]
    n = np.bincount(cell, minlength=cells)
    mean = np.bincount(cell, weights=x, minlength=cells) / np.maximum(n, 1)
    shape = (int(image.max(initial=-1)) + 1, cells)
    by_image = sparse.csc_array((x - mean[cell], (image, cell)), shape=shape)  # adds up what falls in one place
    square = np.asarray(by_image.multiply(by_image).sum(axis=0)).ravel() + ALONE
    pairs, back = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    product = np.asarray(by_image[:, pairs[0]].multiply(by_image[:, pairs[1]]).sum(axis=0)).ravel()
    found: Floats = (product / np.sqrt(square[pairs[0]] * square[pairs[1]]))[back.reshape(-1)]
    return found
