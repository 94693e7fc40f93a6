"""The first screen: the gate's answer, what was compared, a chart of the worst changes, the findings, the rules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from qbench.gate import GateResult, GateRow
from qbench.plugins.report_blocks import (
    Band,
    Block,
    Box,
    Bullets,
    Chart,
    Column,
    Entry,
    Facts,
    Heading,
    Section,
    Table,
    Text,
    name,
    number,
)
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import forest
from qbench.report.context import Context
from qbench.report.sections.key_findings import found
from qbench.report.sections.notices import failures, flags, missing
from qbench.report.sections.verdicts import by_quantizer, shares
from qbench.vocabulary import CellStatus, GateBand, RowStatus, Unit

ROWS = 20
"""The number of rows of the first chart."""
RULES = 40
TONES: dict[GateBand, Literal["pass", "fail", "inconclusive", "error"]] = {
    GateBand.PASS: "pass",
    GateBand.FAIL: "fail",
    GateBand.NOT_SHOWN_SAFE: "inconclusive",
    GateBand.COULD_NOT_EVALUATE: "error",
}
LABELS = (
    "Group labels are what annotators perceived or what a dataset says, not what people are; a change for a group is a "
    "change on these images with these labels."
)


def section(context: Context) -> Section:
    """Make the section, with what a reader needs first at the top."""
    gate = context.gate
    blocks: list[Block] = [
        Band(gate.band, gate.sentence, TONES[gate.band]),
        *by_quantizer(context),
        Facts(list(_compared(context))),
        Text(LABELS),
        *(Box("Note", note, "note") for note in context.numbers.results.notes),
        *failures(context.numbers),
        *flags(context.numbers),
        *missing(context.numbers),
        *_worst(context),
        Heading("In short"),
        Bullets(found(context.numbers)),
        *_rules(gate),
    ]
    return Section("summary", "Summary", blocks)


def _compared(context: Context) -> Iterator[tuple[str, str]]:
    numbers, results = context.numbers, context.numbers.results
    models, quantizers, benchmarks = (
        list(dict.fromkeys(getattr(c, key) for c in results.records)) for key in ("model", "quantizer", "benchmark")
    )
    others = [q for q in quantizers if q != results.baseline]
    items = [
        f"{formatting.isolated(b)} ({numbers.cell(b).record.data_info.items or 0:,} items)" for b in numbers.benchmarks
    ]
    none = [formatting.isolated(b) for b in benchmarks if b not in numbers.benchmarks]
    states = Counter(c.status for c in results.records)
    told = ", ".join(f"{states[s]:,} {s}" for s in (CellStatus.FAILED, CellStatus.MISSING) if states[s])
    yield "Models", f"{len(models):,}: {formatting.listing(models, 12)}" if models else "none"
    yield (
        "Quantizers",
        f"{formatting.listing(others, 12) or 'none'}, each against {formatting.isolated(results.baseline)}",
    )
    yield "Benchmarks", ", ".join(items + [f"{x} (no cell is done)" for x in none]) or "none"
    yield "Cells", f"{states[CellStatus.DONE]:,} of {len(results.records):,} done" + (f"; {told}" if told else "")


def _worst(context: Context) -> Iterator[Block]:
    """Make one forest plot of the accuracies, over all items and by group, the worst first."""
    every = shares(context)
    unlabelled = context.numbers.unlabelled
    rows = [r for r in every if not unlabelled(r["benchmark"], r["attribute"], r["group"])]
    if not rows:
        return
    left = (
        f"{len(rows) - ROWS:,} more changes with smaller losses are in the sections below. " if len(rows) > ROWS else ""
    )
    if len(every) > len(rows):
        left += "The changes of unlabelled items are there, too. "
    yield Chart(
        name="worst",
        title="Accuracy, over all items and by group: paired change, worst first",
        words=(
            f"Forest plot of the {min(len(rows), ROWS):,} worst of {formatting.count(len(rows), 'change')}. The "
            f"numbers stand beside the marks."
        ),
        spec=forest(
            [effect_rows.mark(r, "where", "quantizer", "model", "benchmark") for r in rows[:ROWS]],
            "share",
            "Change, points",
        ),
        note=(
            f"{left}The shaded area is the margin. A large mark is over all items. A square is worse, a disc is "
            "better, a diamond is equivalent, and an open ring is inconclusive."
        ),
    )


def _rules(gate: GateResult) -> Iterator[Block]:
    yield Heading("The rules")
    for problem in gate.problems:
        yield Box(
            problem.level.capitalize(), f"{formatting.isolated(problem.where)}: {problem.what}", problem.level.value
        )
    rows = []
    for rule in gate.rules:
        row = rule.worst
        counts = ", ".join(f"{n:,} {status}" for status, n in rule.counts.items() if n)
        rows.append(
            [
                name(rule.id, head=True),
                Entry(f"{rule.status.symbol} {rule.status.label}", "word"),
                Entry(_subject(row) if row else rule.reason),
                number(_found(row) if row else ""),
                number(_limit(row.limit if row else rule.limit, row.unit if row else "")),
                number(f"{row.n:,}" if row and row.n else ""),
                Entry(counts),
                Entry(rule.why),
            ]
        )
    heads = ["Rule", "Status", "Worst row", "Found", "Limit", "n", "All rows", "Why this limit"]
    yield Table(
        caption="Each rule of the policy, with the worst row that it found",
        columns=[Column(h, h in ("Found", "Limit", "n")) for h in heads],
        rows=rows,
        note=(
            "Losses are positive: the drop of an accuracy or the growth of a bias. The intervals are adjusted for the "
            "number of rows. `qbench check` gives the same answer as an exit code."
        ),
    )
    inconclusive = [r for r in gate.rows if r.status is RowStatus.INCONCLUSIVE]
    if inconclusive:
        body = [
            [
                name(r.rule, head=True),
                Entry(_subject(r)),
                number(_found(r)),
                number(_limit(r.limit, r.unit)),
                number(f"{r.items:,}"),
                number(f"{r.needed:,}" if r.needed else "unknown"),
            ]
            for r in inconclusive[:RULES]
        ]
        heads = ["Rule", "What", "Found", "Limit", "Items", "Items that would decide"]
        yield Table(
            caption="What is inconclusive, and how many items would decide it",
            columns=[Column(h, i > 1) for i, h in enumerate(heads)],
            rows=body,
            left_out=len(inconclusive) - len(body),
            left_out_note="`qbench check --json` has all",
            closed=True,
        )


def _subject(row: GateRow) -> str:
    what = ": ".join(x for x in (row.attribute, row.group, row.class_) if x)
    parts = [
        " × ".join(formatting.isolated(x) for x in (row.model, row.quantizer) if x),
        formatting.isolated(row.metric) if row.metric else "",
    ]
    said = " · ".join(
        x
        for x in (
            *parts,
            formatting.isolated(row.benchmark) if row.benchmark else "",
            formatting.isolated(what) if what else "",
        )
        if x
    )
    return said or row.reason


def _found(row: GateRow) -> str:
    if not math.isfinite(row.found):
        return formatting.UNDETERMINED
    ends = (
        f" {formatting.interval(row.low, row.high, row.unit)}"
        if math.isfinite(row.low) and math.isfinite(row.high)
        else ""
    )
    return formatting.bare(formatting.change(row.found, row.unit)) + ends


def _limit(limit: float, unit: str) -> str:
    return formatting.value(limit, formatting.unit_of_change(unit or Unit.SHARE)) if math.isfinite(limit) else ""
