"""What a search for the fewest bits tried: a section of its report, in front of that of the run that decided."""

from __future__ import annotations

import pandas as pd

from qbench.data.records import records
from qbench.plugins.report_blocks import Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting

TITLE = "The search for the fewest bits"
EXPLAINED = (
    "Configurations were tried on the first half of the items in the order of their bits per weight, until one passed "
    "the policy. What passed was confirmed once, on the second half, which was not used to choose it. The rest of this "
    "page is about the last run of the table."
)
HEADS = ("Half", "Bits per weight", "Configuration", "Left out", "Answer", "Its worst finding")


def section(tried: pd.DataFrame) -> Section:
    """Make the section.

    Parameters
    ----------
    tried : pandas.DataFrame
        Of `qbench.tuning.table.tuning_table`.
    """
    rows = [
        [
            Entry(str(row["half"])),
            number(formatting.fixed(row["bits"], 2)),
            name(str(row["quantizer"]), head=True),
            name(str(row["left_out"])),
            Entry(str(row["band"]), "word"),
            Entry(str(row["sentence"])),
        ]
        for row in records(tried)
    ]
    columns = [Column(head, head == "Bits per weight") for head in HEADS]
    table = Table(caption="Every configuration that was tried, and the confirmation", columns=columns, rows=rows)
    return Section("tuning", TITLE, [Text(EXPLAINED), table])
