"""The charts of gaps: disparity and skew by attribute, before and after, as pairs of dots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from qbench.plugins.report_blocks import Chart
from qbench.report import formatting
from qbench.report.charts.before_after import before_after
from qbench.report.palette import chart_name
from qbench.report.run_numbers import Measure, NumberRow, RunNumbers
from qbench.vocabulary import Better

FAMILIES = 2
"""How many kinds of gaps are drawn for a benchmark: the first that it declares, at their first cut-off."""
PLOTS, MODELS = 9, 12
"""How many small charts there are in a chart, and how many models in each."""


def drawn(numbers: RunNumbers, measures: Sequence[Measure]) -> Iterator[Chart]:
    """Make one chart per kind of gap of a benchmark, for the first kinds that it declares."""
    families: set[str] = set()
    for measure in measures:
        if measure.better == Better.HIGHER or measure.family in families or len(families) == FAMILIES:
            continue
        rows = [r for r in numbers.of(measure, grouped=True) if _gap(numbers, r) and r.state == "compared"]
        rows = [r for r in rows if math.isfinite(r.value) and math.isfinite(r.baseline_value)]
        valid = [r for r in rows if not numbers.void(r)]
        if valid:
            families.add(measure.family)
            yield _chart(measure, valid, len(rows) - len(valid))


def _gap(numbers: RunNumbers, row: NumberRow) -> bool:
    """Whether a row is a gap under the chosen cut; the other cuts have a section of their own."""
    pair = not row.group or (row.attribute, row.group) in numbers.pairs(row.benchmark)
    return pair and row.attribute not in numbers.repeats(row.benchmark)


def _chart(measure: Measure, rows: Sequence[NumberRow], void: int) -> Chart:
    plots, models, quantizers = (
        list(dict.fromkeys(getattr(r, key) for r in rows)) for key in ("what", "model", "quantizer")
    )
    shown = [r for r in rows if r.what in plots[:PLOTS] and r.model in models[:MODELS]]
    scale = measure.scale
    unit = measure.unit_of_change
    left = [
        formatting.count(len(names) - limit, f"more {one}")
        for names, limit, one in ((plots, PLOTS, "gap"), (models, MODELS, "model"))
        if len(names) > limit
    ]
    left += [f"{formatting.count(void, 'pair')} with a void comparison"] if void else []
    where = formatting.isolated(measure.benchmark)
    return Chart(
        name=chart_name("before-after", measure.benchmark, measure.metric),
        title=f"{measure.metric} on {where} by attribute, before and after",
        words=(
            f"{formatting.count(len(shown), 'pair')} of dots, with one small chart per gap and one row per model × "
            f"quantizer. The numbers are in the table “{measure.metric} on {where}” below."
        ),
        spec=before_after(
            [_row(r, measure, scale) for r in shown], quantizers, f"{measure.metric}{unit and f', {unit}'}"
        ),
        note=(
            "The ring is before, and the filled mark is after. "
            + (
                "The shaded area is the value before plus the 95 % interval of the change: where the ring is "
                "inside, no change is shown. An interval that goes beyond the axis is cut."
                if any(math.isfinite(r.low) for r in shown)
                else "These changes have no interval."
            )
            + (f" {' and '.join(left)} are not drawn; `qbench export` has all." if left else "")
        ),
    )


def _row(row: NumberRow, measure: Measure, scale: float) -> dict[str, Any]:
    before, after = (formatting.value(x, measure.unit, signed=measure.signed) for x in (row.baseline_value, row.value))
    known = math.isfinite(row.low) and math.isfinite(row.high)
    ends = [round(scale * (row.baseline_value + x), 4) if known else None for x in (row.low, row.high)]
    return {
        **{"model": row.model, "quantizer": row.quantizer, "attribute": row.attribute, "what": row.what},
        **{"before": round(scale * row.baseline_value, 4), "after": round(scale * row.value, 4)},
        **{"low": ends[0], "high": ends[1], "said": f"{before} → {after}", "n": f"{row.n:,}"},
        "interval": said_change(row, measure),
    }


def said_change(row: NumberRow, measure: Measure) -> str:
    """Write a change with its interval, or say that there is none."""
    if row.state != "compared":
        return row.state
    ends = formatting.interval(row.low, row.high, measure.unit) if math.isfinite(row.low) else "(no interval)"
    return f"{formatting.change(row.change, measure.unit)} {ends}"
