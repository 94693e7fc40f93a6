"""Accuracy against disparity, with size and speed: which variants no other variant beats."""

from __future__ import annotations

import math
from typing import Any

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Chart, Column, Entry, Heading, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.charts.scatter import scatter, undominated
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers
from qbench.vocabulary import Better

ROWS = 60
LEAST = 3
"""With fewer variants, baseline included, there is nothing to choose from."""

NONE = f"No benchmark of this run has an accuracy and a gap between groups for {LEAST} variants or more."


def section(numbers: RunNumbers) -> Section:
    """Make one scatter plot per benchmark with an accuracy and a gap."""
    blocks: list[Block] = [c for b in numbers.benchmarks for c in _chart(numbers, b)]
    if not blocks:
        blocks = [Text(NONE, absent=True)]
    return Section("trade-off", "Accuracy against disparity", blocks)


def _chart(numbers: RunNumbers, benchmark: str) -> list[Block]:
    accuracy = next((m for m in numbers.measures(benchmark, grouped=False) if m.better == Better.HIGHER), None)
    gaps = [m for m in numbers.measures(benchmark, grouped=True) if m.better in (Better.LOWER, Better.ZERO)]
    gap = next((m for m in gaps if m.better == Better.LOWER), next(iter(gaps), None))
    if accuracy is None or gap is None:
        return []
    results = numbers.results
    bytes_of = {(r["model"], r["quantizer"]): r["model_bytes"] for r in records(results.coverage)}
    speeds = {(r["model"], r["quantizer"]): r["images_per_second"] for r in records(results.speed)}
    sums: dict[tuple[str, str], list[float]] = {}
    for r in numbers.of_cells(gap, grouped=True):
        if math.isfinite(r.value):
            sums.setdefault((r.model, r.quantizer), []).append(abs(r.value))
    scale = gap.scale
    rows: list[dict[str, Any]] = []
    for r in numbers.of_cells(accuracy, grouped=False):
        key = (r.model, r.quantizer)
        if key in sums and math.isfinite(r.value):
            mean, size, speed = sum(sums[key]) / len(sums[key]), float(bytes_of.get(key, 0)), speeds.get(key, math.nan)
            rows.append(
                {
                    **{"model": r.model, "quantizer": r.quantizer, "megabytes": round(size / 1e6, 2)},
                    **{"accuracy": round(100 * r.value, 3), "gap": round(scale * mean, 4)},
                    "accuracy_said": formatting.value(r.value, accuracy.unit),
                    "gap_said": formatting.value(mean, gap.unit),
                    "size_said": formatting.megabytes(size) if size else "unknown",
                    "speed": f"{speed:,.0f} images per second" if math.isfinite(speed) else "not measured",
                }
            )
    if len(rows) < LEAST:
        return []
    for row, front in zip(rows, undominated(rows), strict=True):
        row["front"] = front
    quantizers = list(dict.fromkeys(r["quantizer"] for r in rows))
    unit = gap.unit_of_change
    titles = (f"{accuracy.metric}, %", f"{gap.metric}, mean over attributes{unit and f', {unit}'}")
    best = [f"{formatting.isolated(r['quantizer'])} on {formatting.isolated(r['model'])}" for r in rows if r["front"]]
    return [
        Heading(benchmark),
        Chart(
            name=chart_name("trade-off", benchmark),
            title=f"{accuracy.metric} and {gap.metric} on {formatting.isolated(benchmark)}",
            words=(
                f"Scatter plot with one mark per model × quantizer. No other variant beats these in both numbers: "
                f"{formatting.listing(best, 6, bare=True)}."
            ),
            spec=scatter(rows, quantizers, titles, results.baseline),
            note=(
                "Up and to the left is better; the dashed line joins the variants that no other variant beats. The "
                "marks show no intervals: read these before you choose a variant."
            ),
        ),
        _table(rows, titles, benchmark),
    ]


def _table(rows: list[dict[str, Any]], titles: tuple[str, str], benchmark: str) -> Table:
    """Make the table with the numbers of the plot, the variants that no other beats first."""
    heads = ("Model", "Quantizer", *titles, "In memory", "Speed", "Beaten by no other in both")
    best = sorted(rows, key=lambda r: (not r["front"], -r["accuracy"]))
    return Table(
        caption=f"Accuracy, gaps, size and speed on {formatting.isolated(benchmark)}",
        columns=[Column(h, 1 < i < 6) for i, h in enumerate(heads)],
        rows=[
            [
                *(name(r[k], head=True) for k in ("model", "quantizer")),
                *(number(r[k]) for k in ("accuracy_said", "gap_said", "size_said", "speed")),
                Entry("yes" if r["front"] else ""),
            ]
            for r in best[:ROWS]
        ],
        left_out=max(0, len(best) - ROWS),
        left_out_note="those that are less accurate, or have a larger gap",
        closed=True,
    )
