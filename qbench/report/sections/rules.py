"""The rules of the policy, each with the worst row that it found, and what is inconclusive."""

from __future__ import annotations

from collections.abc import Iterator

from qbench.gate import GateResult, GateRow
from qbench.gate.phrasing import found, limit, needed
from qbench.plugins.report_blocks import Column, Entry, Section, Table, name, number
from qbench.report import formatting
from qbench.report.context import Context
from qbench.report.sections.summary import problems
from qbench.vocabulary import RowStatus

ROWS = 40


def section(context: Context) -> Section:
    """Make a table of the rules, and one of what is inconclusive."""
    gate = context.gate
    return Section("rules", "The rules", [*problems(gate, len(gate.problems)), _rules(gate), *_open(gate)])


def _rules(gate: GateResult) -> Table:
    rows = []
    for rule in gate.rules:
        row = rule.worst
        counts = ", ".join(f"{n:,} {status}" for status, n in rule.counts.items() if n)
        rows.append(
            [
                name(rule.id, head=True),
                Entry(f"{rule.status.symbol} {rule.status.label}", "word"),
                Entry(_subject(row) if row else rule.reason),
                Entry(found(row) if row else ""),
                number(limit(row) if row else ""),
                number(f"{row.n:,}" if row and row.n else ""),
                Entry(counts),
                Entry(rule.why),
            ]
        )
    heads = ["Rule", "Status", "Worst row", "Found", "Limit", "n", "All rows", "Why this limit"]
    return Table(
        caption="Each rule of the policy, with the worst row that it found",
        columns=[Column(h, h in ("Limit", "n")) for h in heads],
        rows=rows,
        note="`qbench check` gives the same answer as an exit code.",
    )


def _needed(row: GateRow) -> str:
    """How many items would decide a row, or prove its loss; else why no number is given."""
    none = (
        "none: the limit is 0" if row.limit == 0 else "none: the change lies near the limit" if row.near_limit else ""
    )
    return needed(row) or none or "not known"


def _open(gate: GateResult) -> Iterator[Table]:
    inconclusive = [r for r in gate.rows if r.status is RowStatus.INCONCLUSIVE]
    if inconclusive:
        body = [
            [
                *(name(x, head=True) for x in (r.model, r.quantizer)),
                *(name(x) for x in (r.benchmark, r.metric)),
                name(": ".join(x for x in (r.attribute, r.group, r.class_) if x) or "all"),
                Entry(found(r)),
                number(limit(r)),
                number(f"{r.items:,}"),
                Entry(_needed(r)),
            ]
            for r in inconclusive[:ROWS]
        ]
        heads = ["Model", "Quantizer", "Benchmark", "Number", "Groups"]
        heads += ["Found", "Limit", "Items", "Items that would decide"]
        yield Table(
            caption="What is inconclusive, and how many items would decide it",
            columns=[Column(h, h in ("Limit", "Items")) for h in heads],
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
