"""A run folder → its analysis: made from the stored outcomes, kept in ``analysis/``, used again while nothing changed.

::

    analysis/
        analysis.json    settings, a key of what it was made of, and the digests of the tables
        effects.parquet  populations.parquet  flips.parquet  exemplars.parquet  variance.parquet
        predictors.parquet
        <name>.parquet   for each table that a statistic adds
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis.flips import flips_at
from qbench.analysis.judge import Analysis, Pending, Population, analyse, with_verdicts
from qbench.analysis.populations import populations_at, with_margins
from qbench.analysis.predictors import predictors_at
from qbench.comparisons import CellNames, CellPair
from qbench.errors import InputError
from qbench.metrics.interface import INDEX, Outcome
from qbench.models.same_checkpoints import checkpoints_of
from qbench.policy.model import Policy
from qbench.results.ablation import TABLE as ABLATION
from qbench.results.ablation import ablation_table
from qbench.results.effects import NAMES
from qbench.results.flags import Flag
from qbench.results.recompute import measure_or_none
from qbench.results.statistics import (
    added_tables,
    declared_statistics,
    installed_statistics,
    statistic_names,
    statistic_versions,
)
from qbench.results.tolerances import check_limits, declared_of, tolerances
from qbench.runfolder.reader import AGAIN, Cell, read_analysis, read_analysis_tables
from qbench.runfolder.schema import AnalysisRecord
from qbench.runfolder.tables import ITEMS
from qbench.runfolder.writer import discard_damaged_analysis, write_analysis
from qbench.statistics.dispatch import bounds
from qbench.statistics.interface import Statistic
from qbench.statistics.ledger import Comparison
from qbench.statistics.settings import FAMILY_COLUMNS, MOST_RESAMPLES, Settings, check_margins
from qbench.store.files import too_large
from qbench.store.keys import key_of
from qbench.vocabulary import FlagKind, RowFlag, join_flags

if TYPE_CHECKING:
    from qbench.results.results import Results

log = logging.getLogger(__name__)

FOLDER = "analysis"
TABLES = tuple(field.name for field in fields(Analysis) if field.name != "added")
REVISION = 14
"""Raised when the same outcomes would be judged differently: stored analyses are then made again."""


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Settings from plain values; what is not there has its default.

    Raises
    ------
    qbench.errors.InputError
        A value is not a valid setting.
    """
    known = {k: v for k, v in values.items() if k in Settings.__dataclass_fields__}
    if "family" in known:
        known["family"] = tuple(known["family"])
    try:
        return _checked(Settings(**known))
    except (TypeError, ValueError) as error:
        raise InputError(f"these are not settings of an analysis: {error}", where="[analysis]") from None


def _checked(settings: Settings) -> Settings:
    if (field := too_large(asdict(settings))) is not None:
        raise InputError(f"{field} is too large a number", where="[analysis]")
    if not 0.5 < settings.confidence < 1:
        raise InputError(f"the confidence is {settings.confidence}; it is between 0.5 and 1", where="[analysis]")
    if strange := [name for name in settings.family if name not in FAMILY_COLUMNS]:
        fix = f"Choose from: {', '.join(FAMILY_COLUMNS)}."
        raise InputError(f"families of tests cannot share {strange[0]!r}", where="[analysis]", fix=fix)
    if not 1 <= settings.resamples <= MOST_RESAMPLES:
        what = f"resamples is {settings.resamples:,}; it is from 1 to {MOST_RESAMPLES:,}"
        raise InputError(what, where="[analysis]")
    if settings.seed < 0:
        raise InputError(f"the seed is {settings.seed}; it is not negative", where="[analysis]")
    return settings


def not_repeatable(results: Results, record: AnalysisRecord) -> str:
    """Why a stored analysis would not be the same if it were made again now, in words; empty where it would be."""
    if record.key != _key(results, record.settings):
        return "it is of other cells, or was made by another version of qbench; `qbench analyse` makes it again"
    now = statistic_versions(record.statistics)
    other = [f"{name} by {used}" for name, used in record.statistics.items() if now[name] != used]
    return f"it was made with statistics that are not installed in this version: {', '.join(other)}" if other else ""


def stored(results: Results) -> Analysis | None:
    """The analysis in the run folder, if it is the one that is wanted now: see `wanted_settings`.

    It is, if it was made of these very cells by this version of the analysis, with the settings that are wanted. Its
    statistics have to be those that are installed now. One that is not installed now makes nothing stale: what it said
    is kept, because it could not be made again.
    """
    folder = results.folder / FOLDER
    record = read_analysis(folder)
    if record is None or record.key != _key(results, wanted_settings(results)):
        return None
    now = statistic_versions(record.statistics)
    if any(now[name] not in ("", used) for name, used in record.statistics.items()):
        return None
    if not record.tables.keys() >= set(TABLES):
        return None
    tables = read_analysis_tables(folder, record.tables)
    if tables is None:
        return None
    own = {name: tables.pop(name) for name in TABLES}
    return Analysis(**own, added=tables)


def keep(results: Results, settings: Settings, analysis: Analysis) -> Path:
    """Write an analysis into the run folder; ``analysis.json`` last."""
    folder = results.folder / FOLDER
    record = AnalysisRecord(
        key=_key(results, settings),
        settings=settings,
        spec=results.run.analysis,
        qbench_version=version("qbench-vlm"),
        statistics=statistic_versions(
            statistic_names(metric.statistic for cell in results.done for metric in cell.metrics)
        ),
    )
    write_analysis(folder, record, {**{name: getattr(analysis, name) for name in TABLES}, **analysis.added})
    return folder


def wanted_settings(results: Results) -> Settings:
    """What the run is to be analysed with: what the spec says.

    ``qbench analyse`` may have been told otherwise. That stays as long as the ``[analysis]`` of the spec is the one
    for which it was said.
    """
    record = read_analysis(results.folder / FOLDER)
    asked_for = results.run.analysis
    return _checked(record.settings if record is not None and record.spec == asked_for else asked_for.settings)


def confidence_of(settings: Settings, policy: Policy | None) -> float:
    """The two-sided confidence of the intervals of the effects: that of the policy if it has one."""
    return settings.confidence if policy is None else policy.decide.confidence or settings.confidence


def analysed(results: Results, step: Callable[[str], None] = lambda name: None) -> Results:
    """Make the analysis of a run and keep it, unless it is there already. One that is damaged is replaced."""
    if discard_damaged_analysis(results.folder / FOLDER):
        path = results.folder / FOLDER / "analysis.json"
        log.warning("%s: the file is damaged; the analysis is made again, with the settings of the spec", path)
    if stored(results) is None:
        settings = wanted_settings(results)
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
        A value is not a valid setting, or a file of the run is damaged.
    """
    spec = results.run.analysis.settings
    margins = {**spec.margins, **(changed.get("margins") or {})}
    settings = settings_of({**spec.record(), **changed, "margins": margins})
    check_margins(changed.get("margins") or {}, results.measured, where="margins")
    analysis = make(results, settings, step)
    folder = keep(results, settings, analysis)
    results.__dict__["analysis"] = analysis  # the cached property
    return folder


def make(results: Results, settings: Settings, step: Callable[[str], None] = lambda name: None) -> Analysis:
    """Judge every change of a run from its stored outcomes, and the parts of the models where they are ablated."""
    if results.run.policy is not None:
        check_limits(results.run.policy, {b: of.metrics for b, of in declared_of(results.records).items()})
    settings = replace(settings, confidence=confidence_of(settings, results.run.policy))
    analysis = _judged(results, settings, step)
    parts = ablation_table(results, analysis.effects, settings, lambda others: _judged(others, settings, step).effects)
    return analysis if parts is None else replace(analysis, added={**analysis.added, ABLATION: parts})


def _judged(results: Results, settings: Settings, step: Callable[[str], None]) -> Analysis:
    """Judge every change of a run from its stored outcomes, by the installed statistics."""
    changes = results.changes
    noise = _noise(results, changes)
    reader = _Reader()
    pairs = {pair.names: pair for pair in results.pairs}
    pending = [
        Pending(
            names=pair.names._asdict(),
            read=partial(reader.comparison, pair),
            unavailable=pair.variant.record.data_info.unavailable,
        )
        for names in changes[NAMES].drop_duplicates().itertuples(index=False, name=None)
        for pair in [pairs[CellNames(*names)]]
    ]
    pending.sort(key=lambda p: (p.names["benchmark"], p.names["model"]))
    return analyse(
        changes,
        pending,
        settings,
        installed_statistics(),
        flags=lambda table: _flags(table, results.flags, results.pairs),
        margins=tolerances(results.records, settings, results.run.policy),
        noise=noise,
        checkpoints=_population(results),
        declared={one.name for one in results.declared},
        tables=added_tables(),
        step=step,
    )


def judged_by(results: Results, policy: Policy) -> Analysis:
    """The analysis of a run with the verdicts that a policy's margins, limits and confidence give.

    Where the policy has the confidence of the analysis, all intervals stay. Else those of all tables are made again;
    only the tables that statistics add keep theirs.

    Raises
    ------
    qbench.errors.InputError
        No number of the run has a margin of a name that the policy gives.
    """
    check_margins(policy.margins, results.measured, where="the policy's [margins]")
    settings, analysis = wanted_settings(results), results.analysis
    stored, confidence = confidence_of(settings, results.run.policy), confidence_of(settings, policy)
    statistics, settings = installed_statistics(), replace(settings, confidence=confidence)
    if confidence != stored:
        analysis = _at_confidence(analysis, stored, confidence, statistics)
    margin = tolerances(results.records, settings, policy)(analysis.effects)
    effects = with_verdicts(analysis.effects, margin, settings, statistics)
    added = dict(analysis.added)
    if confidence != stored and ABLATION in added:
        parts = ablation_table(results, effects, settings, lambda others: _judged(others, settings, _silent).effects)
        added |= {ABLATION: parts} if parts is not None else {}
    populations = with_margins(analysis.populations, effects, settings)
    return replace(analysis, effects=effects, populations=populations, added=added)


def _at_confidence(
    analysis: Analysis, stored: float, confidence: float, statistics: Mapping[str, Statistic]
) -> Analysis:
    """The tables of an analysis with the intervals of another confidence; nothing else changes."""
    effects = analysis.effects
    low, high = bounds(effects, np.full(len(effects), confidence), statistics, stored=stored)
    return replace(
        analysis,
        effects=effects.assign(low=low, high=high),
        populations=populations_at(analysis.populations, stored, confidence),
        flips=flips_at(analysis.flips, confidence),
        predictors=predictors_at(analysis.predictors, confidence),
    )


def _silent(name: str) -> None:
    """Report no step."""


def _key(results: Results, settings: Settings) -> str:
    cells = [(c.names, str(c.status), c.found.key if c.found else None) for c in results.records]
    allow = sorted(results.allow)
    return key_of(
        {
            "revision": REVISION,
            "baseline": results.baseline,
            "allow": allow,
            "comparisons": [one.model_dump() for one in results.declared],
            "cells": cells,
            "policy": results.run.tolerances,
            **settings.record(),
        }
    )


class _Reader:
    """Reads outcomes; the latest baseline is kept, because its variants come one after the other."""

    def __init__(self) -> None:
        self._last: tuple[Path, Outcome] | None = None
        self._of_last: dict[object, Any] = {}

    def comparison(self, pair: CellPair[Cell]) -> Comparison:
        cell, base = pair.variant, pair.baseline
        assert base is not None
        if self._last is None or self._last[0] != base.folder:
            self._last, self._of_last = (base.folder, base.outcome()), {}
        after = cell.outcome()
        before = self._last[1]
        if not before.items["item"].equals(after.items["item"]):
            raise InputError("its items are not the baseline's", where=str(cell.folder), fix=AGAIN)
        lost = [
            x for x in (*ITEMS.optional, *(a.name for a in cell.attributes)) if x in {*before.items} ^ {*after.items}
        ]
        if lost:
            what = f"the column {lost[0]!r} is in the items of the baseline or of this variant, and not in both"
            raise InputError(what, where=str(cell.file("items")), fix=AGAIN)
        attributes = [a for a in cell.attributes if a.name in before.items]
        declared = declared_statistics((metric.name, metric.statistic) for metric in cell.metrics)
        return Comparison(
            names=pair.names._asdict(),
            before=before,
            after=after,
            statistics=declared.made,
            declared=declared.names,
            missing=declared.missing,
            attributes={a.name: a for a in attributes},
            load_measure=partial(measure_or_none, cell),
            of_baseline=self._of_last,
        )


def _noise(results: Results, changes: pd.DataFrame) -> pd.Series[float]:
    floor = results.noise
    if not len(floor):
        return pd.Series(np.nan, index=changes.index)
    keys = [*NAMES, *INDEX]
    found = changes[keys].merge(floor[[*keys, "noise_max"]], on=keys, how="left", validate="one_to_one")
    return pd.Series(found["noise_max"].to_numpy(np.float64), index=changes.index)


def _flags(table: pd.DataFrame, flags: Sequence[Flag], pairs: Iterable[CellPair[Any]]) -> npt.NDArray[np.object_]:
    by_names: dict[CellNames, list[Flag]] = {}
    for flag in flags:
        by_names.setdefault(CellNames(flag.model, flag.quantizer, flag.benchmark), []).append(flag)
    concerned = {
        pair.names: [
            *((flag, True) for flag in by_names.get(pair.of_baseline, ())),
            *((flag, False) for of in dict.fromkeys((pair.of_variant, pair.names)) for flag in by_names.get(of, ())),
        ]
        for pair in pairs
    }
    change, noise = (table[name].to_numpy(np.float64) for name in ("change", "noise"))
    quiet = np.where(np.abs(change) < noise, str(FlagKind.BELOW_NOISE), "")
    own = np.where(np.isnan(change), str(FlagKind.UNDETERMINED), quiet)
    found = np.empty(len(table), dtype=object)
    names = zip(*(table[c] for c in (*NAMES, "metric", "attribute", "group")), strict=True)
    for i, (model, quantizer, benchmark, *number) in enumerate(names):
        kinds = [
            RowFlag(flag.kind, of_baseline=of_baseline)
            for flag, of_baseline in concerned[CellNames(model, quantizer, benchmark)]
            if flag.voids(*number)
        ]
        found[i] = join_flags([*kinds, RowFlag(own[i])] if own[i] else kinds)
    return found


def _population(results: Results) -> Population:
    info = {c.model: c.record.model_info for c in results.done}
    return Population(
        source={model: found.source for model, found in info.items()},
        size={model: found.checkpoint for model, found in info.items()},
        checkpoint=checkpoints_of(results.fingerprints),
        parameters={
            c.model: float(c.record.coverage.total_parameters)
            for c in results.done
            if c.quantizer == results.baseline and c.record.coverage is not None
        },
    )
