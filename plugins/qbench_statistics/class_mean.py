"""A mean over the classes of the share of hits."""

from __future__ import annotations

import numpy as np

from qbench.api.statistics import Comparison, Floats, Ledger, Measured, Number, Rows
from qbench_statistics.linear import MeanOverClasses
from qbench_statistics.strata import class_strata
from qbench_statistics.weighted import Hits


def _strata(ledger: Ledger, comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
    return class_strata(comparison, attribute, group)


class ClassMean(MeanOverClasses):
    """The mean over the labels of the share of hits, each label of the same weight."""

    strata = staticmethod(_strata)

    def estimate(self, measured: Measured, number: Number) -> float:
        """The mean of the weighted shares of those labels that have weight; NaN where none has."""
        found = Hits(measured, number, self.options)
        columns = {number.attribute: number.group} if number.attribute else {}
        shares = np.array([found.share(label=str(c), **columns) for c in dict.fromkeys(found.items["label"])])
        known = shares[np.isfinite(shares)]
        return float(known.mean()) if len(known) else float("nan")
