"""The changes over checkpoints: that of every checkpoint, their mean, and where the directions differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qbench.plugins.report_blocks import Block, Chart, Column, Entry, Section, Table, Text, name, number
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import Mark, forest
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers
from qbench.vocabulary import Better, Effect, PopulationVerdict

CHARTS, ROWS = 6, 60
EXPLAINED = (
    "Does a change hold for such models in general, or only for these checkpoints? The mean has two intervals: one "
    "for a population of such models, and one for exactly these checkpoints. The prediction interval (the faint "
    "line) is where one more checkpoint would probably lie; it is descriptive. “Inconsistent” means that the "
    "checkpoints differ by more than their standard errors explain, and that the prediction interval contains zero: "
    "the same group may gain under one model and lose under another."
)


def section(numbers: RunNumbers) -> Section:
    """Make a forest plot for each main number, and a table of all numbers."""
    found = numbers.results.populations
    title = "Over checkpoints"
    several = found[found["checkpoints"] > 1]
    if several.empty:
        text = "This run has fewer than two checkpoints that can be compared, so it says nothing about other models."
        return Section("population", title, [Text(text, absent=True)])
    blocks: list[Block] = [Text(EXPLAINED)]
    rows: list[Mapping[str, Any]] = [{str(k): v for k, v in r.items()} for r in several.to_dict("records")]
    rows.sort(key=lambda r: (PopulationVerdict(r["verdict"]).rank, -abs(float(r["mean"]))))
    drawn = _main(numbers, rows)[:CHARTS]
    blocks += [_chart(numbers, r) for r in drawn]
    shown = rows[:ROWS]
    shown += [r for r in drawn if not any(r is x for x in shown)]
    return Section("population", title, [*blocks, _table(shown, len(rows) - len(shown))])


def _main(numbers: RunNumbers, rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Select the main number and the first number by group of each benchmark, the clearest verdicts first."""
    main = {
        (b, m.metric) for b in numbers.benchmarks for g in (False, True) for m in numbers.measures(b, grouped=g)[:1]
    }
    labels = {(b, a): set(g) for b in numbers.benchmarks for a, g in numbers.labels(b).items()}
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for r in rows:
        labelled = not r["group"] or str(r["group"]) in labels.get((str(r["benchmark"]), str(r["attribute"])), set())
        if (r["benchmark"], r["metric"]) in main and labelled:
            found.setdefault((str(r["benchmark"]), str(r["metric"]), str(r["quantizer"])), []).append(r)
    return [of[0] for of in found.values()]  # one of each, so that no benchmark fills the page alone


def _chart(numbers: RunNumbers, row: Mapping[str, Any]) -> Chart:
    effects = effect_rows.whole(numbers.results.effects)
    keys = ["quantizer", "benchmark", "metric", "attribute", "group"]
    for key in keys:
        effects = effects[effects[key] == row[key]]
    known = sorted(effects[effects["change"].notna()].to_dict("records"), key=lambda r: float(r["change"]))
    marks = [effect_rows.mark(r, "model") for r in known]
    marks.append(
        Mark(
            label="Mean of such models",
            **{k: float(row[k]) for k in ("low", "high", "margin")},
            value=float(row["mean"]),
            effect=_effect(row),
            n=int(row["checkpoints"]),
            whole=True,
            names={},
            wide=(float(row["pi_low"]), float(row["pi_high"])) if math.isfinite(float(row["pi_low"])) else (),
        )
    )
    what = " ".join(str(row[k]) for k in ("metric", "attribute", "group") if row[k])
    unit = formatting.unit_of_change(str(row["unit"]))
    title = f"{formatting.isolated(str(row['quantizer']))}: {what} on {formatting.isolated(str(row['benchmark']))}"
    return Chart(
        name=chart_name("population", *(row[k] for k in keys)),
        title=title,
        words=(
            f"Forest plot of {formatting.count(len(known), 'checkpoint')}, sorted, and their mean: "
            f"{row['verdict']}. {row['reason']}"
        ),
        spec=forest(marks, str(row["unit"]), f"Change{unit and f', {unit}'}"),
        note=f"{str(row['verdict']).capitalize()}: {str(row['reason']).rstrip('.')}.",
    )


def _effect(row: Mapping[str, Any]) -> Effect:
    """What the mean says: a consistent change is for the better or for the worse, unless the metric has a sign."""
    if row["verdict"] == PopulationVerdict.NEGLIGIBLE:
        return Effect.EQUIVALENT
    if row["verdict"] != PopulationVerdict.CONSISTENT or row["better"] == Better.ZERO:
        return Effect.INCONCLUSIVE
    return Effect.BETTER if (float(row["mean"]) > 0) == (row["better"] == Better.HIGHER) else Effect.WORSE


def _table(rows: list[Mapping[str, Any]], left_out: int) -> Table:
    heads = [
        "Quantizer",
        "Benchmark",
        "Number",
        "Groups",
        "Checkpoints",
        "Mean",
        "95 % interval",
        "These checkpoints",
        "Prediction",
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
    )


def _same(value: Any) -> str:
    return f"{float(value):g}" if isinstance(value, int | float) and math.isfinite(value) else str(value)
