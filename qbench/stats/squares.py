"""The size of disparities with an interval: unbiased squares.

A mean of absolute disparities is too large by what noise adds to each, and has no interval that holds. The mean of
squares is too large by just the mean sampling variance, which can be taken off: ``mean((D_q² - v_q) - (D_f² - v_f))``
estimates without bias how the mean squared disparity changed. Its unit is that of a squared share.

With s = D_q + D_f and d = D_q - D_f the difference of squares is s·d. Its variance is by influence values of the
images, ``s IF_d + d IF_s`` (so that persons of one image, in one class or several, count as one), less the part
that is there twice when estimated sums and differences stand for true ones: ``v_s v_d + c²`` a class, `c` their
covariance (the variance of a product of normal variables; L. A. Goodman, JASA 55 (1960) 708-713).

The interval is claimed to hold only where each group of each class has `ENOUGH` items and there is disparity to be
amplified. Its two sides do not miss alike: where disparities truly grew, the estimate is too low together with its
standard error, and an "equivalent" from it would be false in up to 8 % rather than 5 % (docs/calibration.md). Take no
such verdict from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qbench.stats.student import quantile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ENOUGH = 30
"""Items that each group of each class has to have. A choice of ours, after the usual rule of thumb for the normal
approximation of a mean."""
PRESENT = 1.645
"""The squares of D_q + D_f have to be above what noise gives by so many standard deviations: the one-sided 5 % point of
the normal distribution."""


@dataclass(frozen=True)
class SquaredDisparity:
    """The change of the mean squared disparity over classes.

    Attributes
    ----------
    before, after : float
        Mean squared disparity with its sampling variance taken off; may be slightly below 0 where there is none.
    change, se : float
        After minus before, and its standard error.
    df : float
        Degrees of freedom of `se`: twice the number of images that it effectively comes from.
    low, high : float
        The t-interval at `confidence`; NaN where `reason` says why.
    classes : int
        Classes with at least two items of both groups, which are those that count.
    reason : str
        Why no interval is claimed; empty where one is.
    """

    before: float = math.nan
    after: float = math.nan
    change: float = math.nan
    se: float = math.nan
    df: float = math.nan
    low: float = math.nan
    high: float = math.nan
    classes: int = 0
    reason: str = ""


def squared_disparity(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    label: npt.ArrayLike,
    side: npt.ArrayLike,
    image: npt.ArrayLike,
    confidence: float = 0.95,
) -> SquaredDisparity:
    """The change of the mean over classes of the squared disparity, and its interval.

    Parameters
    ----------
    before, after, label, side, image : array_like
        As for `qbench.stats.permutation.swap_absolute`.
    confidence : float
        Of the two-sided interval.

    Returns
    -------
    SquaredDisparity
        The interval is NaN where `reason` says why there is none.
    """
    f, q = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    c, sign, at = (np.asarray(v, dtype=np.int64) for v in (label, side, image))
    classes = int(c.max(initial=-1)) + 1
    n = np.stack([np.bincount(c[sign == g], minlength=classes) for g in (1, -1)])
    counted = np.asarray((n > 1).all(0))
    if not counted.any():
        return SquaredDisparity(reason="no class has two items of both groups")
    keep = (sign != 0) & counted[c]
    f, q, c, sign, at = f[keep], q[keep], (np.cumsum(counted) - 1)[c[keep]], sign[keep], at[keep]
    n, classes = n[:, counted], int(counted.sum())
    key, where = np.unique(c * (int(at.max()) + 1) + at, return_inverse=True)
    of_class = key // (int(at.max()) + 1)
    old, influence_old = _disparity(f, c, sign, n, where, len(key))
    new, influence_new = _disparity(q, c, sign, n, where, len(key))

    def covariance(x: Floats, y: Floats) -> Floats:
        return np.bincount(of_class, x * y, classes).astype(np.float64)

    s, d = new + old, new - old
    influence_s, influence_d = influence_new + influence_old, influence_new - influence_old
    v_s, v_d, both = (
        covariance(influence_s, influence_s),
        covariance(influence_d, influence_d),
        covariance(influence_s, influence_d),
    )
    square_old, square_new = (
        old**2 - covariance(influence_old, influence_old),
        new**2 - covariance(influence_new, influence_new),
    )
    _, image = np.unique(key % (int(at.max()) + 1), return_inverse=True)
    own = np.bincount(image, s[of_class] * influence_d + d[of_class] * influence_s) / classes
    variance = float(own @ own) - float(np.sum(v_s * v_d + both**2)) / classes**2
    change = float(np.mean(square_new - square_old))
    point = SquaredDisparity(float(square_old.mean()), float(square_new.mean()), change, classes=classes)
    point = replace(point, se=math.sqrt(variance) if variance > 0 else math.nan)
    reason = _reason(n, s, v_s, float(np.sum(v_d)), variance)
    if reason:
        return replace(point, reason=reason)
    # A sum of squares of m equal values has the relative variance of a chi-squared one with 2 m degrees of freedom.
    df = 2 * float(np.sum(own**2)) ** 2 / float(np.sum(own**4))
    half = float(quantile((1 + confidence) / 2, df)) * point.se
    return replace(point, df=df, low=change - half, high=change + half)


def _disparity(
    x: Floats, label: Ints, side: Ints, n: Ints, where: npt.NDArray[np.intp], keys: int
) -> tuple[Floats, Floats]:
    """The disparity of each class, and the influence values of each image in each class."""
    classes = n.shape[1]
    mean = np.stack([np.bincount(label[side == g], x[side == g], classes) for g in (1, -1)]) / n
    group = np.where(side > 0, 0, 1)
    size = n[group, label]
    value = side * (x - mean[group, label]) / size * np.sqrt(size / (size - 1))
    return mean[0] - mean[1], np.bincount(where, value, keys).astype(np.float64)


def _reason(n: Ints, s: Floats, v_s: Floats, spread: float, variance: float) -> str:
    if int(n.min()) < ENOUGH:
        return f"a class has fewer than {ENOUGH} items of a group"
    if spread == 0:
        return "no item flipped"
    if float(np.sum(s**2 - v_s)) <= PRESENT * math.sqrt(2 * float(np.sum(v_s**2))):
        return "no disparity is shown that could be amplified"
    return "" if variance > 0 else "no variance is left to judge it by"
