"""A mean over the classes of the disparity of a pair of groups, signs kept: opposite disparities cancel."""

from __future__ import annotations

import numpy as np

from qbench.api.statistics import Comparison, Floats, Ledger, Measured, Number, Rows
from qbench_statistics.linear import MeanOverClasses
from qbench_statistics.strata import pair_strata
from qbench_statistics.weighted import disparities


def _strata(ledger: Ledger, comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
    return pair_strata(ledger, comparison, attribute, group)[:2]


class MeanDisparity(MeanOverClasses):
    """The mean over those classes for which the disparity of the same pair is determined."""

    strata = staticmethod(_strata)

    def estimate(self, measured: Measured, number: Number) -> float:
        """The mean of the disparities that are known under these weights; NaN where none is."""
        found = np.array(disparities(measured, number, self.options))
        known = found[np.isfinite(found)]
        return float(known.mean()) if len(known) else float("nan")
