"""The interval of a difference of two numbers from the interval of each (MOVER), and the disparity's.

The change of a disparity is that of the first group's share of right answers minus that of the second. The two groups
have no item in common, so their intervals can be put together; each is Tango's, which holds where few items flip. Where
they have images in common, what moves both groups of an image cancels in the difference: that is the correlation.

References
----------
R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17
(1998) 873-890, method 10; G. Y. Zou and A. Donner, Construction of confidence limits about effect measures: a general
approach, Statistics in Medicine 27 (2008) 1693-1702; G. Y. Zou, Toward using confidence intervals to compare
correlations, Psychological Methods 12 (2007) 399-413 (numbers that are correlated).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.roots import find_roots
from qbench.stats.student import TINY
from qbench.stats.tango import Floats, score_lower, tango_interval

FAR = 37.0  # standard deviations: beyond, a normal p-value is no float any more
ALONE = 4.0
"""Flips that are added to each group as if no other person of their images flipped, before a correlation is
estimated, so that few flips never make two groups look as if they always moved together.

A caution rather than a need: with 0, 1 or 4 the regimes ``clusters`` and ``clusters-few`` of the calibration stay
within their bands (2,000 replicates; the highest false-alarm rate is 4.6, 4.6 and 4.3 %), and 4 is the most cautious of
them.
"""


def mover_difference(
    d1: npt.ArrayLike,
    low1: npt.ArrayLike,
    high1: npt.ArrayLike,
    d2: npt.ArrayLike,
    low2: npt.ArrayLike,
    high2: npt.ArrayLike,
    *,
    rho: npt.ArrayLike = 0.0,
) -> tuple[Floats, Floats]:
    """The interval of ``d1 - d2``.

    Parameters
    ----------
    d1, low1, high1, d2, low2, high2 : array_like
        Broadcastable float: the two estimates and the limits of each, at one confidence.
    rho : array_like
        Broadcastable float in [-1, 1]: the correlation of the two estimates.

    Returns
    -------
    low, high : numpy.ndarray
        float64, at the same confidence; NaN where any of the seven is.
    """
    x, l1, u1, y, l2, u2, r = (np.asarray(v, dtype=np.float64) for v in (d1, low1, high1, d2, low2, high2, rho))
    change = x - y
    return change - _far_side(x - l1, u2 - y, r), change + _far_side(u1 - x, y - l2, r)


def _far_side(a: Floats, b: Floats, rho: Floats) -> Floats:
    """The third side of a triangle: of a right one where the two are independent."""
    return np.sqrt((a - rho * b) ** 2 + (1 - rho**2) * b**2)


def disparity_interval(
    gain1: npt.ArrayLike,
    loss1: npt.ArrayLike,
    n1: npt.ArrayLike,
    gain2: npt.ArrayLike,
    loss2: npt.ArrayLike,
    n2: npt.ArrayLike,
    confidence: npt.ArrayLike = 0.95,
) -> tuple[Floats, Floats, Floats]:
    """The change of a disparity in one class, and its interval.

    Parameters
    ----------
    gain1, loss1, n1, gain2, loss2, n2 : array_like
        Broadcastable int: items that became right, items that became wrong and all items of the first and the second
        group.
    confidence : array_like
        Of the two-sided interval; one for all, or broadcastable with the counts.

    Returns
    -------
    change, low, high : numpy.ndarray
        float64 within [-2, 2]; NaN where a group has no item.

    Raises
    ------
    ValueError
        As `qbench.stats.tango.tango_interval`.

    Examples
    --------
    >>> change, low, high = disparity_interval(10, 5, 500, 5, 20, 300)
    >>> [round(float(x), 3) for x in (low, change, high)]
    [0.025, 0.06, 0.1]
    """
    first, second = _share_change(gain1, loss1, n1), _share_change(gain2, loss2, n2)
    low, high = mover_difference(
        first, *tango_interval(gain1, loss1, n1, confidence), second, *tango_interval(gain2, loss2, n2, confidence)
    )
    return first - second, low, high


def disparity_p(
    gain1: npt.ArrayLike,
    loss1: npt.ArrayLike,
    n1: npt.ArrayLike,
    gain2: npt.ArrayLike,
    loss2: npt.ArrayLike,
    n2: npt.ArrayLike,
    *,
    rho: npt.ArrayLike = 0.0,
) -> Floats:
    """Two-sided p of `qbench.stats.nulls.SAME_IN_GROUPS`: where the interval of `mover_difference` just touches 0.

    Parameters
    ----------
    gain1, loss1, n1, gain2, loss2, n2 : array_like
        As for `disparity_interval`; or effective counts, as `tango_interval` takes them.
    rho : array_like
        Broadcastable float in [-1, 1]: the correlation of the two groups' changes.

    Returns
    -------
    numpy.ndarray
        float64, above 0; NaN where a group has no item, 1 where the change is 0.

    Examples
    --------
    >>> float(disparity_p(10, 5, 500, 5, 20, 300).round(4))
    0.0017
    """
    counts = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (gain1, loss1, n1, gain2, loss2, n2, rho)))
    rows, back = np.unique(np.stack([x.ravel() for x in counts]), axis=1, return_inverse=True)
    g1, b1, m1, g2, b2, m2, shared = rows
    change = _share_change(g1, b1, m1) - _share_change(g2, b2, m2)
    # With gains and losses of a falling disparity exchanged, it is the lower limit that touches 0.
    falls = change < 0
    table = [np.where(falls, y, x) for x, y in ((g1, b1), (b1, g1), (g2, b2), (b2, g2))]
    table = [table[0], table[1], m1, table[2], table[3], m2, shared]
    p = np.where(np.isnan(change), np.nan, 1.0)
    changed = np.abs(change) > 0
    if changed.any():
        args = tuple(x[changed] for x in table)
        z, found = find_roots(_lower_limit, np.zeros(len(args[0])), np.full(len(args[0]), FAR), args)
        p[changed] = np.where(found, 2 * special.ndtr(-z), TINY)
    return p[back.reshape(counts[0].shape)]


def _lower_limit(
    z: Floats, g1: Floats, b1: Floats, n1: Floats, g2: Floats, b2: Floats, n2: Floats, rho: Floats
) -> Floats:
    first, second = _share_change(g1, b1, n1), _share_change(g2, b2, n2)
    ends = score_lower(*(np.concatenate(pair) for pair in ((g1, b2), (b1, g2), (n1, n2), (z, z))))
    low, high = ends[: len(z)], -ends[len(z) :]
    return mover_difference(first, low, first, second, second, high, rho=rho)[0]


def _share_change(gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    g, b, m = (np.asarray(x, dtype=np.float64) for x in (gain, loss, n))
    return np.where(m > 0, (g - b) / np.where(m > 0, m, 1.0), np.nan)
