"""Speed and memory of each variant on this machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qbench.data.records import records
from qbench.plugins.report_blocks import Column, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers

NOT_MEASURED = (
    "Not measured in this run. With speed = N in the spec, N batches of each variant are timed after one warm-up batch."
)

RATE = "_per_second"
"""Ends the names of the columns with what was answered per second: images and texts, or the parts of another probe."""


def section(numbers: RunNumbers) -> Section:
    """Make a table with one row per variant."""
    speed = numbers.results.speed
    if speed.empty:
        return Section("speed", "Speed and memory", [Text(NOT_MEASURED, absent=True)])
    measured = [str(column) for column in speed if speed[column].notna().any()]
    kinds = [column.removesuffix(RATE) for column in measured if column.endswith(RATE)]
    rows = []
    for x in records(speed):
        peak = x["peak_bytes"]
        rows.append(
            [
                name(str(x["model"]), head=True),
                name(str(x["quantizer"]), head=True),
                *(number(_rate(x, kind)) for kind in kinds),
                number(formatting.fixed(x["load_seconds"], 2)),
                number("unknown" if peak is None or math.isnan(peak) else formatting.megabytes(int(peak))),
            ]
        )
    heads = [*(f"{kind.capitalize()} per second" for kind in kinds), "Load, seconds", "Peak memory added"]
    first = speed.iloc[0]
    note = (
        f"The median of {first['repeats']} batches of {first['batch_size']} after one warm-up batch, with the slowest "
        "and the fastest. Peak memory is what loading and running added to the process (or used on the GPU)."
    )
    columns = [Column("Model"), Column("Quantizer"), *(Column(h, True) for h in heads)]
    table = Table(caption="Speed and memory on this machine", columns=columns, rows=rows, note=note)
    return Section("speed", "Speed and memory", [table])


def _rate(row: Mapping[str, Any], kind: str) -> str:
    middle, low, high = (formatting.fixed(row[f"{kind}_{k}"], 1) for k in ("per_second", "low", "high"))
    return f"{middle} [{low}, {high}]"
