"""The noise floor beside the changes: what the batches alone do to each number."""

from __future__ import annotations

import math

from qbench.extension.blocks import Block, Column, Entry, Section, Table, Text, name, number
from qbench.report import numbers
from qbench.report.compare import Comparison

TITLE = "Batch noise"
NOT_MEASURED = (
    "Not measured in this run. Some quantizers scale a whole batch together, so an item's answer depends on the items "
    "beside it: with noise = N in the spec every cell is embedded in N other orders, and this section shows how much "
    "of each change the batches alone make."
)
WITHIN = 2.0
"""A change within so many standard deviations of the noise is marked."""


def section(comparison: Comparison) -> Section:
    """A row a comparison: its change and how far other orders move it."""
    floor = comparison.results.noise
    whole = floor[floor["class"] == ""]
    blocks: list[Block] = []
    for benchmark in dict.fromkeys(whole["benchmark"]):
        rows = [_row(comparison, x) for x in whole[whole["benchmark"] == benchmark].to_dict("records")]
        orders = int(whole.loc[whole["benchmark"] == benchmark, "orders"].max())
        heads = ["Change", "Noise (SD)", "Largest shift"]
        columns = [
            Column("Model"),
            Column("Quantizer"),
            Column("Number"),
            *(Column(h, True) for h in heads),
            Column(""),
        ]
        note = (
            f"Over {orders} orders of the same items, baseline and variant alike. “Within the noise” is a change of at "
            f"most {WITHIN:g} standard deviations of what the order alone does."
        )
        caption = f"{benchmark}: changes, and what the order of the items does to them"
        blocks.append(Table(caption=caption, columns=columns, rows=rows, note=note, closed=True))
    return Section("noise", TITLE, blocks or [Text(NOT_MEASURED)])


def _row(comparison: Comparison, found: dict[str, object]) -> list[Entry]:
    measure = comparison.measure(str(found["benchmark"]), str(found["metric"]))
    change, sd, most = (float(str(found[k])) for k in ("change", "noise_sd", "noise_max"))
    what = " ".join(str(found[k]) for k in ("metric", "attribute", "group") if found[k])
    scale, places = (100.0, 2) if measure.unit in ("share", "points") else (1.0, 4)
    within = math.isfinite(sd) and abs(change) <= WITHIN * sd
    return [
        name(str(found["model"]), head=True),
        name(str(found["quantizer"]), head=True),
        name(what),
        number(numbers.bare(numbers.change(change, measure.unit))),
        *(number(numbers.fixed(x * scale, places) if math.isfinite(x) else "undetermined") for x in (sd, most)),
        Entry("within the noise" if within else ""),
    ]
