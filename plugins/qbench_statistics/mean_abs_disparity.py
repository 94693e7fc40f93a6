"""A mean over the classes of the absolute disparity: a permutation test, and unbiased squares in place of an interval.

The level of a mean absolute disparity is biased upwards by noise and its change is attenuated, and no interval for it
holds its confidence (a kink at zero: Hirano and Porter 2012). So its row gets a p-value and no interval; how much the
mean *squared* disparity changed has both, in a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from qbench.api.statistics import (
    Comparison,
    HitOptions,
    Ledger,
    Measured,
    Number,
    Settings,
    StandardErrorStatistic,
    counted,
    hits,
    squared_disparity,
    swap_absolute,
)
from qbench_statistics.strata import pair_strata
from qbench_statistics.weighted import disparities

NO_INTERVAL = "no interval is claimed for a mean absolute disparity (see the squares); its test does not reject"


class MeanAbsDisparity(StandardErrorStatistic):
    """The mean absolute disparity over those classes for which the disparity of the same pair is determined."""

    def __init__(self, options: HitOptions) -> None:
        self.options = options

    @property
    def where(self) -> Mapping[str, str]:
        """The rows that count."""
        return self.options.where

    def estimate(self, measured: Measured, number: Number) -> float:
        """The mean of the absolute disparities that are known under these weights; NaN where none is."""
        found = np.abs(np.array(disparities(measured, number, self.options)))
        known = found[np.isfinite(found)]
        return float(known.mean()) if len(known) else float("nan")

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """The permutation test; and rows of the table ``squares``."""
        before, after = (hits(x, self.options, metric) for x in (comparison.before, comparison.after))
        there, image = counted(comparison.before.items, self.where), comparison.image
        for row in ledger.rows(metric=metric, classes=False):
            attribute, group = (str(ledger.column(name)[row]) for name in ("attribute", "group"))
            stratum, _, classes = pair_strata(ledger, comparison, attribute, group)
            if not classes:
                ledger.put([row], why="no class has enough items in both groups")
                continue
            side = np.where(there & (stratum >= 0), 1 - 2 * (stratum % 2), 0)
            label = np.maximum(stratum // 2, 0)
            draws, most = settings.resamples, settings.draws_for(ledger.family_size[row])
            tested = swap_absolute(before, after, label, side, image, draws=draws, most=most, seed=settings.seed)
            why = tested.reason or NO_INTERVAL
            ledger.put([row], p=tested.p, log10_p=np.log10(tested.p), null=tested.null, why=why)
            found = squared_disparity(before, after, label, side, image, confidence=settings.confidence)
            ledger.add_row("squares", attribute=attribute, group=group, **asdict(found))
