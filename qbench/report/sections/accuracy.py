"""Accuracy: numbers over all items, before and after, by model and quantizer."""

from __future__ import annotations

from qbench.plugins.report_blocks import Block, Heading, Section, Text
from qbench.report import numbers
from qbench.report.compare import Comparison, forest, pivot


def section(comparison: Comparison) -> Section:
    """For each benchmark its main metric drawn, and all others in a table."""
    blocks: list[Block] = []
    for benchmark in comparison.benchmarks:
        measures = comparison.measures(benchmark, grouped=False)
        if not measures:
            continue
        main, *others = measures
        where = numbers.isolated(benchmark)
        blocks.append(Heading(benchmark))
        blocks.append(forest(comparison, main, comparison.of(main, grouped=False), f"{main.metric} on {where}"))
        if others:
            rows = [r for m in others for r in comparison.of(m, grouped=False)]
            columns = [(m.metric, "") for m in others]
            blocks.append(pivot(comparison, rows, columns, f"Other metrics on {where}"))
    if not blocks:
        blocks.append(Text("No cell of this run has an accuracy."))
    return Section("accuracy", "Accuracy", blocks)
