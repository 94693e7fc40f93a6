"""Charts of the value of each group before and after: where the groups differ, and what quantization changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from qbench.plugins.report_blocks import Chart
from qbench.report import formatting
from qbench.report.charts.group_bars import group_bars
from qbench.report.palette import chart_name
from qbench.report.run_numbers import Measure, NumberRow, RunNumbers
from qbench.report.sections.disparity_charts import said_change
from qbench.vocabulary import Unit

FAMILIES, GROUPS, MODELS = 4, 24, 3
"""How many numbers can be chosen, how many groups are drawn, and how many models are side by side."""


def drawn(numbers: RunNumbers, measures: Sequence[Measure]) -> list[Chart]:
    """Make the chart of the numbers by group of a benchmark, if it has any."""
    found: dict[str, tuple[Measure, list[NumberRow]]] = {}
    for measure in measures:
        rows = [r for r in numbers.of_cells(measure, grouped=True) if _level(numbers, r) and not numbers.void(r)]
        if rows and measure.family not in found and len(found) < FAMILIES:
            found[measure.family] = (measure, rows)
    return [_chart(numbers, list(found.values()))] if found else []


def _level(numbers: RunNumbers, row: NumberRow) -> bool:
    """Whether a row is the value of a labelled group under the chosen cut."""
    pair = (row.attribute, row.group) in numbers.pairs(row.benchmark)
    labelled = not numbers.unlabelled(row.benchmark, row.attribute, row.group)
    chosen = row.attribute not in numbers.repeats(row.benchmark)
    return bool(row.group) and not pair and labelled and chosen and math.isfinite(row.value)


def _chart(numbers: RunNumbers, found: Sequence[tuple[Measure, list[NumberRow]]]) -> Chart:
    models, quantizers = (
        list(dict.fromkeys(getattr(r, key) for _, rows in found for r in rows)) for key in ("model", "quantizer")
    )
    parts = _parts(models)
    rows: list[dict[str, Any]] = []
    left = 0
    for measure, mine in found:
        kept = _most(mine)
        left = max(left, len({r.what for r in mine}) - len(kept))
        rows += [_row(r, measure, parts) for r in mine if r.what in kept]
    names = list(dict.fromkeys(r["number"] for r in rows))
    benchmark = found[0][0].benchmark
    where, first = formatting.isolated(benchmark), names[0].partition(",")[0]
    beside = len({r["model"] for r in rows if r["part"] == rows[0]["part"]})
    void = {r.model for r in numbers.rows if r.benchmark == benchmark and numbers.void(r)}
    more = [f"choose which of the {len(models):,} models are shown, {MODELS} at a time"] if len(models) > MODELS else []
    more += [f"choose one of {len(names):,} numbers"] if len(names) > 1 else []
    some = any(r["low"] is not None for r in rows)
    return Chart(
        name=chart_name("groups", benchmark),
        title=f"Groups on {where}: {' or '.join(n.partition(',')[0] for n in names)}, before and after",
        words=(
            f"Bars of {first} by group for {formatting.count(beside, 'model')}, one bar per quantizer. The numbers are "
            f"in the tables “{first} on {where}, by …” below."
        ),
        spec=group_bars(rows, quantizers, names, list(dict.fromkeys(parts.values()))),
        note=(
            (
                "The line across a bar is the value before plus the interval of the change: where it contains "
                f"the end of the bar of {formatting.isolated(numbers.results.baseline)}, no change is shown. "
                if some
                else "The changes of these numbers have no interval; the marks show the numbers only. "
            )
            + (f"With the script of the page you can {' and '.join(more)}. " if more else "")
            + (
                f"{formatting.count(left, 'more group is', 'more groups are')} in the tables, with smaller changes. "
                if left
                else ""
            )
            + (f"Not drawn, because their comparisons are void: {formatting.listing(sorted(void), 6)}." if void else "")
        ).strip(),
    )


def _parts(models: Sequence[str]) -> dict[str, str]:
    """Model → the name of the set of models that it is drawn with."""
    sets = [models[i : i + MODELS] for i in range(0, len(models), MODELS)]
    ends = [(i * MODELS + 1, i * MODELS + len(x)) for i, x in enumerate(sets)]
    return {m: f"{a} to {b} of {len(models)}" for (a, b), mine in zip(ends, sets, strict=True) for m in mine}


def _most(rows: Sequence[NumberRow]) -> set[str]:
    """Select the groups with the largest changes, as many as fit on the axis."""
    moved: dict[str, float] = {}
    for row in rows:
        size = abs(row.change) if row.state == "compared" and math.isfinite(row.change) else 0.0
        moved[row.what] = max(size, moved.get(row.what, 0.0))
    return set(sorted(moved, key=lambda what: -moved[what])[:GROUPS])


def _row(row: NumberRow, measure: Measure, parts: Mapping[str, str]) -> dict[str, Any]:
    factor, said = measure.scale, "%" if measure.unit == Unit.SHARE else measure.unit
    known = row.state == "compared" and math.isfinite(row.low) and math.isfinite(row.high)
    ends = [round(factor * (row.baseline_value + x), 3) if known else None for x in (row.low, row.high)]
    return {
        **{"number": f"{measure.metric}{said and f', {said}'}", "part": parts[row.model], "model": row.model},
        **{"quantizer": row.quantizer, "attribute": row.attribute, "group": row.what},
        **{"value": round(factor * row.value, 3), "low": ends[0], "high": ends[1], "n": f"{row.n:,}"},
        "said": formatting.value(row.value, measure.unit, signed=measure.signed),
        "interval": said_change(row, measure),
    }
