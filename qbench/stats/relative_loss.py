"""How much of its accuracy a variant lost, as a share of what the baseline had: a score interval on paired answers.

The ratio of two shares of the same items has no usable Wald interval where few items are right. The score interval
inverts the test of Nam & Blackwelder, whose variance is that of the tested ratio; its closed form is that of Tang, Tang
& Chan. It takes items as independent: where several share an image, give counts that are divided by a design effect.

References
----------
J.-M. Nam and W. C. Blackwelder, Analysis of the ratio of marginal probabilities in a matched-pair setting, Statistics
in Medicine 21 (2002) 689-699; N.-S. Tang, M.-L. Tang and I. S. F. Chan, On tests of equivalence via non-unity relative
risk for matched-pair design, Statistics in Medicine 22 (2003) 1217-1233; M. W. Fagerland, S. Lydersen and P. Laake,
Recommended tests and confidence intervals for paired binomial proportions, Statistics in Medicine 33 (2014) 2850-2875.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from qbench.stats.roots import find_roots

Floats = npt.NDArray[np.float64]
LARGEST = 1e6
"""The largest ratio that is looked at: an upper end beyond it is infinite."""


def relative_loss(
    both: float, lost: float, gained: float, n: float, confidence: float = 0.95
) -> tuple[float, float, float]:
    """The loss ``1 - p_after / p_before`` of a share, with its score interval.

    Parameters
    ----------
    both, lost, gained : float
        Items that were right before and after, before only, and after only. Whole numbers, or all divided by a design
        effect.
    n : float
        All items, divided by the same.
    confidence : float
        Of the two-sided interval, between 0 and 1.

    Returns
    -------
    loss, low, high : float
        Shares of the accuracy before: 1 where nothing is left, negative where the accuracy rose (down to minus
        infinity). NaN where nothing was right before.

    Raises
    ------
    ValueError
        A count is negative, or they are more than `n`.

    Examples
    --------
    >>> loss, low, high = relative_loss(both=30, lost=20, gained=5, n=100)
    >>> round(loss, 3), round(low, 3), round(high, 3)
    (0.3, 0.123, 0.459)
    """
    if min(both, lost, gained) < 0 or both + lost + gained > n * (1 + 1e-9):
        raise ValueError(f"{both:g}, {lost:g} and {gained:g} of {n:g} items")
    before, after = both + lost, both + gained
    if not before:
        return math.nan, math.nan, math.nan
    z = float(ndtri((1 + confidence) / 2))
    ratio, smallest = after / before, 1e-9

    def above(tested: Floats, quantile: Floats) -> Floats:
        return _statistic(both, lost, gained, n, tested) - quantile

    # The statistic falls as the tested ratio grows, and is 0 at the estimate.
    first, last = np.array([smallest, max(ratio, smallest)]), np.array([ratio, LARGEST])
    ends, found = find_roots(above, first, last, (np.array([z, -z]),))
    lower, upper = (float(end) if known else far for end, known, far in zip(ends, found, (0.0, math.inf), strict=True))
    return 1 - ratio, 1 - upper, 1 - lower


def _statistic(both: float, lost: float, gained: float, n: float, ratio: Floats) -> Floats:
    """``(after - ratio x before)`` over its standard error where the ratio of the shares is `ratio`."""
    right = both + lost + gained
    # The share of losses that maximises the likelihood under the ratio: the larger root of a quadratic.
    a = n * (1 + ratio)
    b = (both + lost) * ratio**2 - (right + lost)
    c = lost * (1 - ratio) * right / n
    share = (-b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))) / (2 * a)
    variance = np.maximum(n * (1 + ratio) * share + right * (ratio - 1), 0.0)
    distance = both + gained - ratio * (both + lost)
    z = distance / np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.where(variance > 0, z, np.where(distance == 0, 0.0, np.copysign(np.inf, distance)))
