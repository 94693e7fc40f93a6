"""A number of the class or group that was found to be extreme: there is no interval for it."""

from __future__ import annotations

from qbench.api import NoOptions
from qbench.api.statistics import NOT_JUDGED, Comparison, Ledger, Measured, Number, Settings, StandardErrorStatistic

SELECTED = "it is of the class or group that was found to be extreme: see that one's own row"


class Selected(StandardErrorStatistic):
    """A number that was chosen for its size, so that the row of the chosen class or group is to be read instead."""

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def estimate(self, measured: Measured, number: Number) -> float:
        """NaN: which class or group is chosen, and among which, only the benchmark knows."""
        return float("nan")

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """Only that the numbers are shown and not judged, and why."""
        ledger.put(ledger.rows(metric=metric), null=NOT_JUDGED, why=SELECTED)
