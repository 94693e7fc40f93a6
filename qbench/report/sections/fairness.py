"""Fairness: disparities and skews of groups, before and after, and the classes with the largest changes."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Column, Heading, Section, Table, Text, name, number, tone_of
from qbench.report import formatting
from qbench.report.number_tables import change_table, describe, value_table
from qbench.report.run_numbers import Measure, NumberRow, RunNumbers
from qbench.report.sections import disparity_charts, group_charts

CLASSES = 20
EXPORT = "`qbench export --table effects` has all"


def section(numbers: RunNumbers) -> Section:
    """Make, for each benchmark with attributes, charts of gaps, tables of groups, and tables of the largest changes."""
    blocks: list[Block] = [
        Text(
            "A gap is the value of the first group minus that of the second; its sign says which group is favoured. "
            "Unlabelled items have numbers of their own. The gaps by which a benchmark is judged are in “Groups and "
            "gaps”; here are all others, the numbers of each group, and the classes with the largest changes."
        )
    ]
    for benchmark in numbers.benchmarks:
        measures = numbers.measures(benchmark, grouped=True)
        if measures:
            blocks.append(Heading(benchmark))
            blocks += group_charts.drawn(numbers, measures)
            blocks += _groups(numbers, measures)
    moved = list(_classes(numbers))
    if moved:
        blocks += [Heading("Classes and queries that moved most"), *moved]
    if len(blocks) == 1:
        blocks = [Text("No cell of this run has numbers by group.", absent=True)]
    return Section("fairness", "Fairness", blocks)


def _groups(numbers: RunNumbers, measures: list[Measure]) -> Iterator[Block]:
    pairs = numbers.pairs(measures[0].benchmark)
    for measure in measures:
        rows = numbers.of(measure, grouped=True)
        gaps: list[NumberRow] = []
        groups: list[NumberRow] = []
        for row in rows:
            if not disparity_charts.has(numbers, row):
                (gaps if not row.group or (row.attribute, row.group) in pairs else groups).append(row)
        gaps = [r for what in dict.fromkeys(g.what for g in gaps) for r in gaps if r.what == what]
        if gaps:
            yield change_table(numbers, measure, gaps, _caption(measure), closed=True)
        for attribute in dict.fromkeys(r.attribute for r in groups):
            mine = [r for r in groups if r.attribute == attribute]
            caption = f"{_caption(measure)}, by {formatting.isolated(attribute)}"
            yield value_table(numbers, mine, _ordered(numbers, mine), caption)


def _ordered(numbers: RunNumbers, rows: list[NumberRow]) -> list[tuple[str, str]]:
    labels = numbers.labels(rows[0].benchmark).get(rows[0].attribute, ())
    found = dict.fromkeys((r.group, r.metric, r.what) for r in rows)
    rank = {g: i for i, g in enumerate(labels)}
    return [(metric, what) for group, metric, what in sorted(found, key=lambda x: rank.get(x[0], len(rank)))]


def _caption(measure: Measure) -> str:
    return f"{measure.metric} on {formatting.isolated(measure.benchmark)}"


def _classes(numbers: RunNumbers) -> Iterator[Table]:
    effects = numbers.results.effects
    effects = effects[effects["class"] != ""]
    for (benchmark, metric), frame in effects.groupby(["benchmark", "metric"], sort=False):
        measure = numbers.measure(str(benchmark), str(metric))
        worst = frame.assign(size=frame["change"].abs()).sort_values("size", ascending=False, kind="stable")
        worst = worst[worst["size"] > 0].head(CLASSES)
        if len(worst):
            yield _class_table(measure, worst, len(frame) - len(worst), int(frame["change"].isna().sum()))


def _class_table(measure: Measure, worst: pd.DataFrame, left_out: int, undetermined: int) -> Table:
    rows = []
    for x in records(worst):
        text = formatting.change(x["change"], measure.unit)
        rows.append(
            [
                name(x["class"], head=True),
                name(": ".join(p for p in (x["attribute"], x["group"]) if p) or "all"),
                name(x["model"]),
                name(x["quantizer"]),
                number(formatting.value(x["baseline_value"], measure.unit, signed=measure.signed)),
                number(formatting.value(x["value"], measure.unit, signed=measure.signed)),
                number(text, tone_of(x["change"], text)),
                number(f"{x['n']:,}"),
            ]
        )
    heads = ["Class or query", "Groups", "Model", "Quantizer", "Before", "After", "Change", "n"]
    note = f"{undetermined:,} of these are undetermined; {EXPORT}" if undetermined else EXPORT
    return Table(
        caption=f"{measure.metric} on {formatting.isolated(measure.benchmark)}: the largest changes",
        columns=[Column(h, numeric=h in ("Before", "After", "Change", "n")) for h in heads],
        rows=rows,
        note=f"{describe(measure)} The largest of many changes is large partly by chance: read n first.".strip(),
        left_out=left_out,
        left_out_note=note,
        closed=True,
    )
