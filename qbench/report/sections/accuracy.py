"""Accuracy: numbers over all items, before and after, by model and quantizer."""

from __future__ import annotations

from qbench.plugins.report_blocks import Block, Heading, Section, Text
from qbench.report import formatting
from qbench.report.number_tables import change_table, value_table
from qbench.report.run_numbers import RunNumbers


def section(numbers: RunNumbers) -> Section:
    """Make, for each benchmark, a table of its main metric with a drawing, and a table of all other metrics."""
    blocks: list[Block] = []
    for benchmark in numbers.benchmarks:
        measures = numbers.measures(benchmark, grouped=False)
        if not measures:
            continue
        main, *others = measures
        where = formatting.isolated(benchmark)
        blocks.append(Heading(benchmark))
        blocks.append(change_table(numbers, main, numbers.of(main, grouped=False), f"{main.metric} on {where}"))
        if others:
            rows = [r for m in others for r in numbers.of(m, grouped=False)]
            columns = [(m.metric, "") for m in others]
            blocks.append(value_table(numbers, rows, columns, f"Other metrics on {where}"))
    if not blocks:
        blocks.append(Text("No cell of this run has an accuracy."))
    return Section("accuracy", "Accuracy", blocks)
