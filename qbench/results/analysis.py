"""A run folder → its analysis: made from the stored outcomes, kept in ``analysis/``, used again while it fits.

::

    analysis/
        analysis.json   settings, what it was made of, when
        effects.parquet  populations.parquet  flips.parquet  exemplars.parquet  squares.parquet  variance.parquet
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis.judge import Analysis, Pending, Population, analyse
from qbench.analysis.verdicts import BASELINE
from qbench.errors import InputError, QbenchError
from qbench.metrics.interface import INDEX, Outcome, Statistic
from qbench.results.effects import NAMES
from qbench.results.flags import Flag
from qbench.runfolder.reader import AGAIN, Cell, read_json
from qbench.runfolder.writer import FORMAT
from qbench.statistics.ledger import Comparison
from qbench.statistics.resampled import Measure
from qbench.statistics.settings import MARGINS, Settings
from qbench.stats.ndkl import NdklLevels
from qbench.store.files import atomic, write_json
from qbench.store.keys import key_of

if TYPE_CHECKING:
    from qbench.results.results import Results

FOLDER = "analysis"
REVISION = 2
"""Raised when the same outcomes would be judged otherwise: stored analyses are then made again."""


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Settings from ``spec["analysis"]`` or ``analysis.json``; what is not there has its default.

    Raises
    ------
    qbench.errors.InputError
        A value cannot be one.
    """
    known = {k: v for k, v in values.items() if k in Settings.__dataclass_fields__}
    if "family" in known:
        known["family"] = tuple(known["family"])
    try:
        return _checked(Settings(**known))
    except (TypeError, ValueError) as error:
        raise InputError(f"these are no settings of an analysis: {error}", where="[analysis]") from None


def _checked(settings: Settings) -> Settings:
    if not 0.5 < settings.confidence < 1:
        raise InputError(f"the confidence is {settings.confidence}; it is between 0.5 and 1", where="[analysis]")
    return settings


def stored(results: Results) -> Analysis | None:
    """The analysis in the run folder, if it was made of these very cells by this version of the analysis."""
    folder = results.folder / FOLDER
    if not (folder / "analysis.json").exists():
        return None
    record = read_json(folder / "analysis.json")
    settings = settings_of(record.get("settings") or {})
    if record.get("key") != _key(results, settings):
        return None
    try:
        return Analysis(**{f.name: pd.read_parquet(folder / f"{f.name}.parquet") for f in fields(Analysis)})
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"a file is damaged: {error}", where=str(folder), fix="Run `qbench analyse` again.") from error


def keep(results: Results, settings: Settings, analysis: Analysis) -> Path:
    """Write an analysis into the run folder; ``analysis.json`` last."""
    folder = results.folder / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "analysis.json").unlink(missing_ok=True)
    for f in fields(Analysis):
        with atomic(folder / f"{f.name}.parquet") as temporary:
            getattr(analysis, f.name).to_parquet(temporary, index=False, compression="zstd")
    record = {"format": FORMAT, "key": _key(results, settings), "settings": settings.record()}
    write_json(folder / "analysis.json", {**record, "qbench_version": version("qbench-vlm")})
    return folder


def kept_settings(results: Results) -> Settings:
    """The settings of the stored analysis where there is one, else of the spec."""
    path = results.folder / FOLDER / "analysis.json"
    record = read_json(path) if path.exists() else {}
    return settings_of(record.get("settings") or results.spec.get("analysis") or {})


def analysed(results: Results, step: Callable[[str], None] = lambda name: None) -> Results:
    """Make the analysis of a run and keep it, unless it is there already."""
    if stored(results) is None:
        settings = kept_settings(results)
        results.__dict__["analysis"] = make(results, settings, step)
        keep(results, settings, results.analysis)
    return results


def analyse_again(
    results: Results, changed: Mapping[str, Any], step: Callable[[str], None] = lambda name: None
) -> Path:
    """Judge a run with the spec's settings and these changes to them, and keep that; `results` shows it from now on.

    Raises
    ------
    qbench.errors.InputError
        A setting cannot be one, or a file of the run is damaged.
    """
    spec = dict(results.spec.get("analysis") or {})
    margins = {**(spec.get("margins") or {}), **(changed.get("margins") or {})}
    settings = settings_of({**spec, **changed, "margins": margins})
    known = sorted(_named_margins(results))
    for name in sorted(set(margins) - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        raise InputError(
            f"no number of this run has the margin {name!r}",
            where="margins",
            fix=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}.",
        )
    analysis = make(results, settings, step)
    folder = keep(results, settings, analysis)
    results.__dict__["analysis"] = analysis  # the cached property
    return folder


def _named_margins(results: Results) -> set[str]:
    numbers = results.changes[["benchmark", "metric"]].drop_duplicates()
    names = {str(m) for m in numbers["metric"]} | {str(m).partition("@")[0] for m in numbers["metric"]}
    names |= {f"{b}.{x}" for b, m in numbers.itertuples(index=False) for x in (m, str(m).partition("@")[0])}
    return names | set(MARGINS)


def make(results: Results, settings: Settings, step: Callable[[str], None] = lambda name: None) -> Analysis:
    """Judge every change of a run; needs the stored outcomes only (and a plugin for metrics without closed form)."""
    changes = results.changes
    noise = _noise(results, changes)
    reader = _Reader(results)
    cells = {tuple(c.names.values()): c for c in results.done}
    pending = [
        Pending(
            names=dict(zip(NAMES, names, strict=True)),
            read=partial(reader.comparison, cells[names]),
            measure=reader.measure(cells[names]),
        )
        for names in changes[NAMES].drop_duplicates().itertuples(index=False, name=None)
    ]
    pending.sort(key=lambda p: (p.names["benchmark"], p.names["model"]))
    return analyse(
        changes,
        pending,
        settings,
        flags=lambda table: _flags(table, results.flags, results.baseline),
        noise=noise,
        checkpoints=_population(results),
        step=step,
    )


def _key(results: Results, settings: Settings) -> str:
    cells = [(c.names, c.status, c.record.get("key")) for c in results.records]
    return key_of({"revision": REVISION, "baseline": results.baseline, "cells": cells, **settings.record()})


class _Reader:
    """Reads outcomes; the latest baseline is kept, because its variants come one after the other."""

    def __init__(self, results: Results) -> None:
        self._bases = {(c.model, c.benchmark): c for c in results.done if c.quantizer == results.baseline}
        self._last: tuple[Path, Outcome] | None = None
        self._of_last: dict[tuple[str, str], NdklLevels] = {}

    def comparison(self, cell: Cell) -> Comparison:
        base = self._bases[cell.model, cell.benchmark]
        if self._last is None or self._last[0] != base.folder:
            self._last, self._of_last = (base.folder, outcome_of(base)), {}
        after = outcome_of(cell)
        before = self._last[1]
        if not before.items["item"].equals(after.items["item"]):
            raise InputError("its items are not the baseline's", where=str(cell.folder), fix=AGAIN)
        info = cell.part("benchmark_info")
        attributes = [a for a in info.get("attributes") or [] if a.get("name") in before.items]
        return Comparison(
            names=cell.names,
            before=before,
            after=after,
            statistics=_statistics(cell),
            attributes={str(a["name"]): tuple(a["groups"]) for a in attributes},
            pairs={(str(a["name"]), "-".join(p)): (p[0], p[1]) for a in attributes for p in a.get("pairs") or ()},
            of_baseline=self._of_last,
        )

    def measure(self, cell: Cell) -> Measure | None:
        """The benchmark's own measure, if a metric needs it and its plugin is here."""
        declared = _statistics(cell)
        if all(str(m.get("name")) in declared for m in cell.part("benchmark_info").get("metrics") or []):
            return None
        return _measure(
            str(cell.part("benchmark_info").get("record")), repr(cell.part("benchmark_info").get("options"))
        )


def outcome_of(cell: Cell) -> Outcome:
    """Read the stored outcome of a cell."""
    path = cell.folder / "rankings.parquet"
    return Outcome(
        items=cell.table("items"),
        rankings=cell.table("rankings") if path.exists() else None,
        facts=cell.part("facts"),
    )


def _statistics(cell: Cell) -> dict[str, Statistic]:
    found = {}
    for metric in cell.part("benchmark_info").get("metrics") or []:
        made = metric.get("statistic")
        if made:
            known = {k: v for k, v in made.items() if k in Statistic.__dataclass_fields__}
            found[str(metric["name"])] = Statistic(**known)
    return found


@lru_cache(maxsize=32)
def _measure(record: str, options: str) -> Measure | None:
    from ast import literal_eval

    from qbench.plugins.options import make_options
    from qbench.plugins.registry import installed

    try:
        entry = installed().benchmark(record)
        task = entry.record.load(make_options(entry.record.options, literal_eval(options) or {}, where=record))
    except QbenchError:
        return None  # the row says that the plugin is not at hand
    return task.measure


def _noise(results: Results, changes: pd.DataFrame) -> pd.Series[float]:
    floor = results.noise
    if not len(floor):
        return pd.Series(np.nan, index=changes.index)
    keys = [*NAMES, *INDEX]
    found = changes[keys].merge(floor[[*keys, "noise_max"]], on=keys, how="left", validate="one_to_one")
    return pd.Series(found["noise_max"].to_numpy(np.float64), index=changes.index)


def _flags(table: pd.DataFrame, flags: Sequence[Flag], baseline: str) -> npt.NDArray[np.object_]:
    of_cell: dict[tuple[str, str, str], list[str]] = {}
    of_baseline: dict[tuple[str, str], list[str]] = {}
    for flag in flags:
        if flag.kind == "unchecked":
            continue
        if flag.quantizer == baseline:
            of_baseline.setdefault((flag.model, flag.benchmark), []).append(BASELINE + flag.kind)
        else:
            of_cell.setdefault((flag.model, flag.quantizer, flag.benchmark), []).append(flag.kind)
    change, noise = (table[name].to_numpy(np.float64) for name in ("change", "noise"))
    own = np.where(np.isnan(change), "undetermined", np.where(np.abs(change) < noise, "below-noise", ""))
    found = np.empty(len(table), dtype=object)
    names = zip(*(table[c] for c in NAMES), strict=True)
    for i, (model, quantizer, benchmark) in enumerate(names):
        kinds = [*of_baseline.get((model, benchmark), ()), *of_cell.get((model, quantizer, benchmark), ())]
        found[i] = ";".join(dict.fromkeys([*kinds, own[i]] if own[i] else kinds))
    return found


def _population(results: Results) -> Population:
    info = {c.model: c.part("model_info") for c in results.done}
    return Population(
        source={m: str(x.get("record", "")).rpartition(":")[2] for m, x in info.items()},
        size={m: str(x.get("checkpoint", "")) for m, x in info.items()},
    )
