"""A statistic whose change has a standard error: its interval, test and sample size all follow from that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.interface import Measured, Number
from qbench.statistics.intervals import spread_bounds
from qbench.statistics.ledger import Comparison, Ledger
from qbench.statistics.sample_size import power_of_errors
from qbench.statistics.settings import Settings
from qbench.stats.student import two_sided_p

Floats = npt.NDArray[np.float64]


class StandardErrorStatistic(ABC):
    """A base for statistics whose `judge` writes a standard error ``se`` and its degrees of freedom ``df``.

    Only `estimate` and `judge` are left to write, see `qbench.statistics.interface.Statistic`.
    """

    @property
    def where(self) -> Mapping[str, str]:
        """All rows count."""
        return {}

    @abstractmethod
    def estimate(self, measured: Measured, number: Number) -> float:
        """See `qbench.statistics.interface.Statistic.estimate`."""

    @abstractmethod
    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """See `qbench.statistics.interface.Statistic.judge`."""

    def bounds(self, effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
        """Normal or t intervals."""
        return spread_bounds(effects, confidence)

    def test(self, effects: pd.DataFrame) -> tuple[Floats, Floats]:
        """Whether the change is zero, by the normal or the t distribution."""
        return two_sided_p(*(effects[name].to_numpy(np.float64) for name in ("change", "se", "df")))

    def power(self, effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
        """From the standard error, which falls with the root of the items."""
        return power_of_errors(effects, settings)
