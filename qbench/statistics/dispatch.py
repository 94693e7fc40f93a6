"""Interval, test and power of each row of an effects table, by the statistic that judged it (column ``statistic``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.failures import named_failure
from qbench.statistics.interface import Statistic
from qbench.statistics.sample_size import cutoff_of
from qbench.statistics.settings import Settings

Floats = npt.NDArray[np.float64]


def bounds(
    effects: pd.DataFrame,
    confidence: npt.ArrayLike,
    statistics: Mapping[str, Statistic],
    *,
    stored: float | None = None,
) -> tuple[Floats, Floats]:
    """Two-sided intervals of ``change``.

    Parameters
    ----------
    effects : pandas.DataFrame
        Rows of an effects table.
    confidence : array_like
        Between 0 and 1; one for all rows, or one for each.
    statistics : mapping
        Name of a statistic → the statistic.
    stored : float, optional
        The confidence of the columns ``low`` and ``high``. Rows whose statistic is not among `statistics` (its plugin
        is not installed) then have that interval wherever no more confidence is asked for.

    Returns
    -------
    low, high : numpy.ndarray
        ``(rows,)`` float64; NaN where there is no interval.
    """
    given = np.asarray(confidence, dtype=np.float64)
    low, high = np.full(len(effects), np.nan), np.full(len(effects), np.nan)
    for statistic, at in _by_statistic(effects, statistics):
        of = given[at] if given.ndim else given
        if statistic is not None:
            with named_failure(_name(effects, at), "give intervals"):
                low[at], high[at] = statistic.bounds(effects.iloc[at], of)
        elif stored is not None:
            enough = np.broadcast_to(of, len(at)) <= stored * (1 + 1e-12)
            low[at], high[at] = (np.where(enough, effects[x].to_numpy(np.float64)[at], np.nan) for x in ("low", "high"))
    return low, high


def with_tests(effects: pd.DataFrame, statistics: Mapping[str, Statistic]) -> pd.DataFrame:
    """Fill in ``p`` and ``log10_p`` where a statistic has not given them while it judged."""
    p, log10_p = (effects[name].to_numpy(np.float64).copy() for name in ("p", "log10_p"))
    for statistic, at in _by_statistic(effects, statistics):
        open_ = at[np.isnan(p[at])]
        if statistic is not None and len(open_):
            with named_failure(_name(effects, at), "test changes"):
                p[open_], log10_p[open_] = statistic.test(effects.iloc[open_])
    return effects.assign(p=p, log10_p=log10_p)


def with_power(effects: pd.DataFrame, settings: Settings, statistics: Mapping[str, Statistic]) -> pd.DataFrame:
    """Add ``mde``, the minimum detectable change, and ``needed``, the items that would show equivalence.

    ``needed`` of a row that decides already may be less than its ``n``. The error of a number of the first k of a
    ranking (column ``cutoff``) does not fall with a larger gallery at the same k: ``needed_k`` is the k that belongs to
    ``needed``, in proportion.
    """
    mde, needed = np.full(len(effects), np.nan), np.full(len(effects), np.nan)
    for statistic, at in _by_statistic(effects, statistics):
        if statistic is not None:
            with named_failure(_name(effects, at), "say how many items decide"):
                mde[at], needed[at] = statistic.power(effects.iloc[at], settings)
    return effects.assign(mde=mde, needed=needed, needed_k=cutoff_of(effects, needed))


def missing_statistics(effects: pd.DataFrame, statistics: Mapping[str, Statistic]) -> list[str]:
    """For each row with a ``method``, the name of its statistic where that is not among `statistics`; else empty."""
    missing = [""] * len(effects)
    for statistic, at in _by_statistic(effects, statistics):
        if statistic is None:
            for row in at:
                missing[row] = _name(effects, at)
    return missing


def _name(effects: pd.DataFrame, at: npt.NDArray[np.int64]) -> str:
    """The statistic of rows that have the same one."""
    return str(effects["statistic"].iloc[at[0]])


def _by_statistic(
    effects: pd.DataFrame, statistics: Mapping[str, Statistic]
) -> Iterator[tuple[Statistic | None, npt.NDArray[np.int64]]]:
    """Each statistic and the positions of its rows that have a ``method``; None for one that is not there."""
    name = effects["statistic"].to_numpy(dtype=object)
    has_interval = (effects["method"] != "").to_numpy(dtype=bool)
    for one in dict.fromkeys(name[has_interval]):
        yield statistics.get(one), np.flatnonzero(has_interval & (name == one))
