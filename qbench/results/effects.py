"""Numbers of each variant beside those of the baseline that it is compared with on the same benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from qbench.comparisons import CellPair
from qbench.metrics.interface import INDEX, MetricInfo
from qbench.metrics.keys import declared_names
from qbench.results.comparable import why_not_comparable
from qbench.runfolder.reader import Cell
from qbench.vocabulary import Better

NAMES = ["model", "quantizer", "benchmark"]
SIDES = ["variant", "baseline_model", "baseline"]
COLUMNS = [
    *["model", "quantizer", "baseline_model", "baseline", "benchmark", *INDEX],
    *["better", "unit", "n", "baseline_value", "value", "change", "baseline_abs", "value_abs", "abs_change"],
]


def pair(
    metrics: pd.DataFrame,
    pairs: Iterable[CellPair[Cell]],
    infos: Mapping[tuple[str, str], MetricInfo],
    allow: Iterable[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join each variant's numbers with its baseline's.

    Parameters
    ----------
    metrics : pandas.DataFrame
        Tidy numbers of all cells that are done.
    pairs : iterable of CellPair
        What is compared with what.
    infos : mapping
        ``(benchmark, metric without cut-off)`` → its declaration.
    allow : iterable of str
        As for `qbench.results.comparable.why_not_comparable`, for every comparison.

    Returns
    -------
    effects : pandas.DataFrame
        One row per number. ``change`` is value minus baseline value, NaN where either is undetermined; for signed
        biases ``abs_change`` is the change of the absolute value.
    unpaired : pandas.DataFrame
        ``model, quantizer, benchmark, reason``: what was left out.
    """
    allowed = tuple(allow)
    paired: list[dict[str, str]] = []
    unpaired: list[dict[str, str]] = []
    for found in pairs:
        if not found.variant.done:
            continue
        if reason := _why_not(found, allowed):
            unpaired.append({**found.names._asdict(), "reason": reason})
        else:
            paired.append(
                {
                    **found.names._asdict(),
                    "variant": found.of_variant.quantizer,
                    "baseline_model": found.of_baseline.model,
                    "baseline": found.of_baseline.quantizer,
                }
            )
    frame = _join(metrics, pd.DataFrame(paired, columns=[*NAMES, *SIDES], dtype=str))
    lonely = frame.pop("_merge").eq("left_only")
    for at in frame[lonely].groupby(NAMES, sort=False).indices.values():
        group = frame[lonely].iloc[at]
        reason = f"numbers without a counterpart in the baseline: {len(group)}, such as {group['metric'].iloc[0]}"
        unpaired.append({**{k: str(group[k].iloc[0]) for k in NAMES}, "reason": reason})
    frame = frame[~lonely].reset_index(drop=True)
    return _changes(frame, infos), pd.DataFrame(unpaired, columns=[*NAMES, "reason"], dtype=str)


def _why_not(found: CellPair[Cell], allowed: tuple[str, ...]) -> str:
    """Why a variant that is done is not compared; empty where it is."""
    name = found.declared.baseline.words if found.declared else found.of_baseline.quantizer
    if found.baseline is None:
        return f"this run has no {name} {'' if found.declared else 'of this model '}on this benchmark"
    if not found.baseline.done:
        return f"the baseline {name} is {found.baseline.status}"
    return why_not_comparable(found.variant, found.baseline, (*allowed, *found.meant))


def _join(metrics: pd.DataFrame, paired: pd.DataFrame) -> pd.DataFrame:
    """The numbers of the variants under the names of the comparisons, in their order, beside those of the baselines."""
    of_variants = metrics.rename(columns={"quantizer": "variant"})
    names = paired.assign(place=np.arange(len(paired)))
    mine = of_variants.merge(names, on=["model", "variant", "benchmark"], how="inner")
    mine = mine.sort_values("place", kind="stable", ignore_index=True).drop(columns=["place", "variant"])
    sides = {"model": "baseline_model", "quantizer": "baseline", "value": "baseline_value"}
    of_baselines = metrics.rename(columns=sides)
    keys = ["baseline_model", "baseline", "benchmark", *INDEX]
    base = of_baselines[[*keys, "baseline_value"]]
    return mine.merge(base, on=keys, how="left", indicator=True, validate="many_to_one")


def _changes(frame: pd.DataFrame, infos: Mapping[tuple[str, str], MetricInfo]) -> pd.DataFrame:
    value = frame["value"].to_numpy(np.float64)
    before = frame["baseline_value"].to_numpy(np.float64)
    names = zip(frame["benchmark"].tolist(), declared_names(frame["metric"].tolist()), strict=True)
    declared = [infos.get(key) for key in names]
    better = np.array([x.better if x else "" for x in declared], dtype=object)
    signed = better == Better.ZERO
    frame = frame.assign(
        better=better,
        unit=[x.unit if x else "" for x in declared],
        change=value - before,
        baseline_abs=np.where(signed, np.abs(before), np.nan),
        value_abs=np.where(signed, np.abs(value), np.nan),
    )
    frame["abs_change"] = frame["value_abs"] - frame["baseline_abs"]
    return frame[COLUMNS]
