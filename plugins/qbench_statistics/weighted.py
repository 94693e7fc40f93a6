"""Estimates of shares and disparities from the items of an outcome, under weights."""

from __future__ import annotations

import math

import numpy as np

from qbench.api.statistics import Floats, HitOptions, Measured, Number, counted, hits


class Hits:
    """The rows of an outcome that count, which of them are hits, and their weights."""

    def __init__(self, measured: Measured, number: Number, options: HitOptions) -> None:
        items = measured.outcome.items
        keep = counted(items, options.where)
        self.items = items[keep]
        self.hit = hits(measured.outcome, options, str(number.metric))[keep]
        weights = np.ones(len(items)) if measured.weights is None else np.asarray(measured.weights, dtype=np.float64)
        self.weight: Floats = weights[keep]

    def share(self, **columns: str) -> float:
        """The weighted share of hits among the rows whose columns have these values; NaN where there is none."""
        keep = counted(self.items, columns)
        total = float(self.weight[keep].sum())
        return float(self.weight[keep & self.hit].sum()) / total if total > 0 else math.nan


def disparities(measured: Measured, number: Number, options: HitOptions) -> list[float]:
    """The disparity of a pair of groups in each class for which the benchmark gives one; empty where it gives none.

    The classes are those of the declared metric ``disparity`` of the same pair whose number is determined.
    """
    from qbench_statistics.disparity import Disparity, disparity

    if measured.numbers is None:
        return []
    table = measured.numbers
    names = {name for name, made in measured.statistics.items() if isinstance(made, Disparity)}
    own = table["metric"].isin(names) & (table["attribute"] == number.attribute) & (table["group"] == number.group)
    classes = table.loc[own & table["value"].notna() & (table["class"] != ""), "class"]
    return [disparity(measured, number, options, str(name)) for name in classes]
