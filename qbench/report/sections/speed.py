"""Speed and memory of each variant on this machine."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

from qbench.plugins.report_blocks import Column, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers

NOT_MEASURED = (
    "Not measured in this run. With speed = N in the spec, N batches of each variant are timed after one warm-up batch."
)


def section(numbers: RunNumbers) -> Section:
    """Make a table with one row per variant."""
    speed = numbers.results.speed
    if speed.empty:
        return Section("speed", "Speed and memory", [Text(NOT_MEASURED, absent=True)])
    rows = []
    for x in speed.to_dict("records"):
        peak = x["peak_bytes"]
        rows.append(
            [
                name(str(x["model"]), head=True),
                name(str(x["quantizer"]), head=True),
                *(number(_rate(x, kind)) for kind in ("images", "texts")),
                number(formatting.fixed(x["load_seconds"], 2)),
                number("unknown" if peak is None or math.isnan(peak) else formatting.megabytes(int(peak))),
            ]
        )
    heads = ["Images per second", "Texts per second", "Load, seconds", "Peak memory added"]
    first = speed.iloc[0]
    note = (
        f"The median of {first['repeats']} batches of {first['batch_size']} after one warm-up batch, with the slowest "
        "and the fastest. Peak memory is what loading and running added to the process (or used on the GPU)."
    )
    columns = [Column("Model"), Column("Quantizer"), *(Column(h, True) for h in heads)]
    table = Table(caption="Speed and memory on this machine", columns=columns, rows=rows, note=note)
    return Section("speed", "Speed and memory", [table])


def _rate(row: Mapping[Hashable, Any], kind: str) -> str:
    middle, low, high = (formatting.fixed(row[f"{kind}_{k}"], 1) for k in ("per_second", "low", "high"))
    return f"{middle} [{low}, {high}]"
