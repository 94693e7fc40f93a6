"""Flips: items that were right and are wrong, or the other way round; by group, and by how sure the baseline was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from qbench.plugins.report_blocks import Block, Chart, Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.charts.dots import dots
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers

ROWS = 80
GROUPS = 30
"""Of a chart; where there are more, those that flip most."""
DRAWN = 120
EXPLAINED = (
    "An average can stand still while many answers change. A flip is an item whose answer was right and is "
    "wrong now, or "
    "wrong and right now. Margin is how far the baseline's answer was from the next one: quarter 1 was the least sure."
)


def section(numbers: RunNumbers) -> Section:
    """Two charts a benchmark, a table of all, and the items that flip under most models."""
    flips = numbers.results.flips
    if flips.empty:
        return Section("flips", "Flips", [Text("No benchmark of this run has right and wrong answers.", absent=True)])
    blocks: list[Block] = [Text(EXPLAINED)]
    quantizers = [str(q) for q in dict.fromkeys(flips["quantizer"])]
    for benchmark, mine in flips.groupby("benchmark", sort=False):
        mine = mine[(mine["n"] > 0)]
        groups = mine[(mine["attribute"] != "") & (mine["group"] != "") & (mine["margin_bin"] == "")]
        bins = mine[(mine["attribute"] == "") & (mine["margin_bin"] != "")]
        pooled: list[dict[str, Any]] = []
        for kind, frame in (("group", groups), ("margin", bins)):
            if len(frame):
                rows = _pooled(kind, frame)
                blocks.append(_chart(str(benchmark), kind, rows, quantizers, models=frame["model"].nunique()))
                pooled += rows
        if pooled:
            blocks.append(_drawn(str(benchmark), pooled))
        blocks.append(_table(str(benchmark), mine[mine["margin_bin"] == ""]))
    return Section("flips", "Flips", [*blocks, *_exemplars(numbers)])


def _pooled(kind: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Sums over the models, so that each dot is a count of items and not a mean of rates."""
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


def _chart(benchmark: str, kind: str, pooled: list[dict[str, Any]], quantizers: list[str], *, models: int) -> Chart:
    where = formatting.isolated(benchmark)
    rows, left = _most(pooled)
    note = "Over all models of the run." if models > 1 else "With the 95 % interval."
    return Chart(
        name=chart_name("flips", benchmark, kind),
        title=f"Share of flipped items on {where}, by {'group' if kind == 'group' else 'the margin of the baseline'}",
        words=(
            f"{formatting.count(len(rows), 'dot')}: the share of items whose answer flipped, for each quantizer. "
            f"The numbers are in the table “Flips on {where}, as drawn” below."
        ),
        spec=dots(rows, quantizers, "Flipped, %", width=420),
        note=f"{note} {left:,} more groups, which flip less, are not drawn." if left else note,
    )


def _drawn(benchmark: str, rows: list[dict[str, Any]]) -> Table:
    """The numbers of the charts, a row a dot."""
    return Table(
        caption=f"Flips on {formatting.isolated(benchmark)}, as drawn",
        columns=[Column(h, i > 1) for i, h in enumerate(("Quantizer", "Groups", "Flipped", "n"))],
        rows=[
            [name(r["quantizer"], head=True), name(r["category"]), number(r["said"]), number(r["n"])]
            for r in rows[:DRAWN]
        ],
        note="“Quarter 1” are the items of which the baseline was least sure.",
        left_out=max(0, len(rows) - DRAWN),
        left_out_note="all are in `qbench export --table flips`, model by model",
        closed=True,
    )


def _most(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The rows of the groups that flip most, in their order, and how many groups are left out."""
    worst: dict[str, float] = {}
    for row in rows:
        worst[row["category"]] = max(row["value"], worst.get(row["category"], 0.0))
    kept = set(sorted(worst, key=lambda c: -worst[c])[:GROUPS])
    return [r for r in rows if r["category"] in kept], len(worst) - len(kept)


def _known(x: float) -> float | None:
    return round(x, 3) if math.isfinite(x) else None


def _table(benchmark: str, frame: pd.DataFrame) -> Table:
    heads = [
        "Model",
        "Quantizer",
        "Groups",
        "Lost",
        "Gained",
        "Flipped",
        "95 % interval",
        "p (as many lost as gained)",
        "p (groups alike)",
        "n",
    ]
    rows = [_row(r) for r in frame.head(ROWS).to_dict("records")]
    return Table(
        caption=f"Flips on {formatting.isolated(benchmark)}",
        columns=[Column(h, i > 2) for i, h in enumerate(heads)],
        rows=rows,
        note=(
            "McNemar's test, exact with mid-p; then whether the groups of an attribute flip equally often. "
            "Neither is corrected for the number of tests."
        ),
        left_out=max(0, len(frame) - ROWS),
        left_out_note="all are in `qbench export --table flips`",
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


def _exemplars(numbers: RunNumbers) -> list[Table]:
    found = numbers.results.exemplars
    if found.empty:
        return []
    heads = ["Quantizer", "Benchmark", "Item", "Label", "Models", "Lost", "Gained"]
    rows = []
    for r in found.head(ROWS).to_dict("records"):
        names = [name(str(r[k]), head=k == "quantizer") for k in ("quantizer", "benchmark", "item", "label")]
        rows.append([*names, *(number(f"{int(r[k]):,}") for k in ("models", "lost", "gained"))])
    return [
        Table(
            caption="Items whose majority answer over the models changed",
            columns=[Column(h, i > 3) for i, h in enumerate(heads)],
            rows=rows,
            note="The items that compression picks out (Hooker et al. 2020): look at them before you look at averages.",
            left_out=max(0, len(found) - ROWS),
            left_out_note="all are in `qbench export --table exemplars`",
            closed=True,
        )
    ]
