"""Does an answer depend on where light ends and dark begins? The same numbers under every cut of the skin tones."""

from __future__ import annotations

import math
from typing import Any

from qbench.plugins.report_blocks import Block, Chart, Section, Text
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import forest
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers

ROWS = 60
NOT_MEASURED = (
    "Not measured in this run. No source settles where light skin ends and dark skin begins; with "
    "other_cuts = true in the options of "
    "facet every cut is measured beside the chosen one."
)


def section(numbers: RunNumbers) -> Section:
    """For each gap that was measured under several cuts, a forest plot with a row a cut."""
    effects = effect_rows.whole(numbers.results.effects)
    blocks: list[Block] = []
    for benchmark in numbers.benchmarks:
        repeats = numbers.repeats(benchmark)
        cuts = {*repeats, *repeats.values()}
        for measure in numbers.measures(benchmark, grouped=True):
            mine = effects[(effects["benchmark"] == benchmark) & (effects["metric"] == measure.metric)]
            mine = mine[mine["attribute"].isin(cuts) & mine["change"].notna()]
            # Only the gaps: the groups of two cuts are not the same people.
            gaps = [r for r in mine.to_dict("records") if (r["attribute"], r["group"]) in numbers.pairs(benchmark)]
            if gaps:
                blocks.append(_chart(gaps, measure.metric, benchmark, measure.unit_of_change))
                break
    if not blocks:
        blocks = [Text(NOT_MEASURED, absent=True)]
    return Section("cuts", "Skin tone: other cuts", blocks)


def _chart(rows: list[Any], metric: str, benchmark: str, unit: str) -> Chart:
    rows.sort(key=lambda r: (str(r["model"]), str(r["quantizer"]), str(r["attribute"])))
    signs = {math.copysign(1, r["change"]) for r in rows if r["change"]}
    told = "The changes have both signs" if len(signs) > 1 else "All changes have the same sign"
    return Chart(
        name=chart_name("cuts", benchmark, metric),
        title=f"{metric} on {formatting.isolated(benchmark)} under each cut of the skin tones",
        words=f"Forest plot of {formatting.count(min(len(rows), ROWS), 'change')}, a row a cut. {told}.",
        spec=forest(
            [effect_rows.mark(r, "quantizer", "model", "where") for r in rows[:ROWS]],
            rows[0]["unit"],
            f"Change{unit and f', {unit}'}",
        ),
        note=f"{told} under these cuts. A finding that holds under one cut only is a finding about the cut.",
    )
