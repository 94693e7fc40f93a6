"""What goes with the direction of a change: a mixed model of the changes of checkpoints that share their images.

The change of checkpoint m is y_m = x_m'β + b_m + e_m, with b of variance τ² and e of the known covariance S, which the
shared images give (`qbench.stats.population.covariance`). β is estimated by least squares without weights. The
residuals estimate τ² and what S has on its diagonal, so that for a contrast l'β

    V = RSS / (k − p) · h'h + h'(S − tr(M S) / (k − p) · I) h,    h = X (X'X)⁻¹ l,   M = I − X (X'X)⁻¹ X'

is unbiased whatever τ² is. The second term is what errors in common add; below zero it is noise and is not used. An
error that all checkpoints share alike cancels in a slope, and does not cancel in a mean: with X a column of ones this
is the mean of `qbench.stats.population`. The test is one of t with k − p degrees of freedom, more where V is mostly
that known error (Satterthwaite).

References
----------
L. V. Hedges, E. Tipton and M. C. Johnson, Research Synthesis Methods 1 (2010) 39-65 (meta-regression with correlated
errors); G. Knapp and J. Hartung, Statistics in Medicine 22 (2003) 2693-2710 (t in place of z in a meta-regression of
few studies); F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110-114 (degrees of freedom).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.student import quantile

Floats = npt.NDArray[np.float64]
LEAST_DF = 3
"""Degrees of freedom below which nothing is tested: with 2, an interval spans 4.3 standard errors to each side."""
CONFOUNDED = "what the checkpoints differ in cannot be told apart"
FEW = "too few checkpoints for what they differ in"
ALIKE = "all checkpoints changed as their description says, and no error is known"
POWER = 0.8
"""Chance with which `Contrast.detectable` is found."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What is known of a contrast of the coefficients; NaN where `reason` says why.

    Attributes
    ----------
    estimate : float
        The contrast.
    se, df : float
        Its standard error and degrees of freedom (infinite: normal).
    low, high : float
        Its t-interval at the confidence asked for.
    p : float
        Two-sided; null: the contrast is zero.
    detectable : float
        The contrast that is found in 80 % of such data, in the approximation (t_{1−α/2} + t_{0.8}) se.
    reason : str
        Why there is no interval; empty where there is one.
    """

    estimate: float = math.nan
    se: float = math.nan
    df: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    detectable: float = math.nan
    reason: str = ""


def contrast(
    estimates: npt.ArrayLike,
    covariance: npt.ArrayLike,
    design: npt.ArrayLike,
    coefficients: npt.ArrayLike,
    confidence: float = 0.95,
) -> Contrast:
    """Estimate and test one contrast of the coefficients of a mixed model over checkpoints.

    Parameters
    ----------
    estimates : array_like
        ``(k,)`` float: the change of each checkpoint, or a difference of its changes.
    covariance : array_like
        ``(k, k)`` float: the sampling covariance of these.
    design : array_like
        ``(k, p)`` float: what is known of each checkpoint, with a column of ones.
    coefficients : array_like
        ``(p,)`` float: the contrast.
    confidence : float
        Of the interval.

    Raises
    ------
    ValueError
        Shapes do not match, or a number is not finite.

    Examples
    --------
    >>> size = [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    >>> found = contrast([1.1, 0.9, 3.2, 2.8, 5.1, 4.9], 0.01 * np.eye(6), np.c_[np.ones(6), size], [0, 1])
    >>> round(found.estimate, 2), round(found.df)
    (2.0, 4)
    """
    y, s, x, chosen = (np.asarray(a, dtype=np.float64) for a in (estimates, covariance, design, coefficients))
    k = len(y)
    if y.ndim != 1 or s.shape != (k, k) or x.ndim != 2 or len(x) != k or chosen.shape != x.shape[1:]:
        raise ValueError(f"{y.shape} changes, a covariance of {s.shape}, a design of {x.shape}, {chosen.shape}")
    if not all(np.isfinite(a).all() for a in (y, s, x, chosen)):
        raise ValueError("a change, a covariance or a description is not finite")
    freedom = k - x.shape[1]
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return Contrast(reason=CONFOUNDED)
    inverse = np.linalg.pinv(x)
    estimate = float(chosen @ inverse @ y)
    if freedom < LEAST_DF:
        return Contrast(estimate=estimate, reason=FEW)
    leave = np.eye(k) - x @ inverse
    along = chosen @ inverse
    length = float(along @ along)
    residual = float(np.sum((leave @ y) ** 2)) / freedom * length
    shared = float(along @ s @ along) - float(np.trace(leave @ s)) / freedom * length
    variance = residual + max(shared, 0.0)
    if not variance > (16 * np.finfo(np.float64).eps * float(np.abs(y).max())) ** 2:
        return Contrast(estimate=estimate, reason=ALIKE)
    # Beyond a thousand times the residuals' part the shared error is all there is, and it is known: a normal quantile.
    df = freedom * (variance / residual) ** 2 if residual > variance / 1e3 else math.inf
    se, alpha = math.sqrt(variance), 1 - confidence
    half = float(quantile(1 - alpha / 2, df)) * se
    t = -abs(estimate) / se
    return Contrast(
        estimate=estimate,
        se=se,
        df=df,
        low=estimate - half,
        high=estimate + half,
        p=2 * float(special.stdtr(df, t) if math.isfinite(df) else special.ndtr(t)),
        detectable=half + float(quantile(POWER, df)) * se,
    )
