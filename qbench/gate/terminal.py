"""The answer for a terminal, or plain text where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbench.gate.result import GateResult, GateRow, RowStatus
from qbench.gate.words import STATUS, found, limit, named, place, said, variant

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLES = {
    "error": "bold red",
    "fail": "bold red",
    "undecided": "yellow",
    "waived": "cyan",
    "left out": "dim",
    "pass": "green",
}
BAND_STYLES = {"PASS": "bold green", "NOT SHOWN SAFE": "bold yellow"}
MOST_ROWS = 20


def show(result: GateResult, console: Console) -> None:
    """Print a result: a band, one sentence, the rules, then the rows behind what is not a pass, worst first."""
    from rich.text import Text

    console.print(Text(result.band, style=BAND_STYLES.get(result.band, "bold red")))
    console.print(Text(result.sentence))
    for problem in result.problems:
        style = STYLES["error"] if problem.level == "error" else "yellow"
        console.print(Text(f"{problem.level}: ", style=style) + Text(f"{said(problem.where)}: {said(problem.what)}"))
    if result.rules:
        console.print()
        console.print(_rules(result))
    rows = [row for row in result.rows if row.status != "pass"]
    if rows:
        console.print()
        console.print(_rows(rows[:MOST_ROWS]))
    if len(rows) > MOST_ROWS:
        console.print(f"and {len(rows) - MOST_ROWS:,} more that did not pass: --json has them all")


def _rules(result: GateResult) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "rule", "worst found", "limit", "n", "rows", box=None, padding=(0, 2, 0, 0))
    for rule in result.rules:
        row = rule.worst
        rows = ", ".join(f"{n:,} {STATUS[status][1]}" for status, n in rule.counts.items()) or said(rule.reason)
        numbers = (found(row), limit(row), f"{row.n:,}") if row and row.unit else ("–", f"{rule.limit:g}", "–")
        table.add_row(_status(rule.status), *(Text(x, overflow="fold") for x in (named(rule.id), *numbers, rows)))
    return table


def _rows(rows: list[GateRow]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "rule", "variant", "number", "found", "limit", "n", "", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        number = ", ".join(x for x in (named(row.benchmark), named(row.metric), place(row)) if x)
        numbers = (found(row), limit(row), f"{row.n:,}") if row.unit else ("–", f"{row.limit:g}", "–")
        reason = f"{said(row.reason)}; waived {said(row.waiver)}" if row.waiver else said(row.reason)
        texts = (named(row.rule), variant(row), number, *numbers, reason)
        table.add_row(_status(row.status), *(Text(x, overflow="fold") for x in texts))
    return table


def _status(status: RowStatus) -> Text:
    from rich.text import Text

    return Text(" ".join(STATUS[status]), style=STYLES[status], no_wrap=True)
