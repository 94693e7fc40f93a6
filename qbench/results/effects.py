"""Numbers of each variant beside those of the baseline of the same checkpoint and benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from qbench.metrics.interface import INDEX, MetricInfo
from qbench.metrics.keys import declared_names
from qbench.runfolder.reader import Cell
from qbench.vocabulary import Better

NAMES = ["model", "quantizer", "benchmark"]
COLUMNS = [
    *["model", "quantizer", "baseline", "benchmark", *INDEX],
    *["better", "unit", "n", "baseline_value", "value", "change", "baseline_abs", "value_abs", "abs_change"],
]


def why_not_comparable(cell: Cell, baseline: Cell, allow: Iterable[str] = ()) -> str:
    """Why two cells that are done cannot be compared: other items or other rules; empty where they can.

    Parameters
    ----------
    cell, baseline : Cell
        Of one model on one benchmark.
    allow : iterable of str
        Differences that are meant, and are not a reason: ``preprocessing``, ``prompts``, ``batch``, ``checkpoint``.
    """
    differ = [
        (what, mine, its)
        for kind, what, mine, its in _held_together(cell, baseline)
        if mine != its and kind not in set(allow)
    ]
    return "; ".join(f"{what} than the baseline ({mine} and {its})" for what, mine, its in differ)


def _held_together(cell: Cell, baseline: Cell) -> Iterator[tuple[str, str, Any, Any]]:
    """Kind, words, the variant's and the baseline's value of all that has to be the same."""
    mine, its = cell.record, baseline.record
    yield "data", "another dataset fingerprint", mine.data_info.fingerprint, its.data_info.fingerprint
    yield "data", "another limit", mine.data_info.limit, its.data_info.limit
    yield "data", "another number of items", mine.data_info.items, its.data_info.items
    yield "rules", "other benchmark options", mine.benchmark_info.options, its.benchmark_info.options
    yield "rules", "another protocol version", mine.benchmark_info.protocol, its.benchmark_info.protocol
    if mine.probe and its.probe:  # cells of earlier versions do not say it
        yield "probe", "another probe", mine.probe, its.probe
    yield (
        "checkpoint",
        "another checkpoint under the same name",
        mine.model_info.fingerprint,
        its.model_info.fingerprint,
    )
    # Precomputed embeddings have no batches, and early cells of format 1 say less: only what both say is compared.
    if mine.model_info.preprocessing and its.model_info.preprocessing:
        wanted = (asdict(mine.model_info.preprocessing), asdict(its.model_info.preprocessing))
        yield "preprocessing", "another preprocessing", *wanted
    if mine.data_info.prompts and its.data_info.prompts:
        yield "prompts", "other prompts", mine.data_info.prompts, its.data_info.prompts
    if mine.batch and its.batch:
        yield "batch", "another batch size", mine.batch.size, its.batch.size
        yield "batch", "another order of the batches", mine.batch.order, its.batch.order


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
        As for `why_not_comparable`.

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
    names = zip(frame["benchmark"], declared_names(frame["metric"]), strict=True)
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
