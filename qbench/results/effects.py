"""Numbers of each variant beside those of the baseline of the same checkpoint and benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from qbench.metrics.interface import INDEX
from qbench.results.reading import Cell

NAMES = ["model", "quantizer", "benchmark"]
COLUMNS = [
    *["model", "quantizer", "baseline", "benchmark", *INDEX],
    *["better", "unit", "n", "baseline_value", "value", "change", "baseline_abs", "value_abs", "abs_change"],
]


def why_not_comparable(cell: Cell, baseline: Cell) -> str:
    """Why two cells do not have the same items and the same rules; empty where they do."""
    data, other = cell.part("data_info"), baseline.part("data_info")
    bench, base = cell.part("benchmark_info"), baseline.part("benchmark_info")
    pairs = [
        ("another dataset fingerprint", data.get("fingerprint"), other.get("fingerprint")),
        ("another limit", data.get("limit"), other.get("limit")),
        ("another number of items", data.get("items"), other.get("items")),
        ("other benchmark options", bench.get("options"), base.get("options")),
        ("another protocol version", bench.get("protocol"), base.get("protocol")),
        (
            "another checkpoint under the same name",
            cell.part("model_info").get("fingerprint"),
            baseline.part("model_info").get("fingerprint"),
        ),
    ]
    return "; ".join(f"{what} than the baseline ({mine} and {its})" for what, mine, its in pairs if mine != its)


def pair(
    metrics: pd.DataFrame, cells: Iterable[Cell], baseline: str, infos: Mapping[tuple[str, str], Mapping[str, Any]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join each variant's numbers with its baseline's.

    Parameters
    ----------
    metrics : pandas.DataFrame
        Tidy numbers of all cells that are done.
    cells : iterable of Cell
        All cells of the run.
    baseline : str
        Label of the quantizer that the others are compared with.
    infos : mapping
        ``(benchmark, metric without cut-off)`` → its declaration (``better``, ``unit``).

    Returns
    -------
    effects : pandas.DataFrame
        A row a number. ``change`` is value minus baseline value, NaN where either is undetermined; for signed biases
        ``abs_change`` is the change of the absolute value.
    unpaired : pandas.DataFrame
        ``model, quantizer, benchmark, reason``: what was left out.
    """
    cells = list(cells)
    bases = {(c.model, c.benchmark): c for c in cells if c.quantizer == baseline}
    paired: list[dict[str, str]] = []
    unpaired: list[dict[str, str]] = []
    for cell in cells:
        if cell.quantizer == baseline or not cell.done:
            continue
        base = bases.get((cell.model, cell.benchmark))
        if base is None:
            reason = f"this run has no {baseline} of this model on this benchmark"
        elif not base.done:
            reason = f"the baseline {baseline} is {base.status}"
        else:
            reason = why_not_comparable(cell, base)
        if reason:
            unpaired.append({**cell.names, "reason": reason})
        else:
            paired.append(cell.names)
    frame = _join(metrics, pd.DataFrame(paired, columns=NAMES, dtype=str), baseline)
    lonely = frame.pop("_merge").eq("left_only")
    for at in frame[lonely].groupby(NAMES, sort=False).indices.values():
        group = frame[lonely].iloc[at]
        reason = f"numbers without a counterpart in the baseline: {len(group)}, such as {group['metric'].iloc[0]}"
        unpaired.append({**{k: str(group[k].iloc[0]) for k in NAMES}, "reason": reason})
    frame = frame[~lonely].reset_index(drop=True)
    return _changes(frame, baseline, infos), pd.DataFrame(unpaired, columns=[*NAMES, "reason"], dtype=str)


def _join(metrics: pd.DataFrame, paired: pd.DataFrame, baseline: str) -> pd.DataFrame:
    keys = ["model", "benchmark", *INDEX]
    mine = metrics.merge(paired, on=NAMES, how="inner")
    base = metrics.loc[metrics["quantizer"].eq(baseline), [*keys, "value"]].rename(columns={"value": "baseline_value"})
    return mine.merge(base, on=keys, how="left", indicator=True, validate="many_to_one")


def _changes(frame: pd.DataFrame, baseline: str, infos: Mapping[tuple[str, str], Mapping[str, Any]]) -> pd.DataFrame:
    value = frame["value"].to_numpy(np.float64)
    before = frame["baseline_value"].to_numpy(np.float64)
    metric = frame["metric"].str.partition("@")[0] if len(frame) else frame["metric"]
    declared = [infos.get(key, {}) for key in zip(frame["benchmark"], metric, strict=True)]
    better = np.array([str(x.get("better", "")) for x in declared], dtype=object)
    signed = better == "zero"
    frame = frame.assign(
        baseline=baseline,
        better=better,
        unit=[str(x.get("unit", "")) for x in declared],
        change=value - before,
        baseline_abs=np.where(signed, np.abs(before), np.nan),
        value_abs=np.where(signed, np.abs(value), np.nan),
    )
    frame["abs_change"] = frame["value_abs"] - frame["baseline_abs"]
    return frame[COLUMNS]
