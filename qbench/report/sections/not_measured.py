"""What was not measured: failed and missing cells, numbers without a baseline, and inconclusive numbers."""

from __future__ import annotations

from qbench.metrics.interface import Unavailable
from qbench.plugins.report_blocks import Block, Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.vocabulary import CellStatus, Verdict

ROWS = 60
NOT_HERE = (
    "“Equivalent” means within the margin, on these images, prompts and labels, and not on others. Nothing in this "
    "report says what a model does outside these benchmarks, or that a baseline is fair."
)


def section(numbers: RunNumbers) -> Section:
    """Make the section, which is always there, even if nothing is missing."""
    results = numbers.results
    blocks: list[Block] = [Text(NOT_HERE)]
    failed = [c for c in results.records if c.status is CellStatus.FAILED]
    if failed:
        rows = []
        for cell in failed:
            error = cell.failure
            said = [error.stage, error.what, error.where, error.fix] if error else [""] * 4
            rows.append([*(name(x, head=True) for x in cell.names.values()), *(Entry(x) for x in said)])
        heads = ["Model", "Quantizer", "Benchmark", "Stage", "What", "Where", "What to do"]
        blocks.append(Table(caption="Cells that failed", columns=[Column(h) for h in heads], rows=rows))
    missing = [c for c in results.records if c.status is CellStatus.MISSING]
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
    blocks += _unavailable(numbers)
    blocks += _unknown(numbers)
    if not (failed or missing or len(unpaired)):
        blocks.append(Text("Every cell of the plan is done and has its baseline."))
    return Section("not-measured", "Not measured", blocks)


def _unavailable(numbers: RunNumbers) -> list[Block]:
    """The numbers that the data of a benchmark cannot give, as the benchmark says."""
    rows = [
        [
            name(benchmark, head=True),
            name(one.metric, head=True),
            Entry(_about(one)),
            Entry(one.cause),
            Entry(one.remedy),
        ]
        for benchmark, said in numbers.results.unavailable.items()
        for one in said
    ]
    if not rows:
        return []
    return [
        Table(
            caption="Numbers that this data cannot give",
            columns=[Column(head) for head in ("Benchmark", "Number", "Of what", "Cause", "What to do")],
            rows=rows[:ROWS],
            left_out=max(0, len(rows) - ROWS),
            left_out_note="`qbench data check --format json` has all",
            closed=len(rows) > 20,
        )
    ]


def _about(one: Unavailable) -> str:
    where = ": ".join(part for part in (one.attribute, one.group) if part)
    counted = formatting.count(len(one.classes), "class", "classes") if one.classes else ""
    return ", ".join(part for part in (where, counted) if part)


def _unknown(numbers: RunNumbers) -> list[Block]:
    """Count the inconclusive numbers by benchmark, metric and reason."""
    effects = numbers.results.effects
    unknown = effects[effects["verdict"] == Verdict.INCONCLUSIVE]
    if unknown.empty:
        return []
    found = (
        unknown.groupby(["benchmark", "metric", "reason"], sort=False)
        .size()
        .sort_values(ascending=False, kind="stable")
    )
    rows = [
        [*(name(str(x), head=i < 2) for i, x in enumerate(key)), number(f"{int(count):,}")]
        for *key, count in found.head(ROWS).reset_index().itertuples(index=False, name=None)
    ]
    return [
        Table(
            caption="Inconclusive numbers, and why",
            columns=[Column("Benchmark"), Column("Number"), Column("Why"), Column("How many", True)],
            rows=rows,
            left_out=max(0, len(found) - ROWS),
            left_out_note="`qbench export --table effects` has all",
            closed=True,
        )
    ]
