"""Which items are hits, which rows a number is about, and how many changed: counts by class and group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from qbench.metrics.interface import Outcome, Statistic
from qbench.statistics.ledger import Comparison, Floats, Rows

FEW = 20
"""Flips below which a design effect is not estimated but bounded by the size of the clusters."""

ALONE = 4.0
"""Flips that are added to each group as if no other person of their images flipped, before a correlation is
estimated: few flips never make two groups look as if they always moved together."""


def hits(outcome: Outcome, statistic: Statistic, metric: str) -> npt.NDArray[np.bool_]:
    """``(n,)`` bool: which items of an outcome count as right for `metric`."""
    items = outcome.items
    if statistic.hit == "correct":
        return items["correct"].to_numpy(dtype=bool)
    cut = metric.partition("@")[2]
    below = int(cut) if cut else statistic.below
    return np.asarray(items["rank"].to_numpy(np.int64) < below, dtype=bool)


def change_of(comparison: Comparison, statistic: Statistic, metric: str) -> npt.NDArray[np.int8]:
    """``(n,)`` in −1, 0, 1: wrong afterwards, the same, right afterwards."""
    after, before = (hits(x, statistic, metric) for x in (comparison.after, comparison.before))
    return after.astype(np.int8) - before.astype(np.int8)


def counted(comparison: Comparison, statistic: Statistic) -> npt.NDArray[np.bool_]:
    """``(n,)`` bool: the rows that `statistic.where` names."""
    items = comparison.before.items
    keep = np.ones(len(items), dtype=bool)
    for column, wanted in statistic.where.items():
        keep &= np.asarray(items[column].to_numpy(dtype=object) == wanted, dtype=bool)
    return keep


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
        ``(cells,)``: items; wrong before and right after; right before and wrong after.
    deff : numpy.ndarray
        ``(cells,)`` design effect, at least 1: how much more the change varies because items share images.
    """

    n: Floats
    gain: Floats
    loss: Floats
    deff: Floats


def sum_of(comparison: Comparison, statistic: Statistic, metric: str) -> npt.NDArray[np.int8]:
    """``(n,)`` in 0, 1, 2: how often the item was right, before and after together."""
    after, before = (hits(x, statistic, metric) for x in (comparison.after, comparison.before))
    return after.astype(np.int8) + before.astype(np.int8)


def mean_variance(y: npt.NDArray[np.int8], cell: Rows, cells: int) -> Floats:
    """``(cells,)``: variance of the mean of `y` in each cell, items as units; NaN for fewer than two."""
    keep = cell >= 0
    n = np.bincount(cell[keep], minlength=cells).astype(np.float64)
    first = np.bincount(cell[keep], weights=y[keep], minlength=cells)
    second = np.bincount(cell[keep], weights=y[keep].astype(np.float64) ** 2, minlength=cells)
    several = n > 1
    safe = np.where(several, n, 2.0)
    return np.where(several, np.maximum(second - first**2 / safe, 0.0) / (safe * (safe - 1)), np.nan)


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
    mean = (gain - loss) / np.maximum(n, 1)
    cluster, inverse = np.unique(cell * (image.max() + 1) + image, return_inverse=True)
    owner = cluster // (image.max() + 1)
    total, size = np.bincount(inverse, weights=x), np.bincount(inverse).astype(np.float64)
    between = np.bincount(owner, weights=(total - size * mean[owner]) ** 2, minlength=cells)
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
