"""Flips: items whose prediction was correct and is wrong, or the other way round, by group and by margin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Chart, Column, Entry, Heading, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.charts.dots import dots
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers

ROWS = 80
GROUPS = 30
"""The number of groups in a chart: those with the most flips."""
DRAWN = 120
LEAST = 10
"""With fewer flipped items in all, a chart of their shares has nothing to show."""
EXPLAINED = (
    "An average can stay the same while many predictions change. A flip is an item whose prediction was correct and "
    "is now wrong (lost), or was wrong and is now correct (gained). The margin is how far the baseline's correct "
    "class was ahead of the best wrong one; in quarter 1, the baseline was the least sure."
)


def section(numbers: RunNumbers) -> Section:
    """Make two charts and two tables per benchmark, and a table of the items that flip under most models."""
    flips = numbers.results.flips
    if flips.empty:
        return Section(
            "flips", "Flips", [Text("No benchmark of this run has correct and wrong predictions.", absent=True)]
        )
    blocks: list[Block] = [Text(EXPLAINED)]
    for benchmark, mine in flips.groupby("benchmark", sort=False):
        blocks.append(Heading(str(benchmark)))
        mine = mine[(mine["n"] > 0)]
        groups = mine[(mine["attribute"] != "") & (mine["group"] != "") & (mine["margin_bin"] == "")]
        bins = mine[(mine["attribute"] == "") & (mine["margin_bin"] != "")]
        overall = mine[(mine["attribute"] == "") & (mine["margin_bin"] == "")]
        flipped = int(overall["lost"].sum() + overall["gained"].sum())
        pooled: list[dict[str, Any]] = []
        for kind, frame in (("group", groups), ("margin", bins)):
            if len(frame):
                rows = _pooled(kind, frame)
                if flipped >= LEAST:
                    blocks.append(_chart(numbers, str(benchmark), kind, rows, models=frame["model"].nunique()))
                pooled += rows
        if pooled:
            blocks.append(_drawn(str(benchmark), pooled))
        blocks.append(_table(numbers, str(benchmark), mine[mine["margin_bin"] == ""]))
    return Section("flips", "Flips", [*blocks, *_exemplars(numbers)])


def _pooled(kind: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Sum over the models, so that each dot is a count of items and not a mean of rates."""
    keys = ["quantizer", "attribute", "group", "margin_bin"]
    rows: list[dict[str, Any]] = []
    for names, part in frame.groupby(keys, sort=False):
        found = dict(zip(keys, (str(x) for x in names), strict=True))
        n, lost, gained = (int(part[k].sum()) for k in ("n", "lost", "gained"))
        rate = 100 * (lost + gained) / n
        category = f"quarter {found['margin_bin']}" if kind == "margin" else f"{found['attribute']}: {found['group']}"
        low, high = (float(100 * part[k].iloc[0]) if len(part) == 1 else math.nan for k in ("low", "high"))
        rows.append(
            {
                **{"quantizer": found["quantizer"], "attribute": found["attribute"], "category": category},
                "model": str(part["model"].iloc[0]) if len(part) == 1 else f"all {len(part)} models",
                **{"value": round(rate, 3), "low": _known(low), "high": _known(high), "n": f"{n:,}"},
                "said": f"{formatting.fixed(rate, 1)} % ({lost:,} lost, {gained:,} gained)",
            }
        )
    return rows


def _chart(numbers: RunNumbers, benchmark: str, kind: str, pooled: list[dict[str, Any]], *, models: int) -> Chart:
    where = formatting.isolated(benchmark)
    rows, left = _most(pooled)
    quantizers = [str(q) for q in dict.fromkeys(numbers.results.flips["quantizer"])]
    lines = f"The lines are {numbers.confidence} intervals."
    note = "The dots are over all models of the run." if models > 1 else lines
    return Chart(
        name=chart_name("flips", benchmark, kind),
        title=f"Share of flipped items on {where}, by {'group' if kind == 'group' else 'the margin of the baseline'}",
        words=(
            f"{formatting.count(len(rows), 'dot')}: the share of items whose prediction flipped, for each quantizer. "
            f"The numbers are in the table “Flips on {where}, as drawn” below."
        ),
        spec=dots(rows, quantizers, "Flipped, %", width=420),
        note=f"{note} {formatting.count(left, 'more group is', 'more groups are')} not drawn: those with fewer flips."
        if left
        else note,
    )


def _drawn(benchmark: str, rows: list[dict[str, Any]]) -> Table:
    """Make the table with the numbers of the charts, with one row per dot."""
    return Table(
        caption=f"Flips on {formatting.isolated(benchmark)}, as drawn",
        columns=[Column(h, i > 1) for i, h in enumerate(("Quantizer", "Groups", "Flipped", "n"))],
        rows=[
            [name(r["quantizer"], head=True), name(r["category"]), number(r["said"]), number(r["n"])]
            for r in rows[:DRAWN]
        ],
        note="Quarter 1 has the items for which the baseline was the least sure.",
        left_out=max(0, len(rows) - DRAWN),
        left_out_note="`qbench export --table flips` has all, for each model",
        closed=True,
    )


def _most(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Select the rows of the groups with the most flips, in their order; also return how many groups are left out."""
    worst: dict[str, float] = {}
    for row in rows:
        worst[row["category"]] = max(row["value"], worst.get(row["category"], 0.0))
    kept = set(sorted(worst, key=lambda c: -worst[c])[:GROUPS])
    return [r for r in rows if r["category"] in kept], len(worst) - len(kept)


def _known(x: float) -> float | None:
    return round(x, 3) if math.isfinite(x) else None


def _table(numbers: RunNumbers, benchmark: str, frame: pd.DataFrame) -> Table:
    heads = [
        "Model",
        "Quantizer",
        "Groups",
        "Lost",
        "Gained",
        "Flipped",
        f"{numbers.confidence} interval",
        "p (equally many lost and gained)",
        "p (groups alike)",
        "n",
    ]
    rows = [_row(r) for r in records(frame.head(ROWS))]
    return Table(
        caption=f"Flips on {formatting.isolated(benchmark)}",
        columns=[Column(h, i > 2) for i, h in enumerate(heads)],
        rows=rows,
        note=(
            "The first p is that of McNemar's exact test with mid-p. The second tests whether the groups of an "
            "attribute flip equally often. Neither is corrected for the number of tests."
        ),
        left_out=max(0, len(frame) - ROWS),
        left_out_note="`qbench export --table flips` has all",
        closed=True,
    )


def _row(r: Mapping[Any, Any]) -> list[Entry]:
    return [
        name(str(r["model"]), head=True),
        name(str(r["quantizer"]), head=True),
        name(": ".join(str(x) for x in (r["attribute"], r["group"]) if x) or "all"),
        number(f"{int(r['lost']):,}"),
        number(f"{int(r['gained']):,}"),
        number(formatting.value(float(r["rate"]), "share")),
        number(f"{formatting.value(float(r['low']), 'share')} to {formatting.value(float(r['high']), 'share')}"),
        *(number(_p(r[k])) for k in ("p_mcnemar", "p_groups")),
        number(f"{int(r['n']):,}"),
    ]


def _p(p: Any) -> str:
    if p is pd.NA or p is None or not math.isfinite(p):
        return ""
    return formatting.p_value(float(p), math.log10(p)) if p > 0 else "below 10⁻³⁰⁰"


def _exemplars(numbers: RunNumbers) -> list[Block]:
    found = numbers.results.exemplars
    if found.empty:
        return []
    heads = ["Quantizer", "Benchmark", "Item", "Label", "Models", "Lost", "Gained"]
    rows = []
    for r in records(found.head(ROWS)):
        names = [name(str(r[k]), head=k == "quantizer") for k in ("quantizer", "benchmark", "item", "label")]
        rows.append([*names, *(number(f"{int(r[k]):,}") for k in ("models", "lost", "gained"))])
    return [
        Heading("Over all models"),
        Table(
            caption="Items whose most frequent prediction over the models changed",
            columns=[Column(h, i > 3) for i, h in enumerate(heads)],
            rows=rows,
            note="Compression picks these items out (Hooker et al. 2020): look at them before you look at averages.",
            left_out=max(0, len(found) - ROWS),
            left_out_note="`qbench export --table exemplars` has all",
            closed=True,
        ),
    ]
