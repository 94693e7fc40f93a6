"""The steps between a reference and a variant: the first section of the report of a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from qbench.data.records import records
from qbench.phrasing import Movement
from qbench.plugins.report_blocks import Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.vocabulary import Quantity

TITLE = "Which step loses"
EXPLAINED = (
    "Each step has everything of the steps before it and one thing more, and is compared with the step before. A step "
    "is named where its loss is shown after correction for all steps and benchmarks, and the whole chain loses on the "
    "same benchmark. A step that fails ends the chain and is named. Below the table, the last step that ran is "
    "described."
)
HEADS = ("Step", "Benchmark", "Number", "Against the step before", "p", "Corrected p", "Named")


def section(steps: pd.DataFrame) -> Section:
    """Make the section.

    Parameters
    ----------
    steps : pandas.DataFrame
        Of `qbench.diagnosis.record.diagnosis_table`.
    """
    columns = [Column(head, head in ("p", "Corrected p")) for head in HEADS]
    rows = [_entries(row) for row in records(steps)]
    table = Table(caption="Every step, the towers of the first named step, and the chain", columns=columns, rows=rows)
    return Section("diagnosis", TITLE, [Text(EXPLAINED), table])


def _entries(row: Mapping[str, Any]) -> list[Entry]:
    step = name(str(row["step"]), head=True)
    if not row["benchmark"]:
        said = f"{row['state']}: {row['error']}" if row["error"] else "the first step"
        return [step, Entry(""), Entry(""), Entry(said), number(""), number(""), Entry("yes" if row["named"] else "")]
    moved = Movement(
        loss=row["loss"], low=row["low"], high=row["high"], unit=row["unit"], quantity=Quantity(row["quantity"])
    )
    return [
        step,
        name(str(row["benchmark"])),
        name(str(row["metric"])),
        Entry(moved.words),
        number(formatting.p_value(row["p"])),
        number(formatting.p_value(row["p_adjusted"])),
        Entry("yes" if row["named"] else ""),
    ]
