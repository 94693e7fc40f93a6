"""The smallest change that could have been detected, and how many items would decide.

Both come from flips and standard errors, never from the change that was observed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.settings import Settings
from qbench.stats.decide import minimum_detectable, minimum_detectable_cell, needed_from_se, needed_items

Floats = npt.NDArray[np.float64]
POWER = 0.8
"""The share of runs in which a change is to be found: the usual choice (J. Cohen, Statistical Power Analysis for the
Behavioral Sciences, 1988, section 2.4)."""


def cutoff_of(effects: pd.DataFrame, items: Floats) -> Floats:
    """The cut-off k that belongs to another number of items: both grow in proportion.

    Parameters
    ----------
    effects : pandas.DataFrame
        ``(n,)`` rows with ``cutoff`` and ``sample_size``.
    items : numpy.ndarray
        ``(n,)`` items in place of ``sample_size``.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float64, whole numbers; NaN where the number has no cut-off, or `items` is not known.
    """
    known = effects.reindex(columns=["cutoff", "sample_size"])  # an analysis of an older version has no cut-offs
    cutoff, now = (known[name].to_numpy(np.float64) for name in known)
    share = np.full(len(effects), np.nan)
    np.divide(cutoff, now, out=share, where=now > 0)
    return np.asarray(np.ceil(np.round(share * items, 6)))


def power_of_counts(effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
    """From counts of flips, of one group or of two (columns ``n1`` … ``rho``).

    One flip is added, so that a run without flips does not promise to detect everything. Where ``n1`` and ``n2`` are
    effective numbers of items of unequal weight, the items needed are counted as ``sample_size`` counts them.
    Parameters and returned values are those of `qbench.statistics.interface.Statistic.power`.
    """
    sides = [_side(effects, 1), _side(effects, 2)]
    margin = effects["margin"].to_numpy(np.float64)
    (rate1, n1), (rate2, n2) = sides
    two = np.isfinite(n2)
    pooled = np.where(two, (rate1 * n1 + np.nan_to_num(rate2 * n2)) / (n1 + np.nan_to_num(n2)), rate1)
    one = minimum_detectable_cell(pooled, n1, power=POWER, confidence=settings.confidence)
    left = _left_of_the_variance(effects, n1, n2)
    both = minimum_detectable_cell(
        pooled, n1 / left, np.where(two, n2, 1.0) / left, power=POWER, confidence=settings.confidence
    )
    alpha = settings.alpha / 2
    alone = needed_items(rate1, margin, alpha=alpha, power=POWER)
    together = needed_items(
        rate1, margin, n1, np.where(two, n2, 1.0), psi2=np.where(two, rate2, 0.0), alpha=alpha, power=POWER
    )
    deff = np.nanmax(np.stack([effects[f"deff{s}"].fillna(1.0).to_numpy(np.float64) for s in (1, 2)]), axis=0)
    counted = sum(effects[f"n{side}"].fillna(0.0).to_numpy(np.float64) for side in (1, 2))
    each = effects["sample_size"].to_numpy(np.float64) / np.where(counted > 0, counted, np.nan)
    return np.where(two, both, one), np.where(two, together * left, alone) * deff * each


def _left_of_the_variance(effects: pd.DataFrame, n1: Floats, n2: Floats) -> Floats:
    """The part of a difference's variance that is left where both groups move together in the images they share."""
    rho = effects["rho"].fillna(0.0).to_numpy(np.float64)
    return 1.0 - 2.0 * rho * np.nan_to_num(np.sqrt(n1 * n2) / (n1 + n2))


def _side(effects: pd.DataFrame, side: int) -> tuple[Floats, Floats]:
    n, gain, loss, deff = (effects[f"{k}{side}"].to_numpy(np.float64) for k in ("n", "gain", "loss", "deff"))
    known = n > 0
    rate = np.where(known, np.minimum((gain + loss + 1) / np.where(known, n + 1, 1.0), 1.0), np.nan)
    return rate, np.where(known, n / np.where(known, deff, 1.0), np.nan)


def power_of_errors(effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
    """From a standard error ``se`` with ``df`` degrees of freedom, of a number made of ``sample_size`` items.

    Parameters and returned values are those of `qbench.statistics.interface.Statistic.power`.
    """
    se, df, n, margin = (effects[name].to_numpy(np.float64) for name in ("se", "df", "sample_size", "margin"))
    mde = minimum_detectable(se, df, power=POWER, confidence=settings.confidence)
    return mde, needed_from_se(se, n, margin, alpha=settings.alpha / 2, power=POWER)
