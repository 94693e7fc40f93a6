"""Student's t and the normal distribution: quantiles and p-values that do not underflow.

References
----------
NIST Digital Library of Mathematical Functions, 8.17.8 (the series for the tail of Student's t).
"""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
TINY = sys.float_info.min
"""The smallest p-value that is given: the smallest normal number of a float."""


def quantile(probability: npt.ArrayLike, df: npt.ArrayLike) -> Floats:
    """Quantile of Student's t.

    Parameters
    ----------
    probability : array_like
        Broadcastable float, between 0 and 1.
    df : array_like
        Broadcastable float: degrees of freedom, above 0. Infinite ones give the normal distribution's quantile.

    Returns
    -------
    numpy.ndarray
        float64; NaN where `df` is not above 0.

    Examples
    --------
    >>> quantile(0.975, [8, float("inf")]).round(3).tolist()
    [2.306, 1.96]
    """
    freedom, level = np.asarray(df, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    finite = np.isfinite(freedom) & (freedom > 0)
    t = special.stdtrit(np.where(finite, freedom, 1.0), level)
    return np.where(finite, t, np.where(np.isposinf(freedom), special.ndtri(level), np.nan))


def log10_p(t: float, df: float) -> float:
    """Decimal logarithm of the two-sided p-value of Student's t; exact where the p-value itself would underflow.

    Parameters
    ----------
    t : float
        The statistic.
    df : float
        Degrees of freedom, finite.
    """
    p = 2 * float(special.stdtr(df, -abs(t)))
    if p > 1e-280:
        return math.log10(min(p, 1.0))
    # p = I_x(df/2, 1/2) with x = df / (df + t²), in logarithms because p itself would underflow.
    a, b = df / 2, 0.5
    log_x = -math.log1p(t * t / df)
    x = math.exp(log_x)
    series = float(special.hyp2f1(a + b, 1.0, a + 1.0, x))
    log_p = a * log_x + b * math.log1p(-x) - math.log(a) - float(special.betaln(a, b)) + math.log(series)
    return log_p / math.log(10)


def normal_p(z: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Two-sided p-values of a standard normal statistic.

    Parameters
    ----------
    z : array_like
        float.

    Returns
    -------
    p, log10_p : numpy.ndarray
        float64; a p-value too small for a float is `TINY`, its logarithm exact.

    Examples
    --------
    >>> p, _ = normal_p([0.0, 1.96])
    >>> p.round(3).tolist()
    [1.0, 0.05]
    """
    size = np.abs(np.asarray(z, dtype=np.float64))
    logs = np.minimum((np.log(2.0) + special.log_ndtr(-size)) / np.log(10.0), 0.0)
    return np.maximum(10.0**logs, TINY), logs


def two_sided_p(change: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike) -> tuple[Floats, Floats]:
    """p-values of "the change is zero".

    Parameters
    ----------
    change, se, df : array_like
        ``(m,)`` float: estimates, their standard errors, and the degrees of freedom of these (infinite: normal).

    Returns
    -------
    p, log10_p : numpy.ndarray
        ``(m,)`` float64; as in `normal_p`. NaN where a number is, or where the standard error is not above 0.

    Examples
    --------
    >>> p, _ = two_sided_p(np.array([0.02]), np.array([0.01]), np.array([np.inf]))
    >>> p.round(4).tolist()
    [0.0455]
    """
    y, error, freedom = (np.asarray(x, dtype=np.float64) for x in (change, se, df))
    p, logs = np.full(len(y), np.nan), np.full(len(y), np.nan)
    at = np.flatnonzero(np.isfinite(y) & (error > 0) & ~np.isnan(freedom))
    ratio, freedom = np.abs(y[at] / error[at]), freedom[at]
    normal = np.isposinf(freedom)
    found = np.empty(len(at))
    found[normal] = normal_p(ratio[normal])[1]
    found[~normal] = [log10_p(float(t), float(d)) for t, d in zip(ratio[~normal], freedom[~normal], strict=True)]
    logs[at] = np.minimum(found, 0.0)
    p[at] = np.maximum(10.0 ** logs[at], TINY)
    return p, logs
