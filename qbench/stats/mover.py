"""The interval of a difference of two independent numbers from the interval of each (MOVER), and the disparity's.

The change of a disparity is that of the first group's share of right answers minus that of the second. The two groups
have no item in common, so their intervals can be put together; each is Tango's, which holds where few items flip.

References
----------
R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17
(1998) 873-890, method 10; G. Y. Zou and A. Donner, Construction of confidence limits about effect measures: a general
approach, Statistics in Medicine 27 (2008) 1693-1702.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.stats.tango import Floats, tango_interval


def mover_difference(
    d1: npt.ArrayLike,
    low1: npt.ArrayLike,
    high1: npt.ArrayLike,
    d2: npt.ArrayLike,
    low2: npt.ArrayLike,
    high2: npt.ArrayLike,
) -> tuple[Floats, Floats]:
    """The interval of ``d1 - d2`` for independent `d1` and `d2`.

    Parameters
    ----------
    d1, low1, high1, d2, low2, high2 : array_like
        Broadcastable float: the two estimates and the limits of each, at one confidence.

    Returns
    -------
    low, high : numpy.ndarray
        float64, at the same confidence; NaN where any of the six is.
    """
    x, l1, u1, y, l2, u2 = (np.asarray(v, dtype=np.float64) for v in (d1, low1, high1, d2, low2, high2))
    change = x - y
    return change - np.hypot(x - l1, u2 - y), change + np.hypot(u1 - x, y - l2)


def disparity_interval(
    gain1: npt.ArrayLike,
    loss1: npt.ArrayLike,
    n1: npt.ArrayLike,
    gain2: npt.ArrayLike,
    loss2: npt.ArrayLike,
    n2: npt.ArrayLike,
    confidence: float = 0.95,
) -> tuple[Floats, Floats, Floats]:
    """The change of a disparity in one class, and its interval.

    Parameters
    ----------
    gain1, loss1, n1, gain2, loss2, n2 : array_like
        Broadcastable int: items that became right, items that became wrong and all items of the first and the second
        group.
    confidence : float
        Of the two-sided interval.

    Returns
    -------
    change, low, high : numpy.ndarray
        float64 within [-2, 2]; NaN where a group has no item.

    Raises
    ------
    ValueError
        As `qbench.stats.tango.tango_interval`.
    """
    first, second = _share_change(gain1, loss1, n1), _share_change(gain2, loss2, n2)
    low, high = mover_difference(
        first, *tango_interval(gain1, loss1, n1, confidence), second, *tango_interval(gain2, loss2, n2, confidence)
    )
    return first - second, low, high


def _share_change(gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    g, b, m = (np.asarray(x, dtype=np.float64) for x in (gain, loss, n))
    return np.where(m > 0, (g - b) / np.where(m > 0, m, 1.0), np.nan)
