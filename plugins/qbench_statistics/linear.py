"""Changes of means over classes from weighted counts, images as units: what class means and mean disparities share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import pandas as pd

from qbench.api.statistics import (
    ZERO_MEAN,
    Comparison,
    Floats,
    HitOptions,
    Ledger,
    LinearChange,
    Measured,
    Number,
    Rows,
    Settings,
    change_of,
    counted,
    linear_change,
    power_of_counts,
    sum_of,
)


class MeanOverClasses(ABC):
    """A number that is linear in the shares of hits of classes, or of classes by group.

    Its intervals come from counts, as those of one share or one disparity do, so that a mean over one class has the
    interval of that class.
    """

    method: str

    def __init__(self, options: HitOptions) -> None:
        self.options = options

    @property
    def where(self) -> Mapping[str, str]:
        """The rows that count."""
        return self.options.where

    @abstractmethod
    def estimate(self, measured: Measured, number: Number) -> float:
        """See `qbench.statistics.interface.Statistic.estimate`."""

    @abstractmethod
    def strata(self, ledger: Ledger, comparison: Comparison, attribute: str, group: str) -> tuple[Rows, Floats]:
        """The stratum of each item, and the coefficient of each stratum, of a row's attribute and group."""

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """The weighted counts, the standard errors of the change and of before + after, and the influence of images."""
        x, total = change_of(comparison, self.options, metric), sum_of(comparison, self.options, metric)
        there = counted(comparison.before.items, self.where)
        for row in ledger.rows(metric=metric, classes=False):
            attribute, group = (str(ledger.column(name)[row]) for name in ("attribute", "group"))
            stratum, coefficient = self.strata(ledger, comparison, attribute, group)
            stratum = np.where(there, stratum, -1)
            found = linear_change(x, stratum, coefficient, comparison.image)
            if not found.counts:
                ledger.put([row], why=found.reason)
                continue
            level = linear_change(total, stratum, coefficient, comparison.image)
            of_it = np.isin(stratum, np.flatnonzero(coefficient))  # of the classes that are in the mean
            ledger.put([row], sample_size=np.count_nonzero(of_it), method=self.method, null=ZERO_MEAN)
            ledger.put([row], se=found.spread, df=found.df, sum_se=level.se, **count_columns(found))
            ledger.influence[int(row)] = found.influence

    def power(self, effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
        """From the counts."""
        return power_of_counts(effects, settings)


def count_columns(change: LinearChange) -> dict[str, float]:
    """The columns of an effects table that intervals are made of."""
    columns = {
        f"{name}{side}": float(getattr(counts, name))
        for side, counts in enumerate(change.counts, start=1)
        for name in ("n", "gain", "loss", "deff")
    }
    return {**columns, "rho": change.rho}
