"""Intervals from the columns of an effects table, at any confidence: nothing has to be computed again.

A gate asks for other confidences than a report does, so effects carry the counts of flips (where an interval comes from
counts) or a standard error with its degrees of freedom (where it comes from influence values). These helpers turn
either into bounds; a statistic chooses which.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.stats.mover import disparity_p, mover_difference
from qbench.stats.student import normal_p, quantile
from qbench.stats.tango import tango_interval, tango_p

Floats = npt.NDArray[np.float64]


def spread_bounds(effects: pd.DataFrame, confidence: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Normal or t intervals from ``change``, ``se`` and ``df``.

    Parameters
    ----------
    effects : pandas.DataFrame
        Rows of an effects table.
    confidence : array_like
        Between 0 and 1: one for all rows, or one for each.

    Returns
    -------
    low, high : numpy.ndarray
        ``(rows,)`` float64.
    """
    change, se, df = (effects[name].to_numpy(np.float64) for name in ("change", "se", "df"))
    half = quantile((1 + np.asarray(confidence, dtype=np.float64)) / 2, df) * se
    return change - half, change + half


def tango_bounds(effects: pd.DataFrame, confidence: npt.ArrayLike, side: int = 1) -> tuple[Floats, Floats]:
    """Tango's score intervals of one group's change, from its counts; parameters as for `spread_bounds`.

    `side` is 1 for the first group (or the only one), 2 for the second.
    """
    return _tango(effects, confidence, side)[1:]


def tango_test(effects: pd.DataFrame) -> tuple[Floats, Floats]:
    """p-values of the score test of "the change is zero" of one group, and their log10; from its counts."""
    z, _ = tango_p(*effective_counts(effects, 1))
    return normal_p(z)


def mover_bounds(effects: pd.DataFrame, confidence: npt.ArrayLike) -> tuple[Floats, Floats]:
    """MOVER's intervals of the difference of two groups' changes, from their counts and their correlation.

    Parameters as for `spread_bounds`.
    """
    first, second = (_tango(effects, confidence, side) for side in (1, 2))
    return mover_difference(*first, *second, rho=_correlation(effects))


def mover_test(effects: pd.DataFrame) -> tuple[Floats, Floats]:
    """p-values of "the change is the same in both groups", where MOVER's interval touches zero; and their log10."""
    if not len(effects):
        return np.zeros(0), np.zeros(0)
    counts = (x for side in (1, 2) for x in effective_counts(effects, side))
    p = disparity_p(*counts, rho=_correlation(effects))
    return p, np.log10(p)


def effective_counts(effects: pd.DataFrame, side: int) -> tuple[Floats, Floats, Floats]:
    """Gains, losses and items of one group, ``(rows,)`` each, divided by their design effect."""
    gain, loss, n, deff = (
        effects[f"{name}{side}"].to_numpy(np.float64, na_value=np.nan) for name in ("gain", "loss", "n", "deff")
    )
    return gain / deff, loss / deff, n / deff


def _tango(effects: pd.DataFrame, confidence: npt.ArrayLike, side: int) -> tuple[Floats, Floats, Floats]:
    gain, loss, n = effective_counts(effects, side)
    change = np.full(len(effects), np.nan)
    np.divide(gain - loss, n, out=change, where=n > 0)
    return change, *tango_interval(gain, loss, n, confidence)


def _correlation(effects: pd.DataFrame) -> Floats:
    return effects["rho"].to_numpy(np.float64, na_value=np.nan)
