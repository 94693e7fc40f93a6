"""The changes over checkpoints: their mean, and where the directions differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Chart, Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.charts.forest import Mark, forest
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers
from qbench.text import percent
from qbench.vocabulary import Better, Effect, MetricRole, PopulationVerdict

DRAWN, ROWS = 18, 60
LEAST_DRAWN = 3
"""Of fewer checkpoints the means are in the table only: an interval from two has one degree of freedom and spans
12.7 standard errors to each side (1.96 from many), and no prediction interval."""
FEW = (
    "Two checkpoints are too few to say whether a change holds for such models in general: the intervals of their "
    "means are wide whatever the models do. The table has them; read the changes of each model above."
)
OVER = ("model",)
EXPLAINED = (
    "Does a change hold for such models in general, or only for these checkpoints? The mean has two intervals: one "
    "for a population of such models, and one for exactly these checkpoints. The prediction interval (the faint "
    "line) is where one more checkpoint would probably lie; it is descriptive. “Inconsistent” means that the "
    "checkpoints differ by more than their standard errors explain, and that the prediction interval contains zero: "
    "the same group may gain under one model and lose under another."
)


def section(numbers: RunNumbers) -> Section:
    """Make one forest plot of the means of the main numbers, and a table of all numbers."""
    found = numbers.results.populations
    title = "Over checkpoints"
    several = found[found["checkpoints"] > 1]
    if several.empty:
        text = "This run has fewer than two checkpoints that can be compared, so it says nothing about other models."
        return Section("population", title, [Text(text, absent=True)])
    rows: list[Mapping[str, Any]] = [*records(several)]
    rows.sort(key=lambda r: (PopulationVerdict(r["verdict"]).rank, -abs(float(r["mean"]))))
    enough = [row for row in rows if row["checkpoints"] >= LEAST_DRAWN]
    blocks: list[Block] = [Text(EXPLAINED), *_charts(numbers, enough)] if enough else [Text(FEW)]
    return Section("population", title, [*blocks, _table(numbers, rows[:ROWS], max(0, len(rows) - ROWS))])


def _charts(numbers: RunNumbers, rows: list[Mapping[str, Any]]) -> Iterator[Chart]:
    """Draw the means of the accuracies over all items and by group."""
    main = {(b, m.metric) for b in numbers.benchmarks for m in numbers.questions[b] if m.role is MetricRole.ACCURACY}
    drawn = [r for r in rows if (r["benchmark"], r["metric"]) in main and _is_drawn(numbers, r)]
    for unit in list(dict.fromkeys(str(r["unit"]) for r in drawn))[:1]:
        mine = [r for r in drawn if r["unit"] == unit][:DRAWN]
        axis = formatting.unit_of_change(unit)
        yield Chart(
            name=chart_name("population", unit),
            title="Accuracy: the mean change over the checkpoints, the clearest verdicts first",
            words=(
                f"Forest plot of {formatting.count(len(mine), 'mean')}, with the interval for a population of such "
                f"models and, faintly, the prediction interval. The numbers are printed beside the marks."
            ),
            spec=forest([_mark(r) for r in mine], unit, f"Mean change{axis and f', {axis}'}"),
            note="n is the number of checkpoints. The table has all numbers.",
            over=OVER,
        )


def _is_drawn(numbers: RunNumbers, row: Mapping[str, Any]) -> bool:
    where = str(row["benchmark"]), str(row["attribute"]), str(row["group"])
    known = math.isfinite(float(row["low"])) and math.isfinite(float(row["high"]))
    return known and not numbers.unlabelled(*where) and where[1] not in numbers.repeats(where[0])


def _mark(row: Mapping[str, Any]) -> Mark:
    names = {k: str(row[k]) for k in ("quantizer", "benchmark", "metric", "attribute", "group")}
    where = ": ".join(x for x in (names["attribute"], names["group"]) if x)
    return Mark(
        label=" · ".join(x for x in (where or names["metric"], names["quantizer"], names["benchmark"]) if x),
        **{k: float(row[k]) for k in ("low", "high", "margin")},
        value=float(row["mean"]),
        effect=_effect(row),
        n=int(row["checkpoints"]),
        whole=not where,
        names=names,
        wide=(float(row["pi_low"]), float(row["pi_high"])) if math.isfinite(float(row["pi_low"])) else (),
        levels=str(row["verdict"]),
    )


def _effect(row: Mapping[str, Any]) -> Effect:
    """What the mean says: a consistent change is for the better or for the worse, unless the metric has a sign."""
    if row["verdict"] == PopulationVerdict.NEGLIGIBLE:
        return Effect.EQUIVALENT
    if row["verdict"] != PopulationVerdict.CONSISTENT or row["better"] == Better.ZERO:
        return Effect.INCONCLUSIVE
    return Effect.BETTER if (float(row["mean"]) > 0) == (row["better"] == Better.HIGHER) else Effect.WORSE


def _table(numbers: RunNumbers, rows: list[Mapping[str, Any]], left_out: int) -> Table:
    heads = [
        "Quantizer",
        "Benchmark",
        "Number",
        "Groups",
        "Checkpoints",
        "Mean",
        f"{numbers.confidence} interval",
        "These checkpoints",
        f"{percent(2 * numbers.results.confidence - 1)} prediction",
        "Same sign",
        "Verdict",
        "Why",
    ]
    numeric = set(heads[4:10])
    body: list[list[Entry]] = []
    for r in rows:
        unit = str(r["unit"])
        pairs = [
            formatting.interval(float(r[a]), float(r[b]), unit)
            for a, b in (("low", "high"), ("fixed_low", "fixed_high"), ("pi_low", "pi_high"))
        ]
        body.append(
            [
                *(name(str(r[k]), head=k == "quantizer") for k in ("quantizer", "benchmark", "metric")),
                name(": ".join(str(x) for x in (r["attribute"], r["group"]) if x) or "all"),
                number(f"{int(r['checkpoints']):,}"),
                number(formatting.change(float(r["mean"]), unit)),
                *(number(x) for x in pairs),
                number(_same(r["same_sign"])),
                Entry(str(r["verdict"])),
                Entry(str(r["reason"])),
            ]
        )
    return Table(
        caption="Every number over the checkpoints, inconsistent ones first",
        columns=[Column(h, h in numeric) for h in heads],
        rows=body,
        left_out=left_out,
        left_out_note="`qbench export --table populations` has all",
        closed=True,
        over=OVER,
    )


def _same(value: Any) -> str:
    return f"{float(value):g}" if isinstance(value, int | float) and math.isfinite(value) else str(value)
