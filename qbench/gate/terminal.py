"""The answer for a terminal, or plain text where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbench.gate.phrasing import found, limit, named, place, plain, said, variant
from qbench.gate.result import GateResult, GateRow
from qbench.vocabulary import GateBand, Level, RowStatus

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLES = {
    RowStatus.ERROR: "bold red",
    RowStatus.FAIL: "bold red",
    RowStatus.INCONCLUSIVE: "yellow",
    RowStatus.WAIVED: "cyan",
    RowStatus.LEFT_OUT: "dim",
    RowStatus.PASS: "green",
}
BAND_STYLES = {GateBand.PASS: "bold green", GateBand.NOT_SHOWN_SAFE: "bold yellow"}
MOST_ROWS = 20


def show(result: GateResult, console: Console) -> None:
    """Print a result: a band, one sentence, the rules, then the rows behind what is not a pass, worst first."""
    from rich.text import Text

    console.print(Text(result.band, style=BAND_STYLES.get(result.band, "bold red")))
    console.print(Text(result.sentence))
    for problem in result.problems:
        style = STYLES[RowStatus.ERROR] if problem.level is Level.ERROR else "yellow"
        console.print(Text(f"{problem.level}: ", style=style) + Text(f"{said(problem.where)}: {said(problem.what)}"))
    if result.rules:
        console.print()
        console.print(_rules(result))
    rows = [row for row in result.rows if row.status is not RowStatus.PASS]
    if rows:
        console.print()
        console.print(_rows(rows[:MOST_ROWS]))
    if len(rows) > MOST_ROWS:
        console.print(f"and {len(rows) - MOST_ROWS:,} more that did not pass: --json has them all")


def _rules(result: GateResult) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "rule", "worst found", "limit", "n", "rows", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for rule in result.rules:
        row = rule.worst
        rows = ", ".join(f"{n:,} {status.label}" for status, n in rule.counts.items()) or said(rule.reason)
        numbers = (found(row), limit(row), f"{row.n:,}") if row and row.unit else ("–", plain(rule.limit), "–")
        table.add_row(_status(rule.status), *(Text(x, overflow="fold") for x in (named(rule.id), *numbers, rows)))
    return table


def _rows(rows: list[GateRow]) -> Table:
    """Each row stacked: what it is, what was found, why; side by side they are wider than any terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for row in rows:
        parts = (variant(row), named(row.benchmark), named(row.metric), place(row))
        numbers = f"found {found(row)}, limit {limit(row)}, n = {row.n:,}" if row.unit else f"limit {plain(row.limit)}"
        lines = [f"{named(row.rule)}: {', '.join(x for x in parts if x)}", numbers, said(row.reason)]
        if row.waiver:
            lines.append(f"waived {said(row.waiver)}")
        table.add_row(_status(row.status), Group(*(Text(line, overflow="fold") for line in lines if line)))
    return table


def _status(status: RowStatus) -> Text:
    from rich.text import Text

    return Text(f"{status.symbol} {status.label}", style=STYLES[status], no_wrap=True)
