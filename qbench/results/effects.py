"""Numbers of each variant beside those of the baseline of the same checkpoint and benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from qbench.metrics.interface import INDEX, MetricInfo
from qbench.metrics.keys import declared_names
from qbench.results.comparable import why_not_comparable
from qbench.runfolder.reader import Cell
from qbench.vocabulary import Better

NAMES = ["model", "quantizer", "benchmark"]
COLUMNS = [
    *["model", "quantizer", "baseline", "benchmark", *INDEX],
    *["better", "unit", "n", "baseline_value", "value", "change", "baseline_abs", "value_abs", "abs_change"],
]


def pair(
    metrics: pd.DataFrame,
    cells: Iterable[Cell],
    baseline: str,
    infos: Mapping[tuple[str, str], MetricInfo],
    allow: Iterable[str] = (),
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
        ``(benchmark, metric without cut-off)`` → its declaration.
    allow : iterable of str
        As for `qbench.results.comparable.why_not_comparable`.

    Returns
    -------
    effects : pandas.DataFrame
        One row per number. ``change`` is value minus baseline value, NaN where either is undetermined; for signed
        biases ``abs_change`` is the change of the absolute value.
    unpaired : pandas.DataFrame
        ``model, quantizer, benchmark, reason``: what was left out.
    """
    cells, allowed = list(cells), tuple(allow)
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
            reason = why_not_comparable(cell, base, allowed)
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


def _changes(frame: pd.DataFrame, baseline: str, infos: Mapping[tuple[str, str], MetricInfo]) -> pd.DataFrame:
    value = frame["value"].to_numpy(np.float64)
    before = frame["baseline_value"].to_numpy(np.float64)
    names = zip(frame["benchmark"].tolist(), declared_names(frame["metric"].tolist()), strict=True)
    declared = [infos.get(key) for key in names]
    better = np.array([x.better if x else "" for x in declared], dtype=object)
    signed = better == Better.ZERO
    frame = frame.assign(
        baseline=baseline,
        better=better,
        unit=[x.unit if x else "" for x in declared],
        change=value - before,
        baseline_abs=np.where(signed, np.abs(before), np.nan),
        value_abs=np.where(signed, np.abs(value), np.nan),
    )
    frame["abs_change"] = frame["value_abs"] - frame["baseline_abs"]
    return frame[COLUMNS]
