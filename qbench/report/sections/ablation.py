"""Which parts of a model carry the changes: only in a run in which parts were quantized one at a time, or left out."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from qbench.plugins.report_blocks import Block, Column, Heading, Section, Table, Text, name, number
from qbench.report.ablation_rows import answer, found_rows, printed
from qbench.report.formatting import isolated
from qbench.report.run_numbers import RunNumbers
from qbench.vocabulary import MetricRole

ROWS = 60
NUMERIC = {"Change", "Interval", "All parts", "Corrected p"}
EXPLAINED = (
    "Each part of a model was quantized alone and compared with the baseline, or left out and compared with the whole "
    "variant; either way the change is that which goes with the part. The p-values are corrected for all "
    "parts and numbers of one model and quantizer together (Holm; half of the error for the numbers over all items, "
    "half for those of groups), the intervals for nothing. Where the baseline is flagged, such as at chance level, "
    "nothing is tested and the p-value is undetermined. The changes of the parts need not add up to that of all."
)


def section(numbers: RunNumbers) -> Section:
    """Make, for each model and quantizer, the answer, the changes that are found, and the accuracy by part."""
    table = numbers.results.ablation
    if table.empty:
        text = "No parts of the models were quantized one at a time; `qbench ablate` does that."
        return Section("ablation", "Ablation", [Text(text, absent=True)])
    return Section("ablation", "Ablation", [Text(EXPLAINED), *_blocks(numbers, table)])


def _blocks(numbers: RunNumbers, table: pd.DataFrame) -> Iterator[Block]:
    main = {(b, m.metric) for b in numbers.benchmarks for m in numbers.questions[b] if m.role is MetricRole.ACCURACY}
    for (model, quantizer, direction), rows in table.groupby(["model", "quantizer", "direction"], sort=False):
        yield Heading(f"{isolated(str(model))} · {isolated(str(quantizer))}")
        yield Text(answer(rows, str(direction)))
        found = found_rows(rows)
        if found:
            yield _table("The changes that are found, the clearest first", found)
        whole = rows[rows["attribute"] == ""]
        overall = whole[[pair in main for pair in zip(whole["benchmark"], whole["metric"], strict=True)]]
        if len(overall):
            yield _table("The accuracy over all items, part by part", printed(overall))


def _table(caption: str, rows: list[dict[str, str]]) -> Table:
    return Table(
        caption=caption,
        columns=[Column(head, head in NUMERIC) for head in rows[0]],
        rows=[
            [number(text) if head in NUMERIC else name(text, head=head == "Part") for head, text in row.items()]
            for row in rows[:ROWS]
        ],
        left_out=max(0, len(rows) - ROWS),
        left_out_note="`qbench export --table ablation` has all",
    )
