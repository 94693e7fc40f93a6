"""Intervals by resampling images: a check of the closed forms, and the way for metrics that have none.

Whole images are drawn with replacement, as many as there are (multinomial weights), the same for both variants. Poisson
weights would be cheaper, but their sum varies: the depth of a fixed cut-off (recall at 5, skew at 1,000) would vary
with it and add noise that no gallery of this size has. Sums of squares of images come out as they should but for the
factor (n − 1)/n.

A percentile interval of few changes is too short, and has no length at all where nothing changed in the sample. It is
then refused: an unchanged sample does not prove that other images do not change either. `cautious_error` gives
a standard error there: it adds changes of single images, each as large as the difference between one image of the
sample and another makes (`swing`).

References
----------
B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.stats.linear import ADDED, FEW

Floats = npt.NDArray[np.float64]
RESAMPLES = 2000
"""The default number of resamples. A choice of ours: 50 of them lie beyond each end of an interval at 95 %."""
CHUNK_BYTES = 64 * 2**20
"""Of one block of weights."""
LEAST_DISTINCT = 20
"""Distinct values among the resamples below which an interval is refused. A choice of ours: with fewer, the percentiles
of an interval at 95 % jump from one value to the next."""
NO_LENGTH = "the resamples hardly differ: an interval of them would claim a certainty that nothing supports"
UNDETERMINED = "the change is undetermined"
LOST = "the number is undetermined in more than 5 % of the resamples"
ONE = "one image only: nothing to resample"
OF_DATA = frozenset({NO_LENGTH, LOST, ONE})
"""Reasons why these images give no interval: others would."""


@dataclass(frozen=True)
class BootstrapChange:
    """Changes with their bootstrap intervals, one entry per number.

    Attributes
    ----------
    spread : numpy.ndarray
        ``(r,)`` float64: standard deviation of the resamples, also where they are too alike for an interval; NaN where
        too few are known.
    change, se, low, high : numpy.ndarray
        ``(r,)`` float64: on the images as they are; standard deviation of the resamples; percentile interval at the
        confidence asked for. NaN where `reason` says why.
    reason : tuple of str
        Empty where there is an interval.
    resamples : int
        Draws.
    """

    change: Floats
    se: Floats
    low: Floats
    high: Floats
    spread: Floats
    reason: tuple[str, ...]
    resamples: int


def bootstrap_change(
    measure: Callable[[Floats], npt.ArrayLike],
    images: npt.ArrayLike,
    resamples: int = RESAMPLES,
    rng: np.random.Generator | None = None,
    chunk: int | None = None,
    confidence: float = 0.95,
) -> BootstrapChange:
    """Resample images and collect the changes.

    Parameters
    ----------
    measure : callable
        ``(b, n)`` weights of the items → ``(b, r)`` changes, after minus before.
    images : array_like
        ``(n,)`` int, 0 or more: the image of each item; items of an image are drawn together.
    resamples : int
        Draws.
    rng : numpy.random.Generator, optional
        Where they come from; seeded with 0 if not given, so that the same data give the same interval.
    chunk : int, optional
        Draws at once; so many that their weights take `CHUNK_BYTES` if not given. It bounds the memory and does not
        change the result.
    confidence : float
        ``1 − α``.

    Returns
    -------
    BootstrapChange
        One entry per number.

    Raises
    ------
    ValueError
        There is no item, or no draw, or `measure` does not return one row per draw.

    Examples
    --------
    >>> found = bootstrap_change(lambda w: w[:, :40].sum(axis=1, keepdims=True) / 100, np.arange(100), 500)
    >>> bool(found.low[0] < found.change[0] < found.high[0])
    True
    """
    at = np.asarray(images, dtype=np.int64)
    if not at.size or resamples < 1:
        raise ValueError(f"{at.size} items and {resamples} resamples")
    rng = np.random.default_rng(0) if rng is None else rng
    _, at = np.unique(at, return_inverse=True)  # images without an item are none of these
    count = int(at.max()) + 1
    change = _rows(measure(np.ones((1, len(at)))), 1)[0]
    step = chunk or max(1, CHUNK_BYTES // (8 * len(at)))
    draws = np.full((resamples, len(change)), np.nan)
    for start in range(0, resamples if count > 1 else 0, step):
        b = min(step, resamples - start)
        draws[start : start + b] = _rows(measure(_weights(rng, b, count)[:, at]), b)
    alpha = 1 - confidence
    se, low, high, spread = np.full((4, len(change)), np.nan)
    reason = []
    for r, one in enumerate(draws.T):
        known = one[np.isfinite(one)]
        why = _refusal(float(change[r]), known, resamples) if count > 1 else ONE
        reason.append(why)
        if why in ("", NO_LENGTH):
            spread[r] = known.std(ddof=1) if len(known) > 1 else 0.0
        if not why:
            se[r] = spread[r]
            low[r], high[r] = np.quantile(known, [alpha / 2, 1 - alpha / 2])
    return BootstrapChange(change, se, low, high, spread, tuple(reason), resamples)


def swing(
    measure: Callable[[Floats], npt.ArrayLike],
    images: npt.ArrayLike,
    rng: np.random.Generator | None = None,
    most: int = RESAMPLES,
) -> Floats:
    """How far each number moves if one image of the sample becomes like another.

    It is the range of what leaving out one image does to the number: 1 / n for a share of n images.

    Parameters
    ----------
    measure : callable
        ``(b, n)`` weights of the items → ``(b, r)`` numbers (not changes).
    images : array_like
        ``(n,)`` int, 0 or more: the image of each item.
    rng : numpy.random.Generator, optional
        Chooses the images where there are more than `most`; seeded with 0 if not given.
    most : int
        Images that are left out, one at a time; of more images so many at random, which bounds the time.

    Returns
    -------
    numpy.ndarray
        ``(r,)`` float64, 0 or more; NaN where the number is undetermined without any image.

    Examples
    --------
    >>> swing(lambda w: w[:, :40].sum(axis=1, keepdims=True) / w.sum(axis=1, keepdims=True), np.arange(100)).round(3)
    array([0.01])
    """
    _, at = np.unique(np.asarray(images, dtype=np.int64), return_inverse=True)
    count = int(at.max(initial=-1)) + 1
    chosen = np.arange(count)
    if count > most:
        chosen = np.sort((rng or np.random.default_rng(0)).choice(count, most, replace=False))
    step = max(1, CHUNK_BYTES // (8 * max(len(at), 1)))
    parts = []
    for start in range(0, len(chosen), step):
        left_out = chosen[start : start + step]
        found = _rows(measure((at[None, :] != left_out[:, None]).astype(np.float64)), len(left_out))
        parts.append(np.stack([np.fmax.reduce(found), np.fmin.reduce(found)]))
    ends = np.stack(parts)
    return np.asarray(np.fmax.reduce(ends[:, 0]) - np.fmin.reduce(ends[:, 1]))


def cautious_error(found: BootstrapChange, of_one_image: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Standard errors of bootstrapped changes, also where few images of a group changed, or none.

    The standard deviation of the resamples, in units of what one image can do, is the root of the number of images
    that changed. Where that number is below `qbench.stats.linear.FEW`, `qbench.stats.linear.ADDED` more are added, as
    they are for means of right and wrong answers: so the answer for a group that does not change at all follows from
    its size, and the changes of a large group say nothing of a small one.

    Parameters
    ----------
    found : BootstrapChange
        ``(r,)`` changes.
    of_one_image : numpy.ndarray
        ``(r,)``: the `swing` of each number.

    Returns
    -------
    se : numpy.ndarray
        ``(r,)`` float64; NaN where the reason says why.
    reason : tuple of str
        ``(r,)``; empty where there is a standard error.
    """
    swings, spread = np.nan_to_num(of_one_image), found.spread
    few = spread**2 < FEW * swings**2
    se = np.where(few, np.sqrt(spread**2 + ADDED * swings**2), found.se)
    reason = tuple("" if np.isfinite(error) else why for error, why in zip(se, found.reason, strict=True))
    return se, reason


def _weights(rng: np.random.Generator, b: int, count: int) -> Floats:
    """Multinomial weights ``(b, count)``: how often each image is drawn."""
    weights = np.empty((b, count))
    for row in weights:  # a row at a time, so that chunks of any size draw the same
        row[:] = np.bincount(rng.integers(count, size=count), minlength=count)
    return weights


def _rows(values: npt.ArrayLike, b: int) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2 or len(found) != b:
        raise ValueError(f"{b} sets of weights gave numbers of shape {found.shape}")
    return found


def _refusal(change: float, known: Floats, resamples: int) -> str:
    if not np.isfinite(change):
        return UNDETERMINED
    if len(known) < 0.95 * resamples:
        return LOST
    # Sums in another order differ in their last digits: not a difference.
    size = float(np.abs(known).max(initial=0.0)) or 1.0
    if len(np.unique(np.round(known / size, 9))) < min(LEAST_DISTINCT, resamples):
        return NO_LENGTH
    return ""
