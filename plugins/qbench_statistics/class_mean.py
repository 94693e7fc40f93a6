"""A mean over the classes of the share of hits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qbench.api.statistics import Comparison, Floats, Ledger, Measured, Number, Rows, tango_bounds, tango_test
from qbench_statistics.linear import MeanOverClasses
from qbench_statistics.strata import class_strata
from qbench_statistics.weighted import Hits


class ClassMean(MeanOverClasses):
    """The mean over the labels of the share of hits, each label of the same weight."""

    method = "tango"

    def estimate(self, measured: Measured, number: Number) -> float:
        """The mean of the weighted shares of those labels that have weight; NaN where none has."""
        found = Hits(measured, number, self.options)
        columns = {number.attribute: number.group} if number.attribute else {}
        shares = np.array([found.share(label=str(c), **columns) for c in dict.fromkeys(found.items["label"])])
        known = shares[np.isfinite(shares)]
        return float(known.mean()) if len(known) else float("nan")

    def strata(self, ledger: Ledger, comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
        """The classes."""
        return class_strata(comparison, attribute, group)

    def bounds(self, effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
        """Tango's score intervals of the weighted counts."""
        return tango_bounds(effects, confidence)

    def test(self, effects: pd.DataFrame) -> tuple[Floats, Floats]:
        """The score test of the weighted counts."""
        return tango_test(effects)
