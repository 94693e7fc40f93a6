"""Intervals of changes at any confidence, from what a table of effects holds: nothing has to be computed again.

A gate asks for other confidences than a report does, so effects carry the counts of flips (where an interval comes from
counts) or a standard error with its degrees of freedom (where it comes from influences), and this module turns either
into bounds.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from qbench.stats.mover import disparity_p, mover_difference
from qbench.stats.paired import log10_t
from qbench.stats.tango import tango_interval

TANGO, MOVER = "tango", "mover"

Floats = npt.NDArray[np.float64]


def bounds(effects: pd.DataFrame, confidence: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Two-sided intervals of ``change``.

    Parameters
    ----------
    effects : pandas.DataFrame
        Rows with ``method``, ``change``, ``se``, ``df`` and ``n1, gain1, loss1, deff1, n2, gain2, loss2, deff2, rho``.
    confidence : array_like
        Between 0 and 1; one for all, or one a row.

    Returns
    -------
    low, high : numpy.ndarray
        ``(rows,)``; NaN where a row has no method.
    """
    method = effects["method"].to_numpy(dtype=object)
    given = np.asarray(confidence, dtype=np.float64)
    low, high = np.full(len(effects), np.nan), np.full(len(effects), np.nan)
    for name in dict.fromkeys(method):
        at = np.flatnonzero(method == name)
        of = given[at] if given.ndim else given
        if name == TANGO:
            low[at], high[at] = _tango(effects, at, 1, of)[1:]
        elif name == MOVER:
            first, second = (_tango(effects, at, side, of) for side in (1, 2))
            low[at], high[at] = mover_difference(*first, *second, rho=_shared(effects, at))
        elif name:
            low[at], high[at] = _spread(effects, at, of)
    return low, high


def _tango(effects: pd.DataFrame, at: npt.NDArray[np.int64], side: int, confidence: Floats) -> tuple[Floats, ...]:
    gain, loss, n = _effective(effects, at, side)
    change = np.full(len(at), np.nan)
    np.divide(gain - loss, n, out=change, where=n > 0)
    return change, *tango_interval(gain, loss, n, confidence)


def _effective(effects: pd.DataFrame, at: npt.NDArray[np.int64], side: int) -> tuple[Floats, Floats, Floats]:
    """Counts of one group, divided by their design effect."""
    gain, loss, n, deff = (
        effects[f"{name}{side}"].to_numpy(np.float64, na_value=np.nan)[at] for name in ("gain", "loss", "n", "deff")
    )
    return gain / deff, loss / deff, n / deff


def _shared(effects: pd.DataFrame, at: npt.NDArray[np.int64]) -> Floats:
    """The correlation of two groups' changes."""
    return effects["rho"].to_numpy(np.float64, na_value=np.nan)[at]


def _spread(effects: pd.DataFrame, at: npt.NDArray[np.int64], confidence: Floats) -> tuple[Floats, Floats]:
    change, se, df = (effects[name].to_numpy(np.float64)[at] for name in ("change", "se", "df"))
    half = quantile((1 + confidence) / 2, df) * se
    return change - half, change + half


def normal_p(z: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Two-sided p-values of a standard normal statistic, and their decimal logarithms; none underflows."""
    size = np.abs(np.asarray(z, dtype=np.float64))
    log10_p = np.minimum((np.log(2.0) + special.log_ndtr(-size)) / np.log(10.0), 0.0)
    return np.maximum(10.0**log10_p, sys.float_info.min), log10_p


def quantile(share: npt.ArrayLike, df: npt.ArrayLike) -> Floats:
    """Quantile of Student's t with `df` degrees of freedom; of the normal where they are infinite."""
    freedom, level = np.asarray(df, dtype=np.float64), np.asarray(share, dtype=np.float64)
    finite = np.isfinite(freedom)
    t = special.stdtrit(np.where(finite, freedom, 1.0), level)
    return np.where(finite, t, np.where(np.isposinf(freedom), special.ndtri(level), np.nan))


def two_sided_p(effects: pd.DataFrame) -> tuple[Floats, Floats]:
    """p-values of "the change is zero" for rows with a standard error or two groups' counts, and their logarithms.

    NaN where there is neither, or where the error is zero. No p-value underflows: one too small for a float is given as
    the smallest normal one, its logarithm exactly (of the normal) or by a series (of Student's t).
    """
    change, se, df = (effects[name].to_numpy(np.float64) for name in ("change", "se", "df"))
    known = np.isfinite(change) & (se > 0) & ~np.isnan(df)
    p, log10_p = np.full(len(change), np.nan), np.full(len(change), np.nan)
    at = np.flatnonzero(known)
    ratio = np.abs(change[at] / se[at])
    normal = np.isposinf(df[at])
    logs = np.empty(len(at))
    logs[normal] = normal_p(ratio[normal])[1]
    logs[~normal] = [log10_t(float(t), float(d)) for t, d in zip(ratio[~normal], df[at][~normal], strict=True)]
    log10_p[at] = np.minimum(logs, 0.0)
    p[at] = np.maximum(10.0 ** log10_p[at], sys.float_info.min)
    pairs = np.flatnonzero((effects["method"] == MOVER).to_numpy(dtype=bool))
    if len(pairs):
        p[pairs] = disparity_p(
            *(x for side in (1, 2) for x in _effective(effects, pairs, side)), rho=_shared(effects, pairs)
        )
        log10_p[pairs] = np.log10(p[pairs])
    return p, log10_p
