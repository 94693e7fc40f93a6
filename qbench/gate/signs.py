"""How sure it is whom a signed bias favours: the standard error of after + before, which is twice its level.

Of gaps the analysis gives it (``sum_se``). Of skews it is found here by the delta method, from the cut-off and the
share that a group should have; of the least favoured group's skew (``min_skew``) the sign needs no error, since some
group always has at most its share.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.gate.comparison import Compared
from qbench.metrics.interface import MetricInfo
from qbench.metrics.keys import MetricKey


def level_errors(rows: pd.DataFrame, comparison: Compared) -> npt.NDArray[np.float64]:
    """Standard error of after + before for each row, ``(n,)``; NaN where nothing is known of it."""
    declared = comparison.declared
    targets = _Targets(comparison)
    errors = rows["sum_se"].to_numpy(np.float64).copy()
    for at in np.flatnonzero(np.isnan(errors)):
        row = rows.iloc[at]
        key = MetricKey.parse(str(row["metric"]))
        kind = _kind(declared.get(row["benchmark"], {}).get(key.name))
        if kind == "min_skew":
            errors[at] = 0.0
        elif kind == "skew" and key.cutoff is not None:
            target = targets.of(row["benchmark"], row["attribute"], row["group"])
            errors[at] = _skew_error((row["value"], row["baseline_value"]), key.cutoff, target)
    return errors


def _kind(info: MetricInfo | None) -> str:
    return info.statistic.kind if info and info.statistic else ""


def _skew_error(levels: tuple[float, float], k: int, target: float) -> float:
    """Of twice ln(p / target), p a share of k: 2 √((1 − p) / (k p)), at the smaller of the two shares."""
    p = target * np.exp(min(levels))
    return float(2 * np.sqrt(max(1 - p, 0.0) / (k * p))) if np.isfinite(p) and p > 0 else np.nan


class _Targets:
    """The share that each group should have among those who are found."""

    def __init__(self, comparison: Compared) -> None:
        self._cells = {c.benchmark: c for c in comparison.cells if c.done}
        self._known: dict[tuple[str, str], dict[str, float]] = {}

    def of(self, benchmark: str, attribute: str, group: str) -> float:
        """Of one group; NaN where it is not known."""
        key = (benchmark, attribute)
        if key not in self._known:
            self._known[key] = self._shares(benchmark, attribute)
        return self._known[key].get(group, np.nan)

    def _shares(self, benchmark: str, attribute: str) -> dict[str, float]:
        cell = self._cells.get(benchmark)
        if cell is None:
            return {}
        target = cell.record.facts.get("target")
        if target == "gallery":
            shares = cell.table("items", columns=[attribute])[attribute].value_counts(normalize=True)
            return {str(group): float(share) for group, share in shares.items()}
        for declared in cell.attributes:
            if declared.name == attribute and target == "uniform":
                return {group: 1 / len(declared.groups) for group in declared.groups}
        return {}
