"""A mean over the classes of the disparity of a pair of groups, signs kept: opposite disparities cancel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qbench.api.statistics import Comparison, Floats, Ledger, Measured, Number, Rows, mover_bounds, mover_test
from qbench_statistics.linear import MeanOverClasses
from qbench_statistics.strata import pair_strata
from qbench_statistics.weighted import disparities


class MeanDisparity(MeanOverClasses):
    """The mean over those classes for which the disparity of the same pair is determined."""

    method = "mover"

    def estimate(self, measured: Measured, number: Number) -> float:
        """The mean of the disparities that are known under these weights; NaN where none is."""
        found = np.array(disparities(measured, number, self.options))
        known = found[np.isfinite(found)]
        return float(known.mean()) if len(known) else float("nan")

    def strata(self, ledger: Ledger, comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
        """Both groups of each class."""
        return pair_strata(ledger, comparison, attribute, group)[:2]

    def bounds(self, effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
        """MOVER's intervals of the two groups' weighted counts."""
        return mover_bounds(effects, confidence)

    def test(self, effects: pd.DataFrame) -> tuple[Floats, Floats]:
        """Where the interval touches zero."""
        return mover_test(effects)
