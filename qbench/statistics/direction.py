"""Which way a change is worse, and by how much: one rule, for the analysis, the gate and the report.

A signed bias (a gap, a skew) grows by ``|after| − |before|``, which has the sign of ``change · (before + after)``. The
sum is used rather than the baseline's sign: choosing by the baseline alone makes noise look like a reduction
(regression to the mean). The sign is clear where the sum is more than `CLEAR` of its standard errors from zero; the
statistic gives the standard error (column ``sum_se``).

Three standard errors, not two: the test of whether a change is real is corrected for the number of tests of its family,
this rule is not. Of gaps that turned round and are as large as before, two standard errors name a direction in 5 %, so
that in a family of seven such gaps a direction is named in 28 % of all runs. With three it is 0.3 % of gaps, and less
than 5 % for families of up to 18 gaps (`docs/calibration.md`, "Whether a gap grew").

The growth has a kink where the sign turns, and so no interval of its own. With c = after − before and
s = after + before it is sign(s) · sign(c) · min(|s|, |c|), hence:

- never more than |c|, whatever the sign: the larger end of the interval of c bounds it;
- where the sign of s is clear, never more than sign(s) · c, and at least the smaller of sign(s) · c and |s|.

Where the sign is not clear, a gap can be shown to have stayed within a limit, never to have grown beyond it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.vocabulary import Better

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


def worse_direction(
    better: npt.ArrayLike, before: npt.ArrayLike, after: npt.ArrayLike, sum_se: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """What turns a change into a loss, and the least level of a gap whose sign is clear.

    Parameters
    ----------
    better : array_like
        ``(n,)`` `qbench.vocabulary.Better`: which direction is an improvement.
    before, after, sum_se : array_like
        As for `least_level`; only those of signed biases are looked at.

    Returns
    -------
    direction : numpy.ndarray
        ``(n,)`` float64: −1 for what is better high, 1 for a bias that is better low; of a signed bias its sign, or 0
        where that is not clear.
    level : numpy.ndarray
        ``(n,)`` float64: the least that ``|before + after|`` may be, of a signed bias whose sign is clear; else
        infinite.
    """
    kind = np.asarray(better, dtype=object)
    signed, sign = kind == Better.ZERO, clear_sign(before, after, sum_se)
    direction = np.where(signed, sign, np.where(kind == Better.HIGHER, -1.0, 1.0))
    return direction, np.where(signed & (sign != 0), least_level(before, after, sum_se), np.inf)


def loss_bounds(
    low: npt.ArrayLike, high: npt.ArrayLike, direction: npt.ArrayLike, level: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """The interval of a loss (how far a number moved in the worse direction) from that of the change.

    Parameters
    ----------
    low, high : array_like
        ``(n,)`` float: the interval of ``after − before``.
    direction, level : array_like
        As `worse_direction` gives them.

    Returns
    -------
    least, most : numpy.ndarray
        ``(n,)`` float64, at the confidence of the given interval. Of a gap whose sign is not clear it is that of the
        change in either direction.

    Examples
    --------
    >>> [x.tolist() for x in loss_bounds([-0.03] * 3, [0.01] * 3, [-1, 1, 0], np.inf)]
    [[-0.01, -0.03, -0.03], [0.03, 0.01, 0.03]]
    """
    first, last, way, of_gap = (np.asarray(x, dtype=np.float64) for x in (low, high, direction, level))
    turned, unclear = way < 0, way == 0
    least, most = np.where(turned, -last, first), np.where(turned, -first, last)
    widest = np.maximum(np.abs(first), np.abs(last))
    return (
        np.where(unclear, -widest, np.minimum(least, of_gap)),
        np.where(unclear, widest, np.maximum(most, -of_gap)),
    )
