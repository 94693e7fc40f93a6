"""From the changes of several checkpoints to a statement about checkpoints: how large, how alike, how sure.

Checkpoints are measured on the same images, so that their errors are correlated, and a t-test over checkpoints, which
takes them for independent, finds changes that are not there. With y_i = μ + b_i + e_i, b of variance τ² and e of
covariance S, the variance of the mean is τ²/k + 1'S1/k². The spread of the y estimates τ² + mean(diag S) −
mean(off-diagonal S), so that

    V = s_y²/k + mean(off-diagonal S)

is right whatever τ² is. Where S is 0 off its diagonal it is the paired t-test. Two things can be meant by "the mean
change", and both are given: of *these* checkpoints (error 1'S1/k² only), and of *a population* of such checkpoints (V).

Verdicts, in this order: ``negligible`` (mean and a new checkpoint within the margin), ``consistent`` (mean and a new
checkpoint on one side of zero), ``inconsistent`` (checkpoints differ by more than their errors, and a new one may go
either way), else ``inconclusive``; also below `LEAST` checkpoints. The prediction interval is descriptive: no formula
is known that holds its level for so few.

References
----------
J. Hartung and G. Knapp, Statistics in Medicine 20 (2001) 1771-1782, and J. IntHout et al., BMC Medical Research
Methodology 14 (2014) 25 (t instead of z for a mean of few); J. P. T. Higgins, S. G. Thompson and D. J. Spiegelhalter,
JRSS A 172 (2009) 137-159 (prediction interval, t with k − 2 degrees of freedom); L. V. Hedges, E. Tipton and M. C.
Johnson, Research Synthesis Methods 1 (2010) 39-65 (correlated effects); F. E. Satterthwaite, Biometrics Bulletin 2
(1946) 110-114 (degrees of freedom).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from qbench.stats.student import quantile
from qbench.vocabulary import PopulationVerdict

Floats = npt.NDArray[np.float64]
LEAST = 6
"""Checkpoints below which nothing is said of a population: an exact test of the sign of fewer cannot reject at 5 %."""
SINGULAR = 1e-9
"""Variances below this share of the largest one are taken for zero."""
ROUNDING = 16 * np.finfo(np.float64).eps
"""Of a number, as a share of it: a standard deviation within it counts as zero."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """What is known of the change over checkpoints; NaN where `reason` says why.

    Attributes
    ----------
    checkpoints, left_out : int
        Checkpoints used, and left out because a number of theirs is undetermined.
    mean : float
        Unweighted mean of the changes.
    se, df : float
        Standard error of the mean of a population of such checkpoints, and its degrees of freedom (infinite: normal).
    low, high : float
        Its t-interval at the confidence asked for.
    p : float
        Two-sided; null: the mean change of a population of such checkpoints is zero.
    fixed_se, fixed_low, fixed_high : float
        The mean of these very checkpoints: standard error and normal interval.
    pi_low, pi_high : float
        Prediction interval at ``1 − 2 α`` for the true change of one more checkpoint, with t of k − 2 degrees of
        freedom (Higgins et al. 2009); NaN for fewer than three checkpoints. Descriptive.
    tau : float
        Standard deviation of the true changes between checkpoints, 0 where their errors explain all spread.
    q, q_df, q_p : float
        Heterogeneity: Cochran's Q with the whole covariance, chi-squared if the true changes are all the same.
    same_sign : int
        Checkpoints whose change has the sign of the mean.
    without : dict of str to float
        The mean without each source.
    without_low, without_high : float
        The lowest and highest of them.
    verdict : {"negligible", "consistent", "inconsistent", "inconclusive"}
        See the module.
    reason : str
        One sentence: what decides, or why nothing does.
    """

    checkpoints: int
    left_out: int = 0
    mean: float = math.nan
    se: float = math.nan
    df: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    fixed_se: float = math.nan
    fixed_low: float = math.nan
    fixed_high: float = math.nan
    pi_low: float = math.nan
    pi_high: float = math.nan
    tau: float = math.nan
    q: float = math.nan
    q_df: float = math.nan
    q_p: float = math.nan
    same_sign: int = 0
    without: dict[str, float] = field(default_factory=dict)
    without_low: float = math.nan
    without_high: float = math.nan
    verdict: str = PopulationVerdict.INCONCLUSIVE.value
    reason: str = ""


def covariance(influences: npt.ArrayLike, se: npt.ArrayLike | None = None) -> Floats:
    """Sampling covariance of changes that were measured on the same images.

    Parameters
    ----------
    influences : array_like
        ``(k, images)`` float: the influence values of each checkpoint's change, one column per image.
    se : array_like, optional
        ``(k,)`` float: standard errors. One that is larger than its influence values say (few flips) sets the
        diagonal.

    Returns
    -------
    numpy.ndarray
        ``(k, k)`` float64.

    Examples
    --------
    >>> covariance([[0.1, -0.1], [0.1, 0.1]]).round(3).tolist()
    [[0.02, 0.0], [0.0, 0.02]]
    """
    values = np.asarray(influences, dtype=np.float64)
    found = values @ values.T
    if se is not None:
        at = np.diag_indices(len(found))
        found[at] = np.maximum(found[at], np.asarray(se, dtype=np.float64) ** 2)
    return np.asarray(found, dtype=np.float64)


def population(
    estimates: npt.ArrayLike,
    covariance: npt.ArrayLike,
    confidence: float = 0.95,
    margin: float = math.nan,
    sources: Sequence[str] | None = None,
    least: int = LEAST,
) -> Population:
    """Judge the mean change over checkpoints.

    Parameters
    ----------
    estimates : array_like
        ``(k,)`` float: the change of each checkpoint. Those that are not finite, in estimate or variance, are left out.
    covariance : array_like
        ``(k, k)`` float: their sampling covariance, see `covariance`.
    confidence : float
        Of the intervals, ``1 − α``.
    margin : float
        A change up to it is negligible; NaN where there is none.
    sources : sequence of str, optional
        ``(k,)``: where each checkpoint comes from (its training data or authors).
    least : int
        Below so many checkpoints the verdict is ``inconclusive``.

    Returns
    -------
    Population
        With the verdict; NaN and the reason where a number cannot be given.

    Raises
    ------
    ValueError
        Shapes do not match.

    Examples
    --------
    >>> found = population([0.011, 0.008, 0.012, 0.009, 0.010, 0.013], 1e-6 * np.eye(6), margin=0.005)
    >>> found.verdict
    'consistent'
    """
    y, s = np.asarray(estimates, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    if y.ndim != 1 or s.shape != (len(y), len(y)) or (sources is not None and len(sources) != len(y)):
        raise ValueError(f"{y.shape} changes, a covariance of {s.shape} and {len(sources or ())} sources")
    use = np.isfinite(y) & np.isfinite(np.diag(s))
    left_out = int((~use).sum())
    y, s = y[use], s[np.ix_(use, use)]
    s = np.where(np.isfinite(s), s, 0.0)
    k = len(y)
    if k == 0:
        return Population(checkpoints=0, left_out=left_out, reason="No checkpoint has a determined change.")
    mean = float(y.mean())
    if k == 1:
        return Population(
            checkpoints=1, left_out=left_out, mean=mean, reason="One checkpoint says nothing of a population."
        )
    shared = float(s.sum() - np.trace(s)) / (k * (k - 1))
    spread = float(y.var(ddof=1))
    # A negative covariance is not used to narrow anything: it is noise, as images are easy or hard for all models.
    variance = spread / k + max(shared, 0.0)
    fixed = math.sqrt(max(float(s.sum()), 0.0)) / k
    if spread <= (ROUNDING * float(np.abs(y).max())) ** 2:
        spread, variance = 0.0, fixed**2  # all the same, such as zero: only their own errors can judge the mean
    own = [x for x, yes in zip(sources, use, strict=True) if yes] if sources is not None else []
    without = {x: float(y[[z != x for z in own]].mean()) for x in dict.fromkeys(own) if any(z != x for z in own)}
    base = Population(
        checkpoints=k,
        left_out=left_out,
        mean=mean,
        same_sign=int((np.sign(y) == np.sign(mean)).sum()),
        without=without,
        without_low=min(without.values(), default=math.nan),
        without_high=max(without.values(), default=math.nan),
    )
    if not variance > 0:
        reason = "All checkpoints changed exactly alike and no error is known: nothing to judge the mean by."
        return replace(base, reason=reason)
    alpha = 1 - confidence
    # Beyond a thousand times their own spread the shared error is all there is, and it is known: a normal quantile.
    ratio = variance / (spread / k) if spread > variance / 1e3 else math.inf
    df = (k - 1) * ratio**2 if math.isfinite(ratio) else math.inf
    se = math.sqrt(variance)
    tau2 = max(spread - (float(np.trace(s)) / k - shared), 0.0)
    half = float(quantile(1 - alpha / 2, df)) * se
    half_pi = float(quantile(1 - alpha, k - 2)) * math.sqrt(tau2 + variance) if k > 2 else math.nan
    half_fixed = float(quantile(1 - alpha / 2, math.inf)) * fixed
    q, q_df = heterogeneity(y, s)
    numbers: dict[str, Any] = {
        "se": se,
        "df": df,
        "low": mean - half,
        "high": mean + half,
        "p": 2 * _tail(abs(mean) / se, df),
        "fixed_se": fixed,
        "fixed_low": mean - half_fixed,
        "fixed_high": mean + half_fixed,
        "pi_low": mean - half_pi,
        "pi_high": mean + half_pi,
        "tau": math.sqrt(tau2),
        "q": q,
        "q_df": q_df,
        "q_p": float(special.chdtrc(q_df, q)) if q_df > 0 else math.nan,
    }
    found = replace(base, **numbers)
    verdict, reason = verdict_of(found, alpha=alpha, margin=margin, least=least)
    return replace(found, verdict=verdict.value, reason=reason)


def _tail(t: float, df: float) -> float:
    return float(special.stdtr(df, -t) if math.isfinite(df) else special.ndtr(-t))


@lru_cache(maxsize=64)
def _contrasts(k: int) -> Floats:
    """``(k - 1, k)``: orthonormal, each of sum zero."""
    return np.asarray(linalg.helmert(k), dtype=np.float64)


def heterogeneity(estimates: npt.ArrayLike, covariance: npt.ArrayLike) -> tuple[float, float]:
    """Cochran's Q with the whole covariance, and its degrees of freedom.

    It is ``r' S⁻¹ r`` for residuals r about the generalised least squares mean, computed as the squared length of the
    k − 1 contrasts in units of their own covariance, which also holds where S has no inverse. Degrees of freedom are
    the contrasts that have an error; NaN where two checkpoints differ and no error is known that could explain it.

    Parameters
    ----------
    estimates, covariance : array_like
        ``(k,)`` and ``(k, k)`` float.

    Returns
    -------
    q, df : float
        The statistic and its degrees of freedom.

    Examples
    --------
    >>> q, df = heterogeneity([0.0, 0.02, 0.04], 1e-4 * np.eye(3))
    >>> round(q, 3), df
    (8.0, 2.0)
    """
    y, s = np.asarray(estimates, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    k = len(y)
    if k < 2:
        return math.nan, 0.0
    contrast = _contrasts(k)
    values, vectors = np.linalg.eigh(contrast @ s @ contrast.T)
    along = vectors.T @ (contrast @ y)
    rounding = ROUNDING * float(np.abs(y).max())
    known = values > max(SINGULAR * float(np.max(np.diag(s))), rounding**2, np.finfo(np.float64).tiny)
    rest = float(np.abs(along[~known]).max(initial=0.0))
    if not known.any() or rest > 1e-9 * float(np.abs(y).max()):
        return math.nan, 0.0
    return float(np.sum(along[known] ** 2 / values[known])), float(known.sum())


def verdict_of(x: Population, *, alpha: float, margin: float, least: int = LEAST) -> tuple[PopulationVerdict, str]:
    """The verdict on a mean whose intervals are known, and one sentence that says why.

    Parameters
    ----------
    x : Population
        With its intervals.
    alpha : float
        One minus their confidence.
    margin : float
        A change up to it is negligible; NaN where there is none.
    least : int
        Below so many checkpoints the verdict is ``inconclusive``.
    """
    words = PopulationVerdict
    level = f"{100 * (1 - 2 * alpha):.6g} %"
    mean_within = x.low > -margin and x.high < margin
    new_within = x.pi_low > -margin and x.pi_high < margin
    mean_sure, new_sure = x.low > 0 or x.high < 0, x.pi_low > 0 or x.pi_high < 0
    differ = x.q_p < alpha
    if x.checkpoints < least:
        few = f"{x.checkpoints} checkpoints are too few to speak of a population: at least {least} are needed"
        return words.INCONCLUSIVE, f"{few}."
    if mean_within and new_within:
        return (
            words.NEGLIGIBLE,
            "The mean change and the change of one more checkpoint are within the margin.",
        )
    if mean_sure and new_sure:
        return (
            words.CONSISTENT,
            "The mean change and the change of one more checkpoint are on one side of zero.",
        )
    if differ and not new_sure:
        return (
            words.INCONSISTENT,
            "The checkpoints differ by more than their errors, and one more may go either way.",
        )
    if mean_within or mean_sure:
        about = "within the margin" if mean_within else "not zero"
        where = "beyond it" if mean_within else "on either side of zero"
        return (
            words.INCONCLUSIVE,
            f"The mean change is {about}, but one more checkpoint may be {where} ({level} prediction).",
        )
    if math.isnan(margin):
        return (
            words.INCONCLUSIVE,
            "The interval of the mean contains zero, and there is no margin to call it negligible by.",
        )
    return words.INCONCLUSIVE, "The interval of the mean contains zero and reaches beyond the margin."
