"""The answer for a terminal, or plain text where there is none: short by default, and complete with ``-v``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qbench.gate.phrasing import (
    because,
    found,
    limit,
    movement,
    named,
    needed,
    place,
    plain,
    said,
    size,
    variant,
    waived,
)
from qbench.gate.result import GateResult, GateRow, Problem, QuantizerResult, RuleResult
from qbench.text import counted
from qbench.vocabulary import Level, RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

STYLES = {
    RowStatus.ERROR: "bold red",
    RowStatus.FAIL: "bold red",
    RowStatus.INCONCLUSIVE: "yellow",
    RowStatus.WARNING: "yellow",
    RowStatus.WAIVED: "cyan",
    RowStatus.LEFT_OUT: "dim",
    RowStatus.PASS: "green",
}
LEVEL_STYLES = {Level.ERROR: STYLES[RowStatus.ERROR], Level.WARNING: STYLES[RowStatus.WARNING], Level.NOTE: "dim"}
SAID, PROBLEMS, RULES, ROWS = 12, 2, 7, 3
"""The most lines of the sentence with the problems, and the most problems, rules and rows, where nothing else is asked
for."""
WAIVED = 4
"""The most lines for waived failures, where the whole sentence is too long."""
FOLDED = 2
"""The most lines of each text in these lists."""
CAUSE = 3
"""The most lines of the reason why a rule judges nothing."""
LINES = 25
"""The most lines in all, the report's path not counted if it is longer than a line; with ``-v`` everything is printed.
"""
GAP = "  "
UNPASSED = ("number that did not pass", "numbers that did not pass")
Words = tuple[str, str]
"""What is counted: one of it, and several."""


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

    console.print(Text(result.band, style=result.band.style))
    if verbose:
        _everything(result, console)
    else:
        for line in _short(result, console, LINES - 1 - bool(report)):
            console.print(line)
    if report:
        console.print(Text(f"Report: {report}", overflow="fold"), soft_wrap=True)


def _everything(result: GateResult, console: Console) -> None:
    from rich.text import Text

    console.print(Text(result.sentence))
    for problem in result.problems:
        console.print(_problem(problem), overflow="fold")
    if result.rules:
        console.print()
        console.print(_all_rules(result.rules))
    if result.quantizers:
        console.print()
        for answer in result.quantizers:
            console.print(_of_quantizer(answer))
    rows = [row for row in result.findings if row.status is not RowStatus.PASS]
    if rows:
        console.print()
        for row in rows:
            console.print(_row(row))


def _short(result: GateResult, console: Console, space: int) -> list[Text]:
    """The answer in at most `space` lines; the narrower the terminal is, the fewer rules and rows are listed."""
    told = bool(result.problems) and result.problems[0].level is Level.ERROR  # it is the sentence
    problems = [_folded(_problem(problem), console) for problem in result.problems[int(told) :]]
    lines = _listed(problems, min(PROBLEMS, len(problems)), ("problem", "problems"), console)
    lines = _sentence(result, console, SAID - len(lines)) + lines
    rules = _rules(result.rules, console)
    limits = {rule.id: rule.worst.limit for rule in result.rules if rule.worst and rule.worst.unit}
    rows = [
        _two_texts(row, console, limits.get(row.rule))
        for row in result.findings
        if row.status not in (RowStatus.PASS, RowStatus.LEFT_OUT)
    ]
    for_rows = len(_block(rows, 1, UNPASSED, console))
    lines += _fitting(rules, RULES, ("rule", "rules"), console, space - len(lines) - for_rows)
    return lines + _fitting(rows, ROWS, UNPASSED, console, space - len(lines))


def _fitting(texts: Sequence[list[Text]], most: int, what: Words, console: Console, space: int) -> list[Text]:
    """The block of as many of the texts, at most `most` and at least one, as go into so many lines."""
    blocks = (_block(texts, n, what, console) for n in range(min(most, len(texts)), 1, -1))
    return next((block for block in blocks if len(block) <= space), _block(texts, 1, what, console))


def _sentence(result: GateResult, console: Console, most: int) -> list[Text]:
    """The sentence, or its first lines; then the waived failures are in the last ones, so that they are not cut off."""
    from rich.text import Text

    text, let_pass = Text(result.sentence), waived(result.findings)
    if not let_pass or len(text.wrap(console, console.width, overflow="fold")) <= most:
        return _folded(text, console, most)
    last = _folded(Text(let_pass), console, WAIVED)
    return [*_folded(text, console, most - len(last)), *last]


def _block(texts: Sequence[list[Text]], number: int, what: Words, console: Console) -> list[Text]:
    """The first of the texts below an empty line; nothing where there are none."""
    from rich.text import Text

    return [Text(), *_listed(texts, number, what, console)] if texts else []


def _listed(texts: Sequence[list[Text]], number: int, what: Words, console: Console) -> list[Text]:
    """The lines of the first of the texts, and in one line how many there are beside them."""
    from rich.text import Text

    lines = [line for text in texts[:number] for line in text]
    more = len(texts) - number
    one, several = what
    whole = f"and {counted(more, f'more {one}: -v lists it', f'more {several}: -v lists them')}"
    short = f"and {counted(more, 'more: -v lists it', 'more: -v lists them')}"
    return [*lines, Text(whole if len(whole) <= console.width else short)] if more > 0 else lines


def _folded(text: Text, console: Console, most: int = FOLDED, indent: str = "") -> list[Text]:
    """A text in at most so many lines, all but the first indented; it ends with an ellipsis where it is longer."""
    from rich.text import Text

    width = console.width - len(indent)
    lines = list(text.wrap(console, width, overflow="fold"))
    if len(lines) > most:
        last = lines[most - 1]
        last.rstrip()
        last.truncate(width - 1)
        last.append("…")
    return [line if at == 0 else Text(indent) + line for at, line in enumerate(lines[:most])]


def _problem(problem: Problem) -> Text:
    from rich.text import Text

    level = Text(f"{problem.level}: ", style=LEVEL_STYLES[problem.level])
    return level + Text(f"{said(problem.where)}: {said(problem.what)}")


def _rules(rules: Sequence[RuleResult], console: Console) -> list[list[Text]]:
    """Of each rule its status, its worst finding and its limit, and how many rows have which status: in one line if the
    lines of all rules fit beside each other, else in two. Of a rule that judges nothing, why."""
    from rich.cells import cell_len

    parts = [(_sign(rule.status), named(rule.id), _worst(rule.worst), _counts(rule)) for rule in rules[:RULES]]
    judging = [line for line, rule in zip(parts, rules, strict=False) if not _why_nothing(rule)]
    widths = [max(cell_len(line[column]) for line in judging) for column in range(4)] if judging else [0]
    beside = sum(widths) + 3 * len(GAP) <= console.width
    found = [
        _beside(rule, line, widths) if beside and line in judging else _in_two(rule, line, console)
        for rule, line in zip(rules, parts, strict=False)
    ]
    return found + [[]] * (len(rules) - len(found))


def _beside(rule: RuleResult, parts: Sequence[str], widths: Sequence[int]) -> list[Text]:
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    sign, *others = parts
    cells = [set_cell_size(part, width) for part, width in zip(others, widths[1:], strict=True)]
    status = Text(sign, style=STYLES[rule.status])
    return [status + " " * (widths[0] - cell_len(sign)) + Text(GAP + GAP.join(cells).rstrip())]


def _in_two(rule: RuleResult, parts: Sequence[str], console: Console) -> list[Text]:
    from rich.text import Text

    sign, name, worst, counts = parts
    head = Text(sign, style=STYLES[rule.status]) + Text(GAP + name)
    if why := _why_nothing(rule):
        return _folded(head + Text(": " + "; ".join(x for x in (counts, why) if x)), console, CAUSE, indent=GAP)
    details = "; ".join(x for x in (worst, counts) if x)
    return _folded(head, console) + (_folded(Text(GAP + details), console, indent=GAP) if details else [])


def _why_nothing(rule: RuleResult) -> str:
    """Why a rule judges no number; empty where it judges some."""
    if rule.worst is None:
        return said(rule.reason)
    return because(rule.worst) if rule.status is RowStatus.LEFT_OUT else ""


def _worst(row: GateRow | None) -> str:
    if row is None or not row.unit:
        return ""
    return f"{movement(row).moved} (limit {limit(row)})"


def _all_rules(rules: Sequence[RuleResult]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "rule", "worst found", "limit", "n", "rows", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for rule in rules:
        row = rule.worst
        numbers = (found(row), limit(row), size(row)) if row and row.unit else ("–", plain(rule.limit), "–")
        cells = (named(rule.id), *numbers, _counts(rule) or said(rule.reason))
        table.add_row(_status(rule.status), *(Text(x, overflow="fold") for x in cells))
    return table


def _counts(answer: RuleResult | QuantizerResult) -> str:
    return ", ".join(f"{n:,} {status.label}" for status, n in answer.counts.items())


def _of_quantizer(answer: QuantizerResult) -> Text:
    from rich.text import Text

    over = f"{named(answer.quantizer)}, the mean over {counted(answer.checkpoints, 'checkpoint', 'checkpoints')}"
    beside = f". {answer.waived}" if answer.waived else ""
    return Text(answer.band, style=answer.band.style) + Text(f"{GAP}{over}: {_counts(answer)}{beside}")


def _row(row: GateRow) -> Table:
    """One number, stacked: what it is, what was found, why; side by side they are wider than any terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, min_width=len(_sign(row.status)))
    table.add_column(overflow="fold")
    for i, line in enumerate(_lines(row)):
        table.add_row(_status(row.status) if i == 0 else "", Text(line))
    return table


def _lines(row: GateRow) -> Iterator[str]:
    parts = (variant(row), named(row.benchmark), named(row.metric), place(row))
    yield f"{named(row.rule)}: {', '.join(x for x in parts if x)}"
    yield f"{found(row)}, limit {limit(row)}, n = {size(row)}" if row.unit else f"limit {plain(row.limit)}"
    yield because(row)
    if row.waiver:
        yield f"waived {said(row.waiver)}"


def _two_texts(row: GateRow, console: Console, told: float | None) -> list[Text]:
    """The same in short: what it is, what was found, and a flag that prevents an answer.

    With its limit, unless it is the one `told` in the line of its rule.
    """
    from rich.text import Text

    what, _, *reasons = _lines(row)
    its_limit = f"limit {limit(row)}" if math.isfinite(row.limit) and row.limit != told else ""
    flagged = said(row.reason) if row.flags and row.status in (RowStatus.INCONCLUSIVE, RowStatus.ERROR) else ""
    numbers = (found(row), its_limit, f"n = {size(row)}")
    parts = (", ".join(x for x in numbers if x), flagged or needed(row))
    seen = "; ".join(x for x in (parts if row.unit else reasons) if x)
    sign = Text(row.status.symbol, style=STYLES[row.status])
    return [*_folded(sign + f" {what}", console, indent=GAP), *_folded(Text(GAP + seen), console, indent=GAP)]


def _status(status: RowStatus) -> Text:
    from rich.text import Text

    return Text(_sign(status), style=STYLES[status], no_wrap=True)


def _sign(status: RowStatus) -> str:
    return f"{status.symbol} {status.label}"
