"""What a comparison could have seen, and how many items would decide: beside everything that is not known.

Both come from flips and standard errors, never from the change that was seen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.intervals import MOVER, TANGO
from qbench.statistics.settings import Settings
from qbench.stats.decide import minimum_detectable, minimum_detectable_cell, needed_from_se, needed_items

POWER = 0.8


def with_power(effects: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add ``mde``, the smallest change found in `POWER` of all runs, and ``needed``, the items that show equivalence.

    ``needed`` is the size at which equivalence at the margin is shown in `POWER` of all runs if nothing changed; of a
    row that decides already it may be less than its ``n``.
    """
    columns = ["mde", "needed"]
    found = {name: np.full(len(effects), np.nan) for name in columns}
    method = effects["method"].to_numpy(dtype=object)
    counted = np.flatnonzero((method == TANGO) | (method == MOVER))
    found["mde"][counted], found["needed"][counted] = _of_counts(effects.iloc[counted], settings)
    spread = np.flatnonzero((method != "") & (method != TANGO) & (method != MOVER))
    found["mde"][spread], found["needed"][spread] = _of_errors(effects.iloc[spread], settings)
    return effects.assign(**found)


def _of_counts(effects: pd.DataFrame, settings: Settings) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """One flip is added, so that a run without flips does not promise to see everything."""
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
    alpha = settings.alpha
    alone = needed_items(rate1, margin, alpha=alpha, power=POWER)
    together = needed_items(
        rate1, margin, n1, np.where(two, n2, 1.0), psi2=np.where(two, rate2, 0.0), alpha=alpha, power=POWER
    )
    deff = np.nanmax(np.stack([effects[f"deff{s}"].fillna(1.0).to_numpy(np.float64) for s in (1, 2)]), axis=0)
    return np.where(two, both, one), np.where(two, together * left, alone) * deff


def _left_of_the_variance(
    effects: pd.DataFrame, n1: npt.NDArray[np.float64], n2: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The part of a difference's variance that is left where both groups move together in the images they share."""
    rho = effects["rho"].fillna(0.0).to_numpy(np.float64)
    return 1.0 - 2.0 * rho * np.nan_to_num(np.sqrt(n1 * n2) / (n1 + n2))


def _side(effects: pd.DataFrame, side: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    n, gain, loss, deff = (effects[f"{k}{side}"].to_numpy(np.float64) for k in ("n", "gain", "loss", "deff"))
    known = n > 0
    rate = np.where(known, np.minimum((gain + loss + 1) / np.where(known, n + 1, 1.0), 1.0), np.nan)
    return rate, np.where(known, n / np.where(known, deff, 1.0), np.nan)


def _of_errors(effects: pd.DataFrame, settings: Settings) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    se, df, n, margin = (effects[name].to_numpy(np.float64) for name in ("se", "df", "items", "margin"))
    mde = minimum_detectable(se, df, power=POWER, confidence=settings.confidence)
    return mde, needed_from_se(se, n, margin, alpha=settings.alpha, power=POWER)
