"""The change of a share of right answers on the same items: Tango's score interval and test.

Items that were wrong before and right after are gains, the others that changed are losses; the change of the share is
``(gain - loss) / n``. A Wald interval of it has no width where no item flipped, so that ten items without a flip would
"show" that nothing changed. The score interval inverts a test whose variance is that of the tested change, and is as
wide as so few items deserve. It takes items as independent, and does not know which of them share a picture.

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

Floats = npt.NDArray[np.float64]
STEPS = 60  # halvings of an interval of length 2 at most: below the rounding of a float


def tango_interval(
    gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """The score interval of the change ``p_after - p_before = (gain - loss) / n``.

    Parameters
    ----------
    gain, loss, n : array_like
        Broadcastable: items that became right, items that became wrong, all items; ``gain + loss <= n``. Whole numbers,
        or all three divided by a design effect where items share pictures.
    confidence : float
        Of the two-sided interval, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        float64 within [-1, 1]; NaN where `n` is 0.

    Raises
    ------
    ValueError
        A count is negative, or more items flipped than there are.
    """
    triples, shape, back = _unique(gain, loss, n)
    g, b, m = triples
    known = m > 0
    g, b, m = g[known], b[known], m[known]
    z = float(special.ndtri((1 + confidence) / 2))
    change = (g - b) / m
    # The statistic falls as the tested change grows, so that each limit is a root in an interval of its own.
    low = _root(g, b, m, z, -np.ones_like(change), change)
    high = _root(g, b, m, -z, change, np.ones_like(change))
    limits = np.full((2, len(known)), np.nan)
    limits[:, known] = low, high
    return limits[0][back].reshape(shape), limits[1][back].reshape(shape)


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
    """
    g, b, m, t = np.broadcast_arrays(*_counts(gain, loss, n), np.asarray(margin, dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(m > 0, _statistic(g, b, np.where(m > 0, m, 1.0), t), np.nan)
    return z, special.ndtr(-z)


def _counts(gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    g, b, m = (np.asarray(x, dtype=np.float64) for x in (gain, loss, n))
    if (g < 0).any() or (b < 0).any() or (g + b > m).any():
        raise ValueError("gains and losses are counts of 0 or more, and together no more than the items")
    return g, b, m


def _unique(
    gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike
) -> tuple[Floats, tuple[int, ...], npt.NDArray[np.intp]]:
    """The distinct triples ``(3, u)``, the shape of the input, and where each of its entries is among them."""
    counts = np.broadcast_arrays(*_counts(gain, loss, n))
    table = np.stack([x.ravel() for x in counts])
    # A run has thousands of groups of the same few sizes and flips; one number a triple sorts faster than rows.
    key = np.zeros(table.shape[1], dtype=np.int64)
    for row in table:
        values, place = np.unique(row, return_inverse=True)
        key = key * len(values) + place
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    return table[:, first], counts[0].shape, back


def _root(g: Floats, b: Floats, n: Floats, target: float, low: Floats, high: Floats) -> Floats:
    low, high = low.copy(), high.copy()
    for _ in range(STEPS):
        middle = (low + high) / 2
        above = _statistic(g, b, n, middle) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def _statistic(g: Floats, b: Floats, n: Floats, t: Floats) -> Floats:
    """Score statistic of the change `t`: ``(g - b - n t) / sqrt(n (2 q + t (1 - t)))`` with `q` as under `t`."""
    # q, the share of losses, maximises the likelihood where gains are `t` more: the larger root of A q² + B q + C.
    a = 2 * n
    half = -b - g + (2 * n - g + b) * t
    c = -b * t * (1 - t)
    root = np.sqrt(np.maximum(half * half - 4 * a * c, 0.0))
    # of the two forms of the same root the one without a difference of near numbers
    positive = half > 0
    q = np.where(positive, -2 * c / np.where(positive, half + root, 1.0), (root - half) / (2 * a))
    variance = n * np.maximum(2 * q + t * (1 - t), 0.0)
    distance = g - b - n * t
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance / np.sqrt(variance)
    return np.where(variance > 0, z, np.where(distance == 0, 0.0, np.copysign(np.inf, distance)))
