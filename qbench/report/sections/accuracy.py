"""Numbers over all items, before and after, by model and quantizer."""

from __future__ import annotations

from qbench.plugins.report_blocks import Block, Section, Text
from qbench.report import formatting
from qbench.report.number_tables import value_table
from qbench.report.run_numbers import RunNumbers


def section(numbers: RunNumbers) -> Section:
    """Make a table per benchmark with all its metrics over all items."""
    blocks: list[Block] = []
    for benchmark in numbers.benchmarks:
        measures = numbers.measures(benchmark, grouped=False)
        if measures:
            rows = [r for m in measures for r in numbers.of(m, grouped=False)]
            columns = [(m.metric, "") for m in measures]
            blocks.append(value_table(numbers, rows, columns, f"Over all items of {formatting.isolated(benchmark)}"))
    if not blocks:
        blocks.append(Text("No benchmark of this run has a metric over all items.", absent=True))
    return Section("accuracy", "Accuracy", blocks)
