"""From intervals and p-values to decisions: multiple tests, equivalence, detectable effects, sample sizes.

These are the numbers behind verdicts; `qbench.analysis.verdicts` chooses the words. Minimum detectable effects and
sample sizes come from standard errors and flip rates, never from the effect that was observed.

References
----------
S. Holm, Scandinavian Journal of Statistics 6 (1979) 65-70; Y. Benjamini and Y. Hochberg, Journal of the Royal
Statistical Society B 57 (1995) 289-300; D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987)
657-680 (two one-sided tests); R. J. Connor, Biometrics 43 (1987) 207-211, and J.-M. Nam, Biometrics 53 (1997) 1422-1430
(size of a paired sample); J. M. Hoenig and D. M. Heisey, The American Statistician 55 (2001) 19-24 (not from the effect
that was observed).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.student import TINY, quantile
from qbench.stats.tango import score_variance

Floats = npt.NDArray[np.float64]


def holm(p: npt.ArrayLike) -> Floats:
    """Holm's adjusted p-values: with those at most α rejected, a false rejection anywhere has probability at most α.

    Parameters
    ----------
    p : array_like
        ``(m,)`` float: the p-values of one family. NaN stays NaN and is not counted.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float64.

    Examples
    --------
    >>> holm([0.01, float("nan"), 0.04]).round(3).tolist()
    [0.02, nan, 0.04]
    """
    answer, known = _prepared(p)
    values = answer[known]
    order = np.argsort(values, kind="stable")
    # statsmodels gives the same numbers, but collects garbage at every call, which took most of the time of an analysis
    # with many families; and its import takes longer than the whole of a small analysis.
    steps = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    values[order] = np.minimum(steps, 1.0)
    answer[known] = values
    return answer


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Benjamini's and Hochberg's adjusted p-values: of those at most q, a share of q is false on average.

    Holds for independent and for positively dependent tests. Parameters as for `holm`.
    ``scipy.stats.false_discovery_control`` gives the same, but takes no NaN, and commands that compute nothing would
    import `scipy.stats` for it, which takes 0.8 s.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float64.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.02, float("nan")]).round(3).tolist()
    [0.02, 0.02, nan]
    """
    answer, known = _prepared(p)
    values = answer[known]
    order = np.argsort(values)
    steps = values[order] / (np.arange(1, len(order) + 1) / len(order))
    values[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    answer[known] = values
    return answer


def _prepared(p: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A copy of the p-values, none of which is zero (it was too small for a float), and which of them are known."""
    values = np.maximum(np.asarray(p, dtype=np.float64), TINY)
    return values, ~np.isnan(values)


def equivalent(low: npt.ArrayLike, high: npt.ArrayLike, margin: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether an interval lies inside ``(-margin, margin)``.

    With the two-sided interval at ``1 - α`` both one-sided tests reject at ``α / 2``, so that "equivalent" is wrong in
    at most ``α / 2`` of cases, whichever margin the true change reaches. This is the interval that readers see, and the
    level at which a gate decides.

    Parameters
    ----------
    low, high : array_like
        ``(n,)`` float: the interval of each change.
    margin : array_like
        Broadcastable float: the largest change that counts as none, in the unit of the change.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` bool; false where a number is NaN: what is not known is not equivalent.

    Examples
    --------
    >>> equivalent([-0.004, -0.004], [0.008, 0.012], 0.01).tolist()
    [True, False]
    """
    first, last, m = (np.asarray(v, dtype=np.float64) for v in (low, high, margin))
    return np.asarray((first > -m) & (last < m))


def minimum_detectable(
    se: npt.ArrayLike, df: npt.ArrayLike = np.inf, power: float = 0.8, confidence: float = 0.95
) -> Floats:
    """The smallest true effect that a two-sided test finds with the given power: ``(t_{1-α/2} + t_power) * se``.

    Parameters
    ----------
    se, df : array_like
        Broadcastable float: standard error and its degrees of freedom. For shares of one class, whose flips are few,
        use `minimum_detectable_cell`.
    power : float
        The share of data sets in which it is found, 0 to 1.
    confidence : float
        ``1 − α`` of the two-sided test.

    Returns
    -------
    numpy.ndarray
        float64, in the unit of `se`.

    Examples
    --------
    >>> float(minimum_detectable(0.01).round(4))
    0.028
    """
    error, freedom = np.asarray(se, dtype=np.float64), np.asarray(df, dtype=np.float64)
    return np.asarray((quantile((1 + confidence) / 2, freedom) + quantile(power, freedom)) * error)


def minimum_detectable_cell(
    psi: npt.ArrayLike, n1: npt.ArrayLike, n2: npt.ArrayLike | None = None, power: float = 0.8, confidence: float = 0.95
) -> Floats:
    """The smallest true change of a share, or of a disparity, that is found with the given power.

    A share that changes by δ has at least so many flips, and with them more variance: the change sought is the solution
    of ``δ = z * sqrt(ψ / n1 + (max(ψ, δ) - δ²) / n2)``, where only the smaller group changes.

    Parameters
    ----------
    psi : array_like
        Share of items that flip where nothing else changes, 0 to 1.
    n1, n2 : array_like
        Items of the two groups, in any order. With `n2` left out: of the one group whose share changes.
    power : float
        The share of data sets in which it is found, 0 to 1.
    confidence : float
        ``1 − α`` of the two-sided test.

    Returns
    -------
    numpy.ndarray
        float64; NaN where there is no item or no change up to 1 is found.

    Examples
    --------
    >>> float(minimum_detectable_cell(0.02, 900, 300).round(3))
    0.031
    """
    if n2 is None:
        small, large = np.asarray(n1, dtype=np.float64), np.asarray(np.inf)
    else:
        first, second = np.asarray(n1, dtype=np.float64), np.asarray(n2, dtype=np.float64)
        small, large = np.minimum(first, second), np.maximum(first, second)
    rate = np.asarray(psi, dtype=np.float64)
    z2 = float(special.ndtri((1 + confidence) / 2) + special.ndtri(power)) ** 2
    known = small > 0
    small = np.where(known, small, 1.0)
    other = z2 * rate / np.where(known, large, 1.0)
    # δ ≤ ψ: δ² (1 + z²/n2) = z² ψ (1/n1 + 1/n2). Above it: δ² (1 + z²/n2) - δ z²/n2 = z² ψ / n1.
    a, b = 1 + z2 / small, z2 / small
    within = np.sqrt((other + b * rate) / a)
    beyond = (b + np.sqrt(b * b + 4 * a * other)) / (2 * a)
    found = np.where(within <= rate, within, beyond)
    return np.where(known & (found <= 1), found, np.nan)


def needed_items(
    psi: npt.ArrayLike,
    margin: npt.ArrayLike,
    n1: npt.ArrayLike = 1,
    n2: npt.ArrayLike | None = None,
    *,
    psi2: npt.ArrayLike | None = None,
    sides: int = 2,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Floats:
    """Items with which equivalence, or non-inferiority, of a share or a disparity is shown if nothing changed.

    The score test's sample size: ``((z_α s_0 + z_β s_1) / margin)²``, with the variance of the items at a change of the
    margin (`s_0²`) and at none (`s_1² = ψ`). Where no item flips it is what Tango's limit, z² / (n + z²), needs.

    Parameters
    ----------
    psi : array_like
        Share of items that flip (of the first group), 0 to 1.
    margin : array_like
        Of the change, above 0, below 1.
    n1, n2 : array_like
        Items of the two groups, which stay in this proportion; with `n2` left out there is one group.
    psi2 : array_like, optional
        Share of items that flip in the second group; `psi` if not given.
    sides : {1, 2}
        1 for non-inferiority (a gate), 2 for equivalence.
    alpha : float
        The level of each one-sided test: half of α where the two-sided interval at ``1 − α`` decides.
    power : float
        The share of data sets in which it is shown, 0 to 1.

    Returns
    -------
    numpy.ndarray
        float64, a whole number: of both groups together; NaN where a number is.

    Examples
    --------
    >>> float(needed_items(0.02, 0.01, alpha=0.025))
    2350.0
    """
    first, m = np.asarray(psi, dtype=np.float64), np.asarray(margin, dtype=np.float64)
    share = np.asarray(1.0)
    if n2 is not None:
        one, two = np.asarray(n1, dtype=np.float64), np.asarray(n2, dtype=np.float64)
        known = (one > 0) & (two > 0)
        share = np.where(known, one, np.nan) / np.where(known, one + two, 1.0)
    valid = (m > 0) & (m < 1)
    m = np.where(valid, m, np.nan)
    null, true = score_variance(first / 2, first / 2, 1.0, m) / share, first / share
    if n2 is not None:
        second = first if psi2 is None else np.asarray(psi2, dtype=np.float64)
        null, true = null + score_variance(second / 2, second / 2, 1.0, m) / (1 - share), true + second / (1 - share)
    z_alpha, z_beta = -special.ndtri(alpha), special.ndtri(power if sides == 1 else (1 + power) / 2)
    return np.asarray(np.ceil(((z_alpha * np.sqrt(null) + z_beta * np.sqrt(true)) / m) ** 2))


def items_to_prove(
    psi: npt.ArrayLike, limit: npt.ArrayLike, loss: npt.ArrayLike, *, alpha: npt.ArrayLike = 0.025, power: float = 0.8
) -> Floats:
    """Items with which a share is shown to have lost more than a limit.

    The score test's sample size, as in `needed_items`: ``((z_α s_0 + z_β s_1) / (loss - limit))²``, with the variance
    of the items under the loss (`s_1²`) and as the test of the limit expects it (`s_0²`).

    Parameters
    ----------
    psi : array_like
        Share of items that flip beside the loss, half of them each way, 0 to 1.
    limit, loss : array_like
        What the share may lose, and what it loses; 0 to 1, the loss above the limit.
    alpha : array_like
        One-sided level of the test.
    power : float
        The share of data sets in which the test is to reject.

    Returns
    -------
    numpy.ndarray
        float64, a whole number; NaN where the loss is not above the limit, or more than all items would flip.

    Examples
    --------
    >>> float(items_to_prove(0.02, 0.02, 0.03))
    3650.0
    """
    rate, most, lost = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (psi, limit, loss)))
    valid = (lost > most) & (most >= 0) & (rate + lost <= 1)
    gains, losses = rate / 2, rate / 2 + lost
    null = score_variance(gains, losses, np.ones_like(rate), -most)
    true = np.maximum(rate + lost - lost**2, 0.0)
    z_alpha, z_beta = -special.ndtri(np.asarray(alpha, dtype=np.float64)), special.ndtri(power)
    with np.errstate(divide="ignore", invalid="ignore"):
        items = ((z_alpha * np.sqrt(null) + z_beta * np.sqrt(true)) / (lost - most)) ** 2
    return np.asarray(np.where(valid, np.ceil(items), np.nan))


def items_to_confirm(
    n: npt.ArrayLike,
    loss: npt.ArrayLike,
    low: npt.ArrayLike,
    limit: npt.ArrayLike,
    *,
    alpha: npt.ArrayLike = 0.025,
    power: float = 0.8,
) -> Floats:
    """Items with which a loss that was found beyond a limit is shown to be beyond it, if it is truly that large.

    For a row whose estimate already lies beyond the limit, where `needed_items` answers the wrong question: no number
    of items is likely to show that nothing changed. The lower end of the interval comes nearer to the estimate with the
    root of the items: ``n ((z_α + z_β) / z_α · (loss - low) / (loss - limit))²``. The loss that was found is only an
    estimate, and often an exaggerated one, so that this is an order of magnitude.

    Parameters
    ----------
    n : array_like
        Broadcastable float: the items that the row is made of.
    loss, low : array_like
        The loss that was found, and the lower end of its interval at the one-sided level `alpha` (the adjusted one,
        where the failure needs that).
    limit : array_like
        What may be lost, in the same unit.
    alpha : array_like
        One-sided level of the test.
    power : float
        The share of data sets in which the failure is to be proven.

    Returns
    -------
    numpy.ndarray
        float64, a whole number; NaN where the loss is not above the limit, or a number is NaN.

    Examples
    --------
    >>> items_to_confirm(1000, [0.05, 0.01], [0.01, -0.03], 0.02).tolist()
    [3633.0, nan]
    """
    items, found, least, most = (np.asarray(v, dtype=np.float64) for v in (n, loss, low, limit))
    z_alpha, z_beta = -special.ndtri(np.asarray(alpha, dtype=np.float64)), special.ndtri(power)
    excess = np.where(found > most, found - most, np.nan)
    return np.asarray(np.ceil(items * ((z_alpha + z_beta) / z_alpha * (found - least) / excess) ** 2))


def needed_from_se(
    se: npt.ArrayLike,
    n: npt.ArrayLike,
    margin: npt.ArrayLike,
    *,
    sides: int = 2,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Floats:
    """The same from a standard error of `n` items, for numbers that are not a single share.

    The standard error falls with the root of the items; a number of the first k of a ranking needs a k that grows in
    proportion.

    Parameters
    ----------
    se, n, margin : array_like
        Broadcastable float: the standard error of a number made of `n` items, and the margin in its unit.
    sides, alpha, power
        As for `needed_items`.

    Returns
    -------
    numpy.ndarray
        float64, a whole number; NaN where a number is.

    Examples
    --------
    >>> float(needed_from_se(0.01, 1000, 0.02, alpha=0.025))
    2627.0
    """
    error, items, m = (np.asarray(v, dtype=np.float64) for v in (se, n, margin))
    m = np.where(m > 0, m, np.nan)
    z = -special.ndtri(alpha) + special.ndtri(power if sides == 1 else (1 + power) / 2)
    return np.asarray(np.ceil(items * (z * error / m) ** 2))
