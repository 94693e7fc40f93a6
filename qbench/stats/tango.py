"""The change of a share of right answers on the same items: Tango's score interval and test.

Items that were wrong before and right after are gains, the others that changed are losses; the change of the share is
``(gain - loss) / n``. A Wald interval of it has no width where no item flipped, so that ten items without a flip would
"show" that nothing changed. The score interval inverts a test whose variance is that of the tested change, and is as
wide as so few items deserve. It takes items as independent: where several share an image, counts are divided by a
design effect first (`qbench.statistics.hits`).

References
----------
T. Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample design,
Statistics in Medicine 17 (1998) 891-908; M. W. Fagerland, S. Lydersen and P. Laake, Recommended tests and confidence
intervals for paired binomial proportions, Statistics in Medicine 33 (2014) 2850-2875.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.roots import find_roots

Floats = npt.NDArray[np.float64]
NUDGE = 1e-12


def tango_interval(
    gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike, confidence: npt.ArrayLike = 0.95
) -> tuple[Floats, Floats]:
    """The score interval of the change ``p_after - p_before = (gain - loss) / n``.

    Parameters
    ----------
    gain, loss, n : array_like
        Broadcastable: items that became right, items that became wrong, all items; ``gain + loss <= n``. Whole numbers,
        or all three divided by a design effect where items share images.
    confidence : array_like
        Of the two-sided interval, between 0 and 1; one for all, or broadcastable with the counts.

    Returns
    -------
    low, high : numpy.ndarray
        float64 within [-1, 1]; NaN where `n` is 0.

    Raises
    ------
    ValueError
        A count is negative, or more items flipped than there are.

    Examples
    --------
    >>> low, high = tango_interval([0, 6], [0, 16], [10, 200])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([-0.278, -0.1], [0.278, -0.004])
    """
    quantile = special.ndtri((1 + np.asarray(confidence, dtype=np.float64)) / 2)
    (g, b, m, z), shape, back = _unique(gain, loss, n, quantile)
    low, high = score_limits(g, b, m, z)
    return low[back].reshape(shape), high[back].reshape(shape)


def score_limits(gain: Floats, loss: Floats, n: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Both limits at which the score statistic is `z`; parameters as for `score_lower`.

    The upper limit is the lower one with gains and losses exchanged, and its sign too.
    """
    ends = score_lower(*(np.concatenate(pair) for pair in ((gain, loss), (loss, gain), (n, n), (z, z))))
    return ends[: len(n)], -ends[len(n) :]


def score_lower(gain: Floats, loss: Floats, n: Floats, z: Floats) -> Floats:
    """The change below the estimate at which the score statistic is `z`.

    Parameters
    ----------
    gain, loss, n, z : numpy.ndarray
        ``(m,)`` float64: counts as for `tango_interval`, and a quantile, 0 or more. NaN where `n` is 0.
    """
    known = n > 0
    size = np.where(known, n, 1.0)
    change = (gain - loss) / size

    def excess(t: Floats, g: Floats, b: Floats, n: Floats, z: Floats) -> Floats:
        return np.asarray(g - b - n * t - z * np.sqrt(score_variance(g, b, n, t)))

    # The statistic falls as the tested change grows. The end is just below the estimate, which is a root itself where
    # no item flipped.
    roots, found = find_roots(excess, np.full_like(change, -1.0), change - NUDGE, (gain, loss, size, z))
    return np.where(known, np.where(found, roots, change), np.nan)


def tango_p(
    gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike, margin: npt.ArrayLike = 0.0
) -> tuple[Floats, Floats]:
    """The score test of whether the change is above `margin`.

    Parameters
    ----------
    gain, loss, n : array_like
        As for `tango_interval`.
    margin : array_like
        The tested change, inside (-1, 1). For non-inferiority at a margin δ give -δ; 0 gives McNemar's test.

    Returns
    -------
    z : numpy.ndarray
        The score statistic, standard normal under a change of `margin`; NaN where `n` is 0. Zero where nothing flipped
        and `margin` is 0: such data speak neither way.
    p : numpy.ndarray
        One-sided, for "the change is above `margin`"; the other side's is ``1 - p``, or ``scipy.special.ndtr(z)``.

    Examples
    --------
    >>> z, p = tango_p(6, 16, 200, -0.1)
    >>> float(z.round(2)), float(p.round(3))
    (1.94, 0.026)
    """
    g, b, m, t = np.broadcast_arrays(*_counts(gain, loss, n), np.asarray(margin, dtype=np.float64))
    z = np.where(m > 0, _statistic(g, b, np.where(m > 0, m, 1.0), t), np.nan)
    return z, special.ndtr(-z)


def _counts(gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    g, b, m = (np.asarray(x, dtype=np.float64) for x in (gain, loss, n))
    if (g < 0).any() or (b < 0).any() or (g + b > m * (1 + 1e-9)).any():  # effective counts are rounded
        raise ValueError("gains and losses are counts of 0 or more, and together no more than the items")
    return g, b, m


def _unique(
    gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike, quantile: npt.ArrayLike
) -> tuple[Floats, tuple[int, ...], npt.NDArray[np.intp]]:
    """The distinct rows ``(4, u)``, the shape of the input, and where each of its entries is among them."""
    counts = np.broadcast_arrays(*_counts(gain, loss, n), np.asarray(quantile, dtype=np.float64))
    table = np.stack([x.ravel() for x in counts])
    if np.ndim(quantile):  # whoever gives a confidence to each row has few that are alike
        return table, counts[0].shape, np.arange(table.shape[1])
    # A run has thousands of groups of the same few sizes and flips; one number per triple sorts faster than rows.
    key = np.zeros(table.shape[1], dtype=np.int64)
    for row in table:
        values, place = np.unique(row, return_inverse=True)
        key = key * len(values) + place
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    return table[:, first], counts[0].shape, back


def _statistic(g: Floats, b: Floats, n: Floats, t: Floats) -> Floats:
    """Score statistic of the change `t`: ``(g - b - n t) / sqrt(n (2 q + t (1 - t)))`` with `q` as under `t`."""
    variance = score_variance(g, b, n, t)
    distance = g - b - n * t
    z = distance / np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.where(variance > 0, z, np.where(distance == 0, 0.0, np.copysign(np.inf, distance)))


def score_variance(g: Floats, b: Floats, n: Floats | float, t: Floats) -> Floats:
    """Variance of ``g - b`` where gains are `t` more than losses, as the score test estimates it.

    Parameters
    ----------
    g, b, n : numpy.ndarray
        Gains, losses and items; with shares of the items in place of counts and `n` of 1, the variance of one item.
    t : numpy.ndarray
        The tested change of the share, -1 to 1.
    """
    # q, the share of losses, maximises the likelihood where gains are `t` more: the larger root of A q² + B q + C.
    a = 2 * n
    half = -b - g + (2 * n - g + b) * t
    c = -b * t * (1 - t)
    root = np.sqrt(np.maximum(half * half - 4 * a * c, 0.0))
    # of the two forms of the same root the one without a difference of near numbers
    positive = half > 0
    q = np.where(positive, -2 * c / np.where(positive, half + root, 1.0), (root - half) / (2 * a))
    return np.asarray(n * np.maximum(2 * q + t * (1 - t), 0.0))
