"""What a waiver of the policy lets pass, with the waiver's last day and reason."""

from __future__ import annotations

from collections.abc import Iterator

from qbench.gate import GateResult
from qbench.gate.phrasing import found, limit, said
from qbench.plugins.report_blocks import Column, Entry, Table, name, number
from qbench.vocabulary import RowStatus

ROWS, OPEN = 40, 4
"""How many rows there are, and with how many the table is not folded."""


def waived(gate: GateResult) -> Iterator[Table]:
    """Make a table of the numbers that a waiver covers, worst first, if there are any."""
    rows = [row for row in gate.findings if row.status is RowStatus.WAIVED]
    if rows:
        heads = (
            "Model",
            "Quantizer",
            "Benchmark",
            "Number",
            "Groups",
            "Found",
            "Limit",
            "Without the waiver",
            "Waived",
        )
        body = [
            [
                *(name(x, head=True) for x in (row.model, row.quantizer)),
                *(name(x) for x in (row.benchmark, row.metric)),
                name(": ".join(x for x in (row.attribute, row.group, row.class_) if x) or "all"),
                Entry(found(row)),
                number(limit(row)),
                Entry(row.without_waiver, "word"),
                Entry(said(row.waiver)),
            ]
            for row in rows[:ROWS]
        ]
        yield Table(
            caption="Not shown to be safe, and waived by the policy",
            columns=[Column(head, head == "Limit") for head in heads],
            rows=body,
            note="A row without a model is the mean over the checkpoints of its quantizer."
            if any(row.checkpoints for row in rows)
            else "",
            left_out=len(rows) - len(body),
            left_out_note="`qbench check --json` has all",
            closed=len(rows) > OPEN,
        )
