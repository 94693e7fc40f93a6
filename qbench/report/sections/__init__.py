"""The sections of the report as records, with one module per section. Plugins add theirs by the same kind of record."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qbench.plugins.records import ReportSection
from qbench.plugins.report_blocks import Block, Place, Section
from qbench.report.context import Context
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections import (
    ablation,
    accuracy,
    changes,
    coverage,
    data,
    drift,
    fairness,
    flips,
    gallery,
    grid,
    key_findings,
    layers,
    mechanisms,
    noise,
    not_measured,
    populations,
    provenance,
    rules,
    runs,
    speed,
    summary,
    t_tests,
    tradeoff,
)
from qbench.results import Results


def _of(name: str, title: str, section: Callable[[RunNumbers], Section], place: Place = "appendix") -> ReportSection:
    return with_context(name, title, lambda context: section(context.numbers), place)


def with_context(
    name: str, title: str, section: Callable[[Context], Section], place: Place = "appendix"
) -> ReportSection:
    """Make the record of a section that needs the whole context."""

    def render(results: Results, context: Context) -> Iterable[Block]:
        return section(context).blocks

    return ReportSection(name=name, title=title, render=render, place=place)


NOT_MEASURED = "not-measured"
"""The section that is always there, and that names the sections with nothing to show."""

BUILT_IN = (
    with_context("summary", "Summary", summary.section, "main"),
    _of("changes", "Groups and gaps", changes.section, "main"),
    _of("population", "Over checkpoints", populations.section, "main"),
    with_context("runs", "Other runs", runs.section, "main"),  # only where others were asked for
    with_context("gallery", "Flipped items", gallery.section, "main"),  # likewise
    _of(NOT_MEASURED, "Not measured", not_measured.section, "main"),
    with_context("rules", "The rules", rules.section),
    _of("findings", "Findings in sentences", key_findings.section),
    _of("accuracy", "Accuracy", accuracy.section),
    _of("fairness", "Fairness", fairness.section),
    _of("grid", "Model × quantizer", grid.section),
    _of("trade-off", "Accuracy against disparity", tradeoff.section),
    _of("flips", "Flips", flips.section),
    _of("drift", "Drift", drift.section),
    _of("t-tests", "Paired t-tests", t_tests.section),
    _of("noise", "Batch noise", noise.section),
    _of("mechanisms", mechanisms.TITLE, mechanisms.section),
    _of("ablation", "Ablation", ablation.section),
    _of("layers", "Weight error by layer", layers.section),
    _of("coverage", "What was quantized", coverage.section),
    _of("speed", "Speed and memory", speed.section),
    _of("data", "Data and choices", data.section),
    _of("provenance", "Environment and provenance", provenance.section),
)


def ordered(added: Iterable[ReportSection]) -> list[ReportSection]:
    """Put the sections of plugins among the built-in ones, in the places that they name; the appendix comes last."""
    found = list(BUILT_IN)
    for record in added:
        at = [i for i, x in enumerate(found) if (x.name, x.place) == (record.before, record.place)]
        found.insert(at[0] if at else len(found), record)
    return sorted(found, key=lambda record: record.place != "main")
