"""What was not measured: failed and missing cells, pairs that were refused, what this version does not do."""

from __future__ import annotations

from qbench.report.compare import Comparison
from qbench.report.view import Block, Column, Entry, Section, Table, Text, name

NOT_HERE = (
    "This version gives no verdict: it does not say that a change is negligible, nor that a model may be shipped. "
    "Equivalence tests, intervals over items and the smallest change that could have been seen are not part of it."
)


def section(comparison: Comparison) -> Section:
    """Always there, also when nothing is missing."""
    results = comparison.results
    blocks: list[Block] = [Text(NOT_HERE)]
    failed = [c for c in results.records if c.status == "failed"]
    if failed:
        rows = []
        for cell in failed:
            error = cell.part("error")
            said = [str(error.get(k) or "") for k in ("stage", "what", "where", "fix")]
            rows.append([*(name(x, head=True) for x in cell.names.values()), *(Entry(x) for x in said)])
        heads = ["Model", "Quantizer", "Benchmark", "Stage", "What", "Where", "What to do"]
        blocks.append(Table(caption="Cells that failed", columns=[Column(h) for h in heads], rows=rows))
    missing = [c for c in results.records if c.status == "missing"]
    if missing:
        rows = [[name(x, head=True) for x in c.names.values()] for c in missing]
        heads = ["Model", "Quantizer", "Benchmark"]
        blocks.append(
            Table(caption="Cells that were planned and not run", columns=[Column(h) for h in heads], rows=rows)
        )
    unpaired = results.unpaired
    if len(unpaired):
        rows = [[name(str(x)) for x in row] for row in unpaired.itertuples(index=False, name=None)]
        heads = ["Model", "Quantizer", "Benchmark", "Why"]
        caption = "Numbers that have no baseline to be compared with"
        blocks.append(Table(caption=caption, columns=[Column(h) for h in heads], rows=rows, closed=len(rows) > 20))
    if not (failed or missing or len(unpaired)):
        blocks.append(Text("Every cell that was asked for is done and has its baseline."))
    return Section("not-measured", "Not measured", blocks)
