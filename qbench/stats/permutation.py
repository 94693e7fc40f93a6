"""A permutation test for the change of a mean absolute disparity: before and after are swapped in whole images.

It asks whether anything changed at all, which is the strongest null hypothesis (named in `qbench.stats.nulls`). Images
are what is swapped: the persons of one image stay together. The other permutation test, of the labels of two groups,
rejects too often in small groups; `benchmarks/calibrate` has it beside the methods that are used.

References
----------
E. Chung and J. P. Romano, Annals of Statistics 41 (2013) 484-507 (what a permutation test tests).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from qbench.stats.nulls import EXCHANGEABLE

CHUNK = 256
"""Swaps at a time, for the sake of memory."""
DECIDED = 20
"""Swaps with at least the change that was seen, from which on a p-value is not refined. A choice of ours: its relative
Monte Carlo error is then about 1/√20, or 22 %, and at the usual 1,999 draws such a p-value is at least 1 %."""
TIE = 1e-9
"""Changes that differ by less are equal: sums in another order differ in their last digits."""


@dataclass(frozen=True)
class Permuted:
    """A permutation test.

    Attributes
    ----------
    statistic : float
        The statistic of the data as they are; its meaning is the function's.
    p : float
        Two-sided; NaN where `reason` says why.
    null : str
        The null hypothesis, which a small `p` speaks against.
    reason : str
        Why there is no p-value; empty where there is one.
    """

    statistic: float
    p: float
    null: str
    reason: str = ""


def swap_absolute(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    label: npt.ArrayLike,
    side: npt.ArrayLike,
    image: npt.ArrayLike,
    *,
    draws: int = 999,
    most: int = 0,
    seed: int = 0,
) -> Permuted:
    """Test "`EXCHANGEABLE`" by the change of the mean absolute disparity over classes.

    Before and after change places in whole images. The mean of absolute values is biased upwards by noise, before and
    after alike: under this null the biases cancel, under a true change they do not, so that no interval comes with it.
    `qbench.stats.squares` has one.

    Parameters
    ----------
    before, after : array_like
        ``(n,)`` float: 0 or 1, whether the answer was right.
    label : array_like
        ``(n,)`` int, 0 or more: the class.
    side : array_like
        ``(n,)`` int: 1 in the first group, -1 in the second, 0 where an item does not count.
    image : array_like
        ``(n,)`` int, 0 or more: the image.
    draws : int
        Random swaps.
    most : int
        Where fewer than `DECIDED` of the draws are at least as large as the change that was seen, so many are drawn
        altogether, so that a small p-value can be significant in a large family of tests. The smallest p-value is
        ``1 / (most + 1)``, or ``1 / (draws + 1)`` where `most` is not larger. A draw takes time in proportion to the
        images with a flip: 200,000 draws of 2,500 of them take some seconds.
    seed : int
        The seed of the random numbers.

    Returns
    -------
    Permuted
        With the change of the mean absolute disparity over the classes that have items of both groups.

    Examples
    --------
    >>> before = [1, 1, 1, 0] * 10
    >>> after = [1, 0, 1, 0] * 10
    >>> swap_absolute(before, after, [0] * 40, [1, -1] * 20, range(40)).p <= 0.05
    True
    """
    f, q = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    sign, c = np.asarray(side, dtype=np.int64), np.asarray(label, dtype=np.int64)
    classes = int(c.max(initial=-1)) + 1
    n1, n2 = np.bincount(c[sign > 0], minlength=classes), np.bincount(c[sign < 0], minlength=classes)
    both = (n1 > 0) & (n2 > 0)
    if not both.any():
        return Permuted(math.nan, math.nan, EXCHANGEABLE, "no class has items of both groups")
    weight = np.where(sign > 0, 1 / np.maximum(n1, 1)[c], -1 / np.maximum(n2, 1)[c])
    keep = (sign != 0) & both[c]
    f, q, c, weight, at = f[keep], q[keep], c[keep], weight[keep], np.asarray(image, dtype=np.int64)[keep]
    old, new = np.bincount(c, weight * f, classes)[both], np.bincount(c, weight * q, classes)[both]
    seen = float(np.mean(np.abs(new) - np.abs(old)))
    flipped = np.flatnonzero(f != q)
    if not len(flipped):
        return Permuted(seen, 1.0, EXCHANGEABLE)
    _, image = np.unique(at[flipped], return_inverse=True)
    row = (np.cumsum(both) - 1)[c[flipped]]
    shape = (int(both.sum()), int(image.max()) + 1)
    step = sparse.csr_array((weight[flipped] * (q - f)[flipped], (row, image)), shape=shape)
    rng = np.random.default_rng(seed)

    def at_least(draws: int) -> int:
        found = 0
        for start in range(0, draws, CHUNK):
            kept = rng.integers(0, 2, (step.shape[1], min(CHUNK, draws - start)), dtype=np.bool_).astype(np.float64)
            swapped_new = old[:, None] + step @ kept
            swapped_old = (old + new)[:, None] - swapped_new
            change = np.mean(np.abs(swapped_new) - np.abs(swapped_old), axis=0)
            found += int(np.sum(np.abs(change) >= abs(seen) - TIE))
        return found

    as_large = at_least(draws)
    if as_large < DECIDED and most > draws:
        as_large, draws = as_large + at_least(most - draws), most
    return Permuted(seen, (as_large + 1) / (draws + 1), EXCHANGEABLE)
