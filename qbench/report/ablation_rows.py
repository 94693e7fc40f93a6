"""What the terminal and the report say of an ablation: one sentence, and a row for each change that is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbench.data.records import records
from qbench.report import formatting

if TYPE_CHECKING:
    import pandas as pd

DIRECTIONS = {"only": "one part is quantized at a time", "without": "one part is left out at a time"}


def answer(rows: pd.DataFrame, direction: str) -> str:
    """Say which parts of one ablation carry a change.

    Parameters
    ----------
    rows : pandas.DataFrame
        The rows of one model, quantizer and direction of the table ``ablation``.
    direction : {"only", "without"}
        How the parts were tried.
    """
    parts = formatting.count(rows["part"].nunique(), "part")
    tests = formatting.count(int(rows["p_adjusted"].notna().sum()), "test")
    looked = f"{parts} ({DIRECTIONS[direction]}), {tests} corrected for together"
    found = rows[rows["found"].astype(bool)]
    if found.empty:
        return f"{looked}: no part is shown to carry a change."
    sentences = []
    for level, mine in (("over all items", found["attribute"].eq("")), ("by group", found["attribute"].ne(""))):
        names = list(dict.fromkeys(found[mine].sort_values("p")["part"]))
        if names:
            sentences.append(f"a change {level} goes with {formatting.listing(names, bare=True)}")
    return f"{looked}: {'; '.join(sentences)}."


def found_rows(rows: pd.DataFrame) -> list[dict[str, str]]:
    """The changes of one ablation that are found, the clearest first, as printed texts by the head of their column."""
    return printed(rows[rows["found"].astype(bool)].sort_values("p", kind="stable"))


def printed(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Rows of the table as printed texts by the head of their column."""
    return [
        {
            "Part": str(row["part"]),
            "Benchmark": str(row["benchmark"]),
            "Number": " · ".join(str(row[x]) for x in ("metric", "attribute", "group") if row[x]),
            "Change": formatting.change(float(row["change"]), str(row["unit"])),
            "Interval": formatting.interval(float(row["low"]), float(row["high"]), str(row["unit"])),
            "All parts": formatting.change(float(row["whole_change"]), str(row["unit"])),
            "Corrected p": formatting.p_value(float(row["p_adjusted"])),
        }
        for row in records(rows)
    ]
