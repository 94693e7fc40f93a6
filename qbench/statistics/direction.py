"""Whether the sign of a gap is clear: one rule, for the analysis, the gate and the report.

A signed bias (a gap, a skew) grows by ``|after| − |before|``, which has the sign of ``change · (before + after)``. The
sum is used rather than the baseline's sign: choosing by the baseline alone makes noise look like a reduction
(regression to the mean). The sign is clear where the sum is more than `CLEAR` of its standard errors from zero; the
statistic gives the standard error (column ``sum_se``).

Three standard errors, not two: the test of whether a change is real is corrected for the number of tests of its family,
this rule is not. Of gaps that turned round and are as large as before, two standard errors name a direction in 5 %, so
that in a family of seven such gaps a direction is named in 28 % of all runs. With three it is 0.3 % of gaps, and less
than 5 % for families of up to 18 gaps (`docs/calibration.md`, "Whether a gap grew").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CLEAR = 3.0
"""Standard errors of before + after beyond which the sign of a gap is clear."""


def least_level(before: npt.ArrayLike, after: npt.ArrayLike, sum_se: npt.ArrayLike) -> Floats:
    """The least that ``|before + after|`` may be: `CLEAR` standard errors below its estimate.

    Parameters
    ----------
    before, after : array_like
        ``(n,)`` float: the gap before and after.
    sum_se : array_like
        ``(n,)`` float: the standard error of their sum; 0 where the sign is certain.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float64; above 0 where the sign is clear, NaN where the standard error is unknown.
    """
    total = np.asarray(before, dtype=np.float64) + np.asarray(after, dtype=np.float64)
    return np.asarray(np.abs(total) - CLEAR * np.asarray(sum_se, dtype=np.float64))


def clear_sign(before: npt.ArrayLike, after: npt.ArrayLike, sum_se: npt.ArrayLike) -> Floats:
    """The sign of a gap where it is clear.

    Parameters
    ----------
    before, after, sum_se : array_like
        As for `least_level`.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float64: 1 or −1; 0 where the sign is not clear or the standard error is unknown.

    Examples
    --------
    >>> clear_sign([0.10, 0.01, -0.10], [0.15, 0.02, -0.05], [0.02, 0.02, float("nan")]).tolist()
    [1.0, 0.0, 0.0]
    """
    total = np.asarray(before, dtype=np.float64) + np.asarray(after, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(least_level(before, after, sum_se) > 0, np.sign(total), 0.0)
