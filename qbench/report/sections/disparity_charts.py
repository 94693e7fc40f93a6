"""The charts of gaps: disparity and skew by attribute, before and after, as pairs of dots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from qbench.plugins.report_blocks import Block, Chart
from qbench.report import formatting
from qbench.report.charts.before_after import before_after
from qbench.report.number_tables import change_table
from qbench.report.palette import chart_name
from qbench.report.run_numbers import Measure, NumberRow, RunNumbers
from qbench.vocabulary import MetricRole

ROLES = (MetricRole.GAP, MetricRole.SKEW)
"""What is drawn before and after: of a gap the change alone does not say whether it grew."""
PLOTS, MODELS = 12, 12
"""How many small charts there are in a chart, and how many models in each."""


def drawn(numbers: RunNumbers, measure: Measure) -> Iterator[Block]:
    """Make the chart of one kind of gap, and its table, if any change of it has an interval."""
    rows = [r for grouped in (False, True) for r in numbers.of(measure, grouped=grouped) if has(numbers, r)]
    known = [r for r in rows if math.isfinite(r.low) and math.isfinite(r.value)]
    valid = [r for r in known if not numbers.void(r)]
    if valid:
        yield _chart(measure, valid, len(known) - len(valid))
    if rows:
        yield change_table(
            numbers, measure, rows, f"{measure.metric} on {formatting.isolated(measure.benchmark)}", closed=True
        )


def has(numbers: RunNumbers, row: NumberRow) -> bool:
    """Whether a row is in these charts or their tables: a gap or a skew by which its benchmark is judged.

    Of a variant, and of labelled groups under the chosen cut of an attribute.
    """
    return (
        row.state == "compared"
        and any(m.metric == row.metric and m.role in ROLES for m in numbers.questions[row.benchmark])
        and not numbers.unlabelled(row.benchmark, row.attribute, row.group)
        and row.attribute not in numbers.repeats(row.benchmark)
    )


def _chart(measure: Measure, rows: Sequence[NumberRow], void: int) -> Chart:
    models, quantizers = (list(dict.fromkeys(getattr(r, key) for r in rows)) for key in ("model", "quantizer"))
    plots = _most_moved(rows)
    shown = [r for r in rows if r.what in plots[:PLOTS] and r.model in models[:MODELS]]
    scale = measure.scale
    unit = measure.unit_of_change
    left = [
        formatting.count(len(names) - limit, *words)
        for names, limit, words in (
            (plots, PLOTS, ("number with smaller changes", "numbers with smaller changes")),
            (models, MODELS, ("more model", "more models")),
        )
        if len(names) > limit
    ]
    left += [f"{formatting.count(void, 'pair')} with a void comparison"] if void else []
    where = formatting.isolated(measure.benchmark)
    return Chart(
        name=chart_name("before-after", measure.benchmark, measure.metric),
        title=f"{measure.metric} on {where} by attribute, before and after",
        words=(
            f"{formatting.count(len(shown), 'pair')} of dots, with one small chart per gap or skew and one row per "
            f"model × quantizer. The numbers are in the table “{measure.metric} on {where}” below."
        ),
        spec=before_after(
            [_row(r, measure, scale) for r in shown], quantizers, f"{measure.metric}{unit and f', {unit}'}"
        ),
        note=" ".join([f"{measure.summary.rstrip('.')}." if measure.summary else "", *_left(left)]).strip(),
    )


def _left(what: Sequence[str]) -> list[str]:
    return [f"Not drawn: {', '.join(what)}; the table has them."] if what else []


def _most_moved(rows: Sequence[NumberRow]) -> list[str]:
    """The gaps, those with the largest changes first."""
    moved: dict[str, float] = {}
    for row in rows:
        moved[row.what] = max(abs(row.change), moved.get(row.what, 0.0))
    return sorted(moved, key=lambda what: -moved[what])


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
