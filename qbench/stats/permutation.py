"""Permutation tests for changes of disparities: of one class (by group labels), of the mean size (by swapping).

They test different nulls, named in `qbench.stats.nulls`. Permuting the groups asks whether the items of both flip
alike. The statistic is studentised, so that with many flips in both groups it rejects no more often than it should
where only the net change is the same (Janssen 1997; Chung and Romano 2013); with few flips in a small group that flips
more it rejects too often (11 % at 5 % with 8 and 20 expected flips: docs/calibration.md), so that the p of a disparity
is that of `qbench.stats.mover.disparity_p`, and this one stands beside it. Swapping before and after within an image
asks whether anything changed at all, which is the strongest null. Images are what is permuted: persons of one image
stay together.

References
----------
A. Janssen, Statistics & Probability Letters 36 (1997) 9-21; E. Chung and J. P. Romano, Annals of Statistics 41 (2013)
484-507; H. O. Lancaster, JASA 56 (1961) 223-234 (mid-p).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from qbench.stats.nulls import ALIKE_IN_GROUPS, EXCHANGEABLE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
GRID = 200_000
"""More arrangements than that are not all looked at, …"""
REACH = 12.0
"""… but those less than so many standard deviations from the mean: the others weigh less than 1e-30 together."""
CHUNK = 256
TIE = 1e-9
TINY = sys.float_info.min


@dataclass(frozen=True)
class Permuted:
    """A permutation test.

    Attributes
    ----------
    statistic : float
        What was compared; its meaning is the function's.
    p : float
        Two-sided; NaN where `reason` says why.
    null : str
        What is rejected where `p` is small.
    reason : str
        Why there is no p-value; empty where there is one.
    """

    statistic: float
    p: float
    null: str
    reason: str = ""


def group_permutation(
    gain1: npt.ArrayLike,
    loss1: npt.ArrayLike,
    n1: npt.ArrayLike,
    gain2: npt.ArrayLike,
    loss2: npt.ArrayLike,
    n2: npt.ArrayLike,
) -> Floats:
    """Two-sided exact mid-p of "`ALIKE_IN_GROUPS`" in each class, one item an image.

    The permutation distribution depends on the counts alone (a multivariate hypergeometric one), so nothing is drawn.

    Parameters
    ----------
    gain1, loss1, n1, gain2, loss2, n2 : array_like
        Broadcastable int, as for `qbench.stats.mover.disparity_interval`.

    Returns
    -------
    numpy.ndarray
        float64; NaN where a group has no item. 1 where nothing flipped, or all items alike.
    """
    counts = np.broadcast_arrays(*(np.asarray(x, dtype=np.int64) for x in (gain1, loss1, n1, gain2, loss2, n2)))
    rows, back = np.unique(np.stack([x.ravel() for x in counts]), axis=1, return_inverse=True)
    table = special.gammaln(np.arange(int((rows[2] + rows[5]).max(initial=0)) + 2, dtype=np.float64) + 1)
    p = np.array([_exact(table, *(int(v) for v in row)) for row in rows.T], dtype=np.float64)
    return p[back.reshape(counts[0].shape)]


def _exact(log_factorial: Floats, gain1: int, loss1: int, n1: int, gain2: int, loss2: int, n2: int) -> float:
    if n1 < 1 or n2 < 1:
        return math.nan
    gains, losses, n = gain1 + gain2, loss1 + loss2, n1 + n2
    mine = float(_size(np.array(gain1), np.array(loss1), n1, gains, losses, n2))
    if mine == 0:
        return 1.0
    g = _reach(gains, gain1, n1, n, losses)[:, None]
    b = _reach(losses, loss1, n1, n, gains)[None, :]
    rest = n1 - g - b
    other = n - gains - losses - rest
    possible = (rest >= 0) & (other >= 0)
    rest, other = np.where(possible, rest, 0), np.where(possible, other, 0)
    f = log_factorial
    log_p = f[n1] + f[n2] - f[n] + f[gains] - f[g] - f[gains - g] + f[losses] - f[b] - f[losses - b]
    log_p = log_p + f[n - gains - losses] - f[rest] - f[other]
    weight = np.where(possible, np.exp(np.minimum(log_p, 0.0)), 0.0)
    size = _size(g, b, n1, gains, losses, n2)
    tie = np.isclose(size, mine, rtol=TIE, atol=0.0) if math.isfinite(mine) else np.isinf(size)
    beyond = float(weight[(size > mine) & ~tie].sum())
    return min(max(beyond + float(weight[tie].sum()) / 2, TINY), 1.0)


def _reach(flips: int, seen: int, n1: int, n: int, others: int) -> Ints:
    """How many of so many flips a group of `n1` of `n` can get; all but the weightless where that would be a lot."""
    low, high = max(0, flips - (n - n1)), min(flips, n1)
    if (flips + 1) * (others + 1) > GRID:
        mean = flips * n1 / n
        spread = REACH * math.sqrt(max(mean * (1 - n1 / n), 1.0))
        low = max(low, min(seen, math.floor(mean - spread)))
        high = min(high, max(seen, math.ceil(mean + spread)))
    return np.arange(low, high + 1, dtype=np.int64)


def _size(gain1: Ints, loss1: Ints, n1: int, gains: int, losses: int, n2: int) -> Floats:
    """Absolute studentised difference of the mean changes; infinite where they differ and neither group varies."""
    mean1, var1 = _moments(gain1, loss1, n1)
    mean2, var2 = _moments(gains - gain1, losses - loss1, n2)
    difference = np.abs(mean1 - mean2)
    variance = var1 + var2
    scale = np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.where(difference < TIE, 0.0, np.where(variance > 0, difference / scale, np.inf))


def _moments(gain: Ints, loss: Ints, n: int) -> tuple[Floats, Floats]:
    """Mean of items that are 1, -1 or 0, and its variance, which one item alone does not have."""
    mean = (gain - loss) / n
    variance = np.maximum((gain + loss) / n - mean**2, 0.0) / max(n - 1, 1)
    return mean, np.where(variance > TIE / n**2, variance, 0.0)


def group_permutation_images(
    x: npt.ArrayLike, first: npt.ArrayLike, image: npt.ArrayLike, *, draws: int = 999, seed: int = 0
) -> Permuted:
    """Test "`ALIKE_IN_GROUPS`" in one class where images show several persons of it.

    The groups of an image's persons are given, together and in random order, to another image with as many persons.

    Parameters
    ----------
    x : array_like
        ``(n,)`` float: after minus before of the persons of the class.
    first : array_like
        ``(n,)`` bool: whether a person is of the first group, else of the second.
    image : array_like
        ``(n,)`` int: the image of each person.
    draws, seed : int
        Permutations, and where their random numbers begin. The smallest p is ``1 / (draws + 1)``.

    Returns
    -------
    Permuted
        With the studentised difference, by the images' influence values.
    """
    values, group = np.asarray(x, dtype=np.float64), np.asarray(first, dtype=bool)
    n1 = int(group.sum())
    n2 = len(group) - n1
    if not n1 or not n2:
        return Permuted(math.nan, math.nan, ALIKE_IN_GROUPS, "a group has no item")
    _, at, persons = np.unique(np.asarray(image, dtype=np.int64), return_inverse=True, return_counts=True)
    order = np.argsort(at, kind="stable")
    sums = np.zeros((5, draws + 1))  # the first column is what was seen
    fixed = np.zeros(3)
    rng = np.random.default_rng(seed)
    starts = np.cumsum(persons) - persons
    for size in np.unique(persons):
        rows = order[starts[persons == size][:, None] + np.arange(size)]  # (images of this size, persons)
        labels = group[rows]
        count1 = labels.sum(1)
        fixed += [float(v) for v in (count1 @ count1, (size - count1) @ (size - count1), count1 @ (size - count1))]
        flipped = np.flatnonzero((values[rows] != 0).any(1))
        if len(flipped):
            sums += _image_sums(values[rows[flipped]], labels, flipped, n1, n2, draws, rng)
    total1, total2, square, cross1, cross2 = sums
    mean1, mean2 = total1 / n1, total2 / n2
    k1, k2 = _bessel(n1) / n1, _bessel(n2) / n2
    variance = square - 2 * (cross1 * mean1 * k1 - cross2 * mean2 * k2)
    variance += (mean1 * k1) ** 2 * fixed[0] + (mean2 * k2) ** 2 * fixed[1] - 2 * mean1 * k1 * mean2 * k2 * fixed[2]
    difference = np.abs(mean1 - mean2)
    flat = variance <= TIE / len(values) ** 2
    size_of = np.where(
        difference < TIE, 0.0, np.where(flat, np.inf, difference / np.sqrt(np.where(flat, 1.0, variance)))
    )
    statistic = math.copysign(float(size_of[0]), float(mean1[0] - mean2[0]))
    at_least = int(np.sum(size_of[1:] >= size_of[0] * (1 - TIE)))
    return Permuted(statistic, (at_least + 1) / (draws + 1), ALIKE_IN_GROUPS)


def _bessel(n: int) -> float:
    return math.sqrt(n / (n - 1)) if n > 1 else 1.0


def _image_sums(
    x: Floats,
    labels: npt.NDArray[np.bool_],
    flipped: npt.NDArray[np.intp],
    n1: int,
    n2: int,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Of images of one size: sums of x by group, of influence values squared, and of them times group sizes.

    Images without a flip add nothing to these sums: labels are drawn only for those with one, `x` ``(f, size)``.
    """
    images, size = labels.shape
    taken = np.empty((draws + 1, len(flipped)), dtype=np.intp)
    taken[0] = flipped
    for start in range(0, draws, 64):  # chunks, for the sake of memory
        rows = min(64, draws - start)
        taken[start + 1 : start + 1 + rows] = rng.random((rows, images)).argsort(1)[:, : len(flipped)]
    drawn = labels[taken]  # (draws + 1, f, size)
    if size > 1:
        drawn[1:] = rng.permuted(drawn[1:], axis=2)
    mine1 = np.einsum("dfs,fs->df", drawn, x)
    mine2 = x.sum(1) - mine1
    count1 = drawn.sum(2)
    k1, k2 = _bessel(n1) / n1, _bessel(n2) / n2
    own = mine1 * k1 - mine2 * k2
    return np.stack(
        [mine1.sum(1), mine2.sum(1), (own**2).sum(1), (own * count1).sum(1), (own * (size - count1)).sum(1)]
    )


def swap_absolute(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    label: npt.ArrayLike,
    side: npt.ArrayLike,
    image: npt.ArrayLike,
    *,
    draws: int = 999,
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
    draws, seed : int
        As for `group_permutation_images`.

    Returns
    -------
    Permuted
        With the change of the mean absolute disparity over the classes that have items of both groups.
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
    at_least = 0
    for start in range(0, draws, CHUNK):
        kept = rng.integers(0, 2, (step.shape[1], min(CHUNK, draws - start))).astype(np.float64)
        swapped_new = old[:, None] + step @ kept
        swapped_old = (old + new)[:, None] - swapped_new
        change = np.mean(np.abs(swapped_new) - np.abs(swapped_old), axis=0)
        at_least += int(np.sum(np.abs(change) >= abs(seen) - TIE))
    return Permuted(seen, (at_least + 1) / (draws + 1), EXCHANGEABLE)
