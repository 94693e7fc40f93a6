"""Bounds of what a rule limits, at any confidence: a drop is minus the change; a bias grows in absolute value.

A signed bias (a gap, a skew) grows by |after| − |before|, which has a kink where the sign turns and so no interval of
its own. With c = after − before and s = after + before it is sign(s) · sign(c) · min(|s|, |c|), hence:

- never more than |c|, whatever the sign: the larger end of the interval of c bounds it;
- where the sign of s is clear, never more than sign(s) · c, and at least the smaller of sign(s) · c and |s|.

The sign is clear where |s| is more than three standard errors from zero. The standard error of a level stands in no
table of changes; it is bounded from the numbers of items (of a share at most ½/√n) or, for a skew, found by the delta
method. Where neither is known, or the sign is not clear, a bias can be shown to have stayed, never to have grown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.gate.comparison import Comparison

Floats = npt.NDArray[np.float64]
CLEAR = 3.0
"""Standard errors of the level that make its sign clear."""
GAP = ["model", "quantizer", "benchmark", "attribute", "group"]


class Bounds(Protocol):
    """As `qbench.analysis.intervals.bounds`: limits of ``change`` at a two-sided confidence, one a row."""

    def __call__(self, effects: pd.DataFrame, confidence: Floats, /) -> tuple[Floats, Floats]:
        """``(n,)`` low and high; NaN where a number has no interval."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limited:
    """Rows that are held against a limit, as loss: positive is worse.

    Attributes
    ----------
    effects : pandas.DataFrame
        The rows.
    direction : numpy.ndarray
        ``(n,)`` what turns a change into a loss: −1 for what is better high, 1 for a bias that is better low and for a
        signed one that is clearly positive, −1 for one that is clearly negative, 0 where that is not clear.
    level : numpy.ndarray
        ``(n,)`` the least that |after + before| may be, for signed biases whose sign is clear; else infinite.
    """

    effects: pd.DataFrame
    direction: Floats
    level: Floats

    def found(self) -> Floats:
        """The loss as it was found, ``(n,)``: of a signed bias the growth of its absolute value."""
        change = self.effects["change"].to_numpy(np.float64)
        better = self.effects["better"].to_numpy()
        signed = self.effects["abs_change"].to_numpy(np.float64)
        return np.where(better == "zero", signed, np.where(better == "higher", -change, change))

    def interval(self, bounds: Bounds, confidence: Floats) -> tuple[Floats, Floats]:
        """Bounds of the loss, ``(n,)`` each; nested in `confidence`."""
        low, high = bounds(self.effects, confidence)
        turned = self.direction < 0
        least, most = np.where(turned, -high, low), np.where(turned, -low, high)
        widest = np.maximum(np.abs(low), np.abs(high))
        unclear = self.direction == 0
        least = np.where(unclear, -widest, np.minimum(least, self.level))
        most = np.where(unclear, widest, np.maximum(most, -self.level))
        return least, most


def limited(rows: pd.DataFrame, comparison: Comparison) -> Limited:
    """Find the direction of each row in which it is worse."""
    better = rows["better"].to_numpy()
    direction = np.where(better == "higher", -1.0, 1.0)
    level = np.full(len(rows), np.inf)
    signed = np.flatnonzero(better == "zero")
    if len(signed):
        part = rows.iloc[signed]
        twice = (part["value"] + part["baseline_value"]).to_numpy(np.float64)
        least = np.abs(twice) - CLEAR * _level_errors(part, comparison)
        clear = least > 0  # NaN where the error is not known
        direction[signed] = np.where(clear, np.sign(twice), 0.0)
        level[signed] = np.where(clear, least, np.inf)
    return Limited(effects=rows, direction=direction, level=level)


def _level_errors(rows: pd.DataFrame, comparison: Comparison) -> Floats:
    """Bound the standard error of after + before for each row, ``(n,)``; NaN where nothing is known of it."""
    declared = comparison.declared()
    kinds = {(b, name): _kind(info) for b, metrics in declared.items() for name, info in metrics.items()}
    of_classes = _gap_variances(comparison.effects, kinds)
    shares = _Targets(comparison)
    errors = np.full(len(rows), np.nan)
    for at, row in enumerate(rows.to_dict("records")):
        metric, _, k = str(row["metric"]).partition("@")
        kind = kinds.get((row["benchmark"], metric), "")
        if kind == "disparity":
            errors[at] = np.sqrt(_variance(row.get("n1"), row.get("n2")))
        elif kind == "mean_disparity":
            errors[at] = of_classes.get(tuple(row[name] for name in GAP), np.nan)
        elif kind == "min_skew":
            errors[at] = 0.0  # some group always has at most the share that it should have
        elif kind == "skew" and k.isdecimal():
            errors[at] = _skew_error(
                (row["value"], row["baseline_value"]),
                int(k),
                shares.of(row["benchmark"], row["attribute"], row["group"]),
            )
    return errors


def _kind(info: Mapping[str, Any]) -> str:
    statistic = info.get("statistic")
    return str(statistic.get("kind", "")) if isinstance(statistic, Mapping) else ""


def _variance(first: Any, second: Any) -> float:
    """Of after + before of a gap: each item adds 0, 1 or 2 to its group's mean, so at most 1 a group's item."""
    if pd.isna(first) or pd.isna(second) or not (first > 0 and second > 0):
        return np.nan
    return 1 / float(first) + 1 / float(second)


def _gap_variances(effects: pd.DataFrame, kinds: Mapping[tuple[str, str], str]) -> dict[tuple[Any, ...], float]:
    """Standard error (bounded) of after + before of each mean gap, from the classes that it is over."""
    names = {name for (_, name), kind in kinds.items() if kind == "disparity"}
    if not names or "n1" not in effects:
        return {}
    rows = effects[effects["metric"].isin(names) & effects["change"].notna()]
    variance = [_variance(a, b) for a, b in zip(rows["n1"], rows["n2"], strict=True)]
    by_gap = rows.assign(variance=variance).groupby(GAP, sort=False)["variance"]
    errors = np.sqrt(by_gap.sum(min_count=1)) / by_gap.size()
    return {tuple(gap): float(error) for gap, error in zip(errors.index, errors, strict=True)}


def _skew_error(levels: tuple[float, float], k: int, target: float) -> float:
    """Of twice ln(p / target), p a share of k: 2 √((1 − p) / (k p)), at the smaller of the two shares."""
    p = target * np.exp(min(levels))
    return float(2 * np.sqrt(max(1 - p, 0.0) / (k * p))) if np.isfinite(p) and p > 0 else np.nan


class _Targets:
    """The share that each group should have among those who are found."""

    def __init__(self, comparison: Comparison) -> None:
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
        target = cell.part("facts").get("target")
        if target == "gallery":
            shares = cell.table("items", columns=[attribute])[attribute].value_counts(normalize=True)
            return {str(group): float(share) for group, share in shares.items()}
        for declared in cell.part("benchmark_info").get("attributes") or []:
            if declared.get("name") == attribute and target == "uniform":
                groups = declared.get("groups") or []
                return {str(group): 1 / len(groups) for group in groups}
        return {}
