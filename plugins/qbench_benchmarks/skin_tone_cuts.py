"""The report section about the cuts of the skin tones: whether a finding depends on where light ends and dark begins.

It shows the disparities under the chosen cut and under all other cuts side by side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from qbench.api.report import Block, Chart, Text, forest_chart, isolated
from qbench_benchmarks.facet_groups import SKIN_TONE

NOT_MEASURED = (
    "Not measured in this run. No source settles where light skin ends and dark skin begins; with other_cuts = true in "
    "the options of facet, every cut is measured beside the chosen one."
)


def section(results: Any, context: Any) -> Iterator[Block]:
    """For the main disparity of each benchmark that has several cuts of the skin tones, a forest plot of all cuts."""
    charts = [chart for cell in _first_cells(results) if (chart := _chart(results.effects, cell)) is not None]
    if not charts:
        yield Text(NOT_MEASURED, absent=True)
    yield from charts


def _first_cells(results: Any) -> list[Any]:
    """One cell per benchmark: attributes and metrics are the same in all of them."""
    return list({cell.benchmark: cell for cell in reversed(results.done)}.values())[::-1]


def _chart(effects: pd.DataFrame, cell: Any) -> Chart | None:
    cuts = {a.name: a for a in cell.attributes if SKIN_TONE in (a.name, a.repeats)}
    if len(cuts) < 2:
        return None
    # Only the disparities: the groups of two cuts do not consist of the same people.
    pairs = {(name, label) for name, attribute in cuts.items() for label in attribute.group_pairs}
    mine = effects[(effects["benchmark"] == cell.benchmark) & (effects["class"] == "") & effects["change"].notna()]
    mine = mine[pd.MultiIndex.from_frame(mine[["attribute", "group"]]).isin(pairs)]
    measured = set(mine["metric"])
    metric = next((info.name for info in cell.metrics if info.name in measured), None)
    if metric is None:
        return None
    rows = mine[mine["metric"] == metric].sort_values(["model", "quantizer", "attribute"], kind="stable")
    signs = {math.copysign(1, change) for change in rows["change"] if change}
    both = "The changes have both signs" if len(signs) > 1 else "All changes have the same sign"
    return forest_chart(
        rows,
        name=("cuts", cell.benchmark, metric),
        title=f"{metric} on {isolated(cell.benchmark)} under each cut of the skin tones",
        note=f"{both} under these cuts. A finding that holds under one cut only is a finding about the cut.",
    )
