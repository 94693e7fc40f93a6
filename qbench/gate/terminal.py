"""The answer for a terminal, or plain text where there is none: short by default, and complete with ``-v``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbench.gate.phrasing import because, found, limit, movement, named, place, plain, said, variant
from qbench.gate.result import GateResult, GateRow, RuleResult
from qbench.text import NBSP
from qbench.vocabulary import GateBand, Level, RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
SENTENCE, PROBLEMS, RULES, ROWS = 3, 2, 7, 3
"""How many lines the sentence has, and how many problems, rules and rows are listed, where nothing else is asked for.

With the lines that say what is left out these are at most `LINES` lines; with ``-v`` everything is printed.
"""
LINES = 25
WIDTHS = 20, 24, 32, 10
"""What the columns of the short list of rules keep if they need it: status, rule, worst finding, counts."""


def show(result: GateResult, console: Console, *, verbose: bool = False, report: str = "") -> None:
    """Print a result.

    Parameters
    ----------
    result : GateResult
        The answer.
    console : rich.console.Console
        Where to.
    verbose : bool
        Whether to print all problems, all rules and all rows that did not pass. Otherwise it is at most `LINES` lines.
    report : str
        The report's path; empty if there is none.
    """
    from rich.text import Text

    passed = (RowStatus.PASS,) if verbose else (RowStatus.PASS, RowStatus.LEFT_OUT)
    rows = [row for row in result.rows if row.status not in passed]
    console.print(Text(result.band, style=BAND_STYLES.get(result.band, "bold red")))
    sentence = Text(result.sentence).wrap(console, console.width)
    for line in sentence if verbose else sentence[:SENTENCE]:
        console.print(line)
    _problems(result, console, len(result.problems) if verbose else PROBLEMS)
    if result.rules:
        console.print()
        shown = result.rules if verbose else result.rules[:RULES]
        console.print(_all_rules(shown) if verbose else _rules(shown))
    _left_out(console, len(result.rules) - RULES, "rules", verbose=verbose)
    if rows:
        console.print()
        for row in rows if verbose else rows[:ROWS]:
            console.print(_row(row, verbose=verbose))
    _left_out(console, len(rows) - ROWS, "numbers that did not pass", verbose=verbose)
    if report:
        console.print(Text(f"Report: {report}", overflow="fold"), soft_wrap=True)


def _problems(result: GateResult, console: Console, most: int) -> None:
    from rich.text import Text

    whole = most >= len(result.problems)
    for problem in result.problems[:most]:
        style = STYLES[RowStatus.ERROR] if problem.level is Level.ERROR else "yellow"
        text = Text(f"{problem.level}: ", style=style) + Text(f"{said(problem.where)}: {said(problem.what)}")
        console.print(text, no_wrap=not whole, overflow="fold" if whole else "ellipsis")
    _left_out(console, len(result.problems) - most, "problems", verbose=False)


def _left_out(console: Console, number: int, what: str, *, verbose: bool) -> None:
    if number > 0 and not verbose:
        console.print(f"and {number:,} more {what}: -v lists them")


def _rules(rules: Sequence[RuleResult]) -> Table:
    """One line per rule: its status, its worst finding and its limit, and how many rows have which status."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    lines = [(_sign(rule.status), named(rule.id), _worst(rule.worst), _counts(rule)) for rule in rules]
    for column, most in enumerate(WIDTHS):
        width = min(most, max(len(line[column]) for line in lines))
        table.add_column(no_wrap=True, overflow="ellipsis", min_width=width)
    for rule, line in zip(rules, lines, strict=True):
        table.add_row(_status(rule.status), *map(Text, line[1:]))
    return table


def _worst(row: GateRow | None) -> str:
    if row is None or not row.unit:
        return ""
    return f"{movement(row).moved} (limit {limit(row).partition(NBSP)[0]})"


def _all_rules(rules: Sequence[RuleResult]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "rule", "worst found", "limit", "n", "rows", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for rule in rules:
        row = rule.worst
        numbers = (found(row), limit(row), f"{row.n:,}") if row and row.unit else ("–", plain(rule.limit), "–")
        cells = (named(rule.id), *numbers, _counts(rule) or said(rule.reason))
        table.add_row(_status(rule.status), *(Text(x, overflow="fold") for x in cells))
    return table


def _counts(rule: RuleResult) -> str:
    return ", ".join(f"{n:,} {status.label}" for status, n in rule.counts.items())


def _row(row: GateRow, *, verbose: bool) -> Table:
    """One number, stacked: what it is, what was found, why; side by side they are wider than any terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, min_width=len(_sign(row.status)) if verbose else 1)
    table.add_column(no_wrap=not verbose, overflow="fold" if verbose else "ellipsis")
    status = _status(row.status) if verbose else Text(row.status.symbol, style=STYLES[row.status])
    for i, line in enumerate(_lines(row) if verbose else _two_lines(row)):
        table.add_row(status if i == 0 else "", Text(line))
    return table


def _lines(row: GateRow) -> Iterator[str]:
    parts = (variant(row), named(row.benchmark), named(row.metric), place(row))
    yield f"{named(row.rule)}: {', '.join(x for x in parts if x)}"
    yield f"{found(row)}, limit {limit(row)}, n = {row.n:,}" if row.unit else f"limit {plain(row.limit)}"
    yield because(row)
    if row.waiver:
        yield f"waived {said(row.waiver)}"


def _two_lines(row: GateRow) -> Iterator[str]:
    what, _, *reasons = _lines(row)
    yield what
    needed = f"; {row.needed:,} would decide" if row.needed else ""
    yield f"{found(row)}, n = {row.n:,}{needed}" if row.unit else "; ".join(reasons)


def _status(status: RowStatus) -> Text:
    from rich.text import Text

    return Text(_sign(status), style=STYLES[status], no_wrap=True)


def _sign(status: RowStatus) -> str:
    return f"{status.symbol} {status.label}"
