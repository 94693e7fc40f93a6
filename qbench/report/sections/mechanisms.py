"""Where the changes come from: which groups move, which method, which tower, and what goes with the direction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from qbench.data.records import records
from qbench.models.layer_options import ENCODERS, tower_of
from qbench.plugins.report_blocks import Block, Column, Entry, Heading, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.ablation_rows import printed
from qbench.report.run_numbers import RunNumbers
from qbench.stats.population import LEAST
from qbench.vocabulary import MetricRole

ROWS = 60
TITLE = "Where the changes come from"
GROUPS = (
    "Drift is one minus the cosine of the baseline's and the variant's answer to the same image; a flip is a "
    "prediction that became correct or wrong. The intervals and tests take images as units. Each p asks whether the "
    "groups of one attribute drift, or flip, alike; none is corrected for the number of tests. A group with fewer "
    "than 30 images has no interval of its drift."
)
METHOD = (
    "Shares of the variance of the changes over all classes that go with each factor, averaged over the orders in "
    "which factors can be entered; “model” is what a model adds to its source and size. In brackets: the share to "
    "expect where labels mean nothing. Void numbers and declared comparisons are left out. These numbers describe the "
    "changes of this run; the test of each factor is in the last table."
)
TOWER = (
    "Each tower was quantized alone. The p-values are corrected for all parts and numbers of one model and quantizer "
    "together. The changes of the towers need not add up to that of all."
)
DIRECTION = (
    "A mixed model of the changes of the checkpoints, with the covariance of the images that they share. A quantizer "
    "is compared with the mean of the others, a source with the mean of the other sources at the same size, and the "
    "size within the sources. “Found in 80 %” is the smallest effect that such data would find in four of five cases: "
    "with few checkpoints, what is smaller cannot be seen. The corrected p is by Holm's method, for the groups and "
    "levels of one metric, attribute and factor. Sizes and sources were not assigned at random, so none of this shows "
    "a cause."
)


def section(numbers: RunNumbers) -> Section:
    """Make the four parts, each with the table that it is about."""
    parts: list[tuple[str, list[Block]]] = [
        ("By group", _by_group(numbers)),
        ("By method, source and model", _by_method(numbers)),
        ("By tower", _by_tower(numbers)),
        ("What goes with the direction", _directions(numbers)),
    ]
    if not any(isinstance(block, Table) for _, blocks in parts for block in blocks):
        return Section("mechanisms", TITLE, [Text("This run has no variant to compare with a baseline.", absent=True)])
    return Section("mechanisms", TITLE, [x for head, blocks in parts for x in (Heading(head), *blocks)])


def _by_group(numbers: RunNumbers) -> list[Block]:
    drift, flips = numbers.results.drift, numbers.results.flips
    keys = ["model", "quantizer", "benchmark", "attribute", "group"]
    flips = flips[flips["margin_bin"].eq("")]
    whole = flips[flips["group"].eq("")][[*keys[:-1], "p_groups"]]
    flips = flips.drop(columns=["p_groups", "n"]).merge(whole, on=keys[:-1], how="left")
    both = drift.merge(flips, on=keys, how="outer", suffixes=("_drift", "_flips"), sort=False)
    both = both[both["group"].ne("")]
    labelled = [not numbers.unlabelled(str(r.benchmark), str(r.attribute), str(r.group)) for r in both.itertuples()]
    both = both[labelled]
    if both.empty:
        return [Text("No benchmark of this run has groups.")]
    rows = [
        [
            *(name(str(r[k]), head=True) for k in ("model", "quantizer")),
            name(str(r["benchmark"])),
            name(f"{r['attribute']}: {r['group']}"),
            number(_with_interval(1 - r["mean"], 1 - r["high_drift"], 1 - r["low_drift"], 5)),
            number(_p(r["p_groups_drift"])),
            number(_with_interval(100 * r["rate"], 100 * r["low_flips"], 100 * r["high_flips"], 1)),
            number(_p(r["p_groups_flips"])),
        ]
        for r in records(both.head(ROWS))
    ]
    heads = ["Model", "Quantizer", "Benchmark", "Group", "Drift", "p (drift alike)", "Flipped, %", "p (flips alike)"]
    table = _table(f"Drift and flips by group, with {numbers.confidence} intervals", heads, 4, rows, len(both))
    return [Text(GROUPS), _closed(table, "`qbench export --table drift` and `--table flips` have all")]


def _by_method(numbers: RunNumbers) -> list[Block]:
    found = numbers.results.variance
    found = found[found["share"].notna()]
    if found.empty:
        return [Text("This run has too few changes to divide their variance.")]
    factors = [x for x in ("quantizer", "source", "size", "model", "group", "rest") if x in set(found["factor"])]
    rows: list[list[Entry]] = []
    grouped = found.groupby(["benchmark", "metric", "attribute"], sort=False)
    for (benchmark, metric, attribute), mine in list(grouped)[:ROWS]:
        shares = {str(r["factor"]): r for r in records(mine)}
        what = " · ".join(str(x) for x in (metric, attribute) if x)
        cells = [number(_share(shares.get(factor))) for factor in factors]
        count = number(f"{int(mine['changes'].iloc[0]):,}")
        rows.append([name(str(benchmark), head=True), name(what), *cells, count])
    heads = ["Benchmark", "Number", *(x.capitalize() for x in factors), "Changes"]
    table = _table("Share of the variance of the changes, % (by chance)", heads, 2, rows, len(grouped))
    return [Text(METHOD), _closed(table, "`qbench export --table variance` has all", over=("model", "quantizer"))]


def _by_tower(numbers: RunNumbers) -> list[Block]:
    table = numbers.results.ablation
    towers = _towers(numbers, table)
    if not {tower_of(part) for part in towers} >= ENCODERS:
        return [Text("No tower was quantized alone in this run; `qbench ablate SPEC --by part` does that.")]
    main = {(b, m.metric) for b in numbers.benchmarks for m in numbers.questions[b] if m.role is MetricRole.ACCURACY}
    mine = table[table["part"].isin(towers) & table["direction"].eq("only")]
    mine = mine[[pair in main for pair in zip(mine["benchmark"], mine["metric"], strict=True)]]
    rows = [
        [name(str(r["model"]), head=True), name(str(r["quantizer"]), head=True), *map(name, list(text.values())[:3])]
        + [number(x) for x in list(text.values())[3:]]
        for r, text in zip(records(mine), printed(mine), strict=True)
    ]
    heads = ["Model", "Quantizer", "Tower", "Benchmark", "Number", "Change", f"{numbers.confidence} interval"]
    heads += ["Both", "Corrected p"]
    shown = _table("The accuracy where one tower is quantized, and where all is", heads, 5, rows[:ROWS], len(rows))
    return [Text(TOWER), _closed(shown, "`qbench export --table ablation` has all")]


def _towers(numbers: RunNumbers, ablation: pd.DataFrame) -> list[str]:
    """The parts of an ablation that are a tower, and not one layer or one kind of layer."""
    layers = {str(x) for x in numbers.results.layers["name"]}
    parts = [str(x) for x in dict.fromkeys(ablation["part"])]
    return [
        part
        for part in parts
        if "." not in part.removeprefix("model.") and any(layer.startswith(f"{part}.") for layer in layers)
    ]


def _directions(numbers: RunNumbers) -> list[Block]:
    found = numbers.results.predictors
    models = numbers.results.effects["model"].nunique()
    found = found[found["p"].notna()].sort_values("p", kind="stable")
    if found.empty:
        few = f"Quantizers, sizes and sources are compared over at least {LEAST} checkpoints that differ in them"
        return [Text(f"{few}; this run has {formatting.count(models, 'model')}.")]
    small = int((found["p_adjusted"] <= 1 - numbers.results.confidence).sum())
    said = f"A corrected p of at most {numbers.level}: {small:,} of {formatting.count(len(found), 'test')}."
    rows = [_direction(r) for r in records(found.head(ROWS))]
    heads = ["Benchmark", "Number", "Factor", "Level", "Checkpoints", "Effect on the change"]
    heads += [f"{numbers.confidence} interval", "df", "p", "Corrected p", "Found in 80 %"]
    table = _table("What goes with the direction of the changes, smallest p first", heads, 4, rows, len(found))
    shown = _closed(table, "`qbench export --table predictors` has all", over=("model", "quantizer"))
    return [Text(DIRECTION), Text(said), shown]


def _direction(row: Mapping[str, Any]) -> list[Entry]:
    unit = str(row["unit"])
    df = float(row["df"])
    return [
        name(str(row["benchmark"]), head=True),
        name(" · ".join(str(row[x]) for x in ("metric", "attribute", "group") if row[x])),
        name(str(row["factor"])),
        name(str(row["level"])),
        number(f"{int(row['checkpoints']):,}"),
        number(formatting.change(float(row["estimate"]), unit)),
        number(formatting.interval(float(row["low"]), float(row["high"]), unit)),
        number(f"{df:.0f}" if math.isfinite(df) else "∞"),
        number(formatting.p_value(row["p"])),
        number(formatting.p_value(row["p_adjusted"])),
        number(formatting.change(float(row["detectable"]), unit)),
    ]


def _table(caption: str, heads: Sequence[str], texts: int, rows: Sequence[Sequence[Entry]], every: int) -> Table:
    columns = [Column(head, i >= texts) for i, head in enumerate(heads)]
    return Table(caption=caption, columns=columns, rows=rows, left_out=max(0, every - len(rows)))


def _closed(table: Table, note: str, over: Sequence[str] = ()) -> Table:
    return replace(table, closed=True, left_out_note=note, over=over)


def _with_interval(value: float, low: float, high: float, digits: int) -> str:
    if not math.isfinite(value):
        return ""
    ends = f" [{', '.join(formatting.fixed(x, digits) for x in (low, high))}]" if math.isfinite(low) else ""
    return formatting.fixed(value, digits) + ends


def _p(p: float) -> str:
    return formatting.p_value(p) if math.isfinite(p) else ""


def _share(row: Mapping[str, Any] | None) -> str:
    return f"{100 * row['share']:.0f} ({100 * row['chance']:.0f})" if row is not None else ""
