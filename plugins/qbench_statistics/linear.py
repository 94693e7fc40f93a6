"""Changes of means over classes in closed form, images as units: what class means and mean disparities share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from qbench.api.statistics import (
    ZERO_MEAN,
    Comparison,
    Floats,
    HitOptions,
    Ledger,
    Rows,
    Settings,
    StandardErrorStatistic,
    change_of,
    counted,
    linear_change,
    sum_of,
)

METHOD = "closed form"
Strata = Callable[[Ledger, Comparison, str, str], tuple[Rows, Floats]]
"""A row's attribute and group → the stratum of each item, and the coefficient of each stratum."""


class MeanOverClasses(StandardErrorStatistic):
    """A number that is linear in the shares of hits of classes, or of classes by group."""

    strata: Strata

    def __init__(self, options: HitOptions) -> None:
        self.options = options

    @property
    def where(self) -> Mapping[str, str]:
        """The rows that count."""
        return self.options.where

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """The standard errors of the change and of before + after, and the influence of each image."""
        x, total = change_of(comparison, self.options, metric), sum_of(comparison, self.options, metric)
        there = counted(comparison.before.items, self.where)
        for row in ledger.rows(metric=metric, classes=False):
            attribute, group = (str(ledger.column(name)[row]) for name in ("attribute", "group"))
            stratum, coefficient = type(self).strata(ledger, comparison, attribute, group)
            stratum = np.where(there, stratum, -1)
            found = linear_change(x, stratum, coefficient, comparison.image)
            if found.reason:
                ledger.put([row], why=found.reason)
                continue
            level = linear_change(total, stratum, coefficient, comparison.image)
            of_it = np.isin(stratum, np.flatnonzero(coefficient))  # of the classes that are in the mean
            ledger.put([row], sample_size=np.count_nonzero(of_it))
            ledger.put([row], method=METHOD, null=ZERO_MEAN, se=found.se, df=found.df, sum_se=level.se)
            ledger.influence[int(row)] = found.influence
