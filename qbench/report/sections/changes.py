"""The main charts of the study, for this run: accuracy and recall, disparity by attribute, skew by attribute."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from qbench.plugins.report_blocks import Block, Chart, Heading, Section, Text
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import forest
from qbench.report.palette import chart_name
from qbench.report.run_numbers import Measure, RunNumbers

ROWS = 48
"""The number of rows of a chart; the tables have all rows."""


def section(numbers: RunNumbers) -> Section:
    """Make one chart per benchmark and metric: those over all items first, then gaps and skews by attribute."""
    blocks: list[Block] = [
        Text(
            "Each row is the change of one number of one model × quantizer against its own baseline on the same "
            "items, with its 95 % interval. The shaded area is the margin. A filled square is a change for the "
            "worse, a disc is a change for the better, a diamond is equivalent, and an open ring is inconclusive. "
            "Larger marks are over all items."
        )
    ]
    for benchmark in numbers.benchmarks:
        charts = list(_charts(numbers, benchmark))
        if charts:
            blocks += [Heading(benchmark), *charts]
    if len(blocks) == 1:
        blocks = [Text("This run has nothing to compare.")]
    return Section("figures", "Changes at a glance", blocks)


def _charts(numbers: RunNumbers, benchmark: str) -> Iterator[Chart]:
    overall = numbers.measures(benchmark, grouped=False)[:2]
    for measure in overall:
        yield from drawn(numbers, measure, grouped=False)
    families: set[str] = set()
    for measure in numbers.measures(benchmark, grouped=True):
        # One cut-off and one chart per family: the others are in the tables.
        if measure.family not in families and len(families) < 4:
            families.add(measure.family)
            yield from drawn(numbers, measure, grouped=True)


def drawn(numbers: RunNumbers, measure: Measure, *, grouped: bool) -> Iterator[Chart]:
    """Make the forest plot of one metric, if any change of it is known."""
    effects = effect_rows.whole(numbers.results.effects)
    mine = effects[(effects["benchmark"] == measure.benchmark) & (effects["metric"] == measure.metric)]
    mine = mine[(mine["attribute"] != "") == grouped]
    mine = mine[mine["change"].notna()]
    kept = [
        (r["change"] != 0 or math.isfinite(r["low"]))
        and not numbers.unlabelled(measure.benchmark, r["attribute"], r["group"])
        for r in mine.to_dict("records")
    ]
    few, mine = len(mine) - sum(kept), mine[kept]
    if mine.empty:
        return
    rows = effect_rows.worst_first(mine.to_dict("records"))
    parts = ("where", "quantizer", "model") if grouped else ("quantizer", "model")
    unit = measure.unit_of_change
    some = formatting.count(min(len(rows), ROWS), "change")
    left = f" {len(rows) - ROWS:,} more rows with smaller losses are in the tables." if len(rows) > ROWS else ""
    left += f" {few:,} rows without any change, or of unlabelled items, are not drawn." if few else ""
    yield Chart(
        name=chart_name(measure.benchmark, measure.metric, "groups" if grouped else "all"),
        title=(
            f"{measure.metric} on {formatting.isolated(measure.benchmark)}{', by group' if grouped else ''}: "
            f"change, worst first"
        ),
        words=(
            f"Forest plot of {some}: {effect_rows.verdict_counts(pd.DataFrame(rows[:ROWS]))}. "
            f"The numbers are printed beside the marks."
        ),
        spec=forest([effect_rows.mark(r, *parts) for r in rows[:ROWS]], measure.unit, f"Change{unit and f', {unit}'}"),
        note=f"{numbers.measure(measure.benchmark, measure.metric).summary}{left}".strip(),
    )
