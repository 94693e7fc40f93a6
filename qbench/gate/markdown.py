"""The answer as Markdown for a pull request: short enough for a comment, and says what it left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from qbench.gate.phrasing import because, found, limit, named, place, plain, said, size, variant
from qbench.gate.result import GateResult, GateRow, QuantizerResult, RuleResult, VariantResult
from qbench.markup import escape_markdown, markdown_row
from qbench.text import counted
from qbench.vocabulary import RowStatus

MOST = 60_000
"""Bytes; a comment on GitHub takes 65,536 characters."""
LONGEST = 400  # characters of one text


def to_markdown(result: GateResult) -> str:
    """Write a result as GitHub's Markdown, at most `MOST` bytes.

    Names and reasons are inert: no markup, no link, no mention. Rules come first, then the answers for
    quantizers and variants, then rows, worst first; what does not fit is counted.
    """
    lines = [f"### qbench check: {result.band}", "", escape_markdown(result.sentence), ""]
    lines += [f"Run {code(result.run)} against {code(result.baseline)}, {result.today}."] if result.run else []
    for problem in result.problems:
        lines += ["", f"{problem.level.symbol} **{problem.level}** {text(problem.where)}: {text(problem.what)}"]
    left = MOST - len("\n".join(lines).encode()) - 400  # what the words about what is left out need
    if left < 0:
        problems = counted(len(result.problems), "problem is", "problems are")
        lines, left = [*lines[:4], f"{problems} left out here."], MOST // 2
    budget = _Budget(left)
    if result.rules:
        lines += ["", *budget.table("| | rule | found | limit | n |", "|---|---|---|---|---|", _rules(result.rules))]
        lines += [f"{counted(budget.left_out, 'rule is', 'rules are')} left out here."] if budget.left_out else []
    if result.variants:
        lines += ["", *budget.table("| | answer for | numbers |", "|---|---|---|", _answers(result))]
        lines += [f"{counted(budget.left_out, 'answer is', 'answers are')} left out here."] if budget.left_out else []
    rows = [row for row in result.findings if row.status is not RowStatus.PASS]
    if rows:
        head = "| | rule | variant | benchmark | number | found | limit | n | |"
        lines += ["", *budget.table(head, "|---" * 9 + "|", _rows(rows))]
    if rows and budget.left_out:
        which = f"{budget.left_out:,} of these {counted(len(rows), 'row')}"
        lines += ["", f"{which} {'is' if budget.left_out == 1 else 'are'} left out here; the JSON file has them all."]
    passed = sum(row.status is RowStatus.PASS for row in result.rows)
    lines += ["", f"{counted(passed, 'row that passed is', 'rows that passed are')} not listed."] if passed else []
    return "\n".join(lines) + "\n"


class _Budget:
    """Lines as long as they fit into a number of bytes."""

    def __init__(self, size: int) -> None:
        self.size, self.left_out = size, 0

    def table(self, head: str, rule: str, rows: Iterable[str]) -> Iterator[str]:
        self.left_out = 0
        self.size -= len(head) + len(rule) + 2
        yield from (head, rule)
        for row in rows:
            need = len(row.encode()) + 1
            if self.left_out or need > self.size:
                self.left_out += 1
            else:
                self.size -= need
                yield row


def _rules(rules: Iterable[RuleResult]) -> Iterator[str]:
    for rule in rules:
        row, tally = rule.worst, _tally(rule.counts)
        what = f"{code(rule.id)} {tally}" if tally else f"{code(rule.id)} {text(rule.reason)}"
        numbers = (found(row), limit(row), size(row)) if row and row.unit else ("–", plain(rule.limit), "–")
        yield markdown_row((_status(rule.status), what, *numbers))


def _answers(result: GateResult) -> Iterator[str]:
    """One line for each quantizer over its checkpoints, and for each variant."""
    for mean in result.quantizers:
        what = f"{code(mean.quantizer)}, the mean over {counted(mean.checkpoints, 'checkpoint', 'checkpoints')}"
        yield markdown_row((mean.band, what, _numbers(mean)))
    for one in result.variants:
        yield markdown_row((one.band, f"{code(one.quantizer)} on {code(one.model)}", _numbers(one)))


def _numbers(answer: VariantResult | QuantizerResult) -> str:
    """How many numbers have which status, and what waivers let pass."""
    return ". ".join(filter(None, (_tally(answer.counts), escape_markdown(answer.waived))))


def _tally(counts: Mapping[RowStatus, int]) -> str:
    return ", ".join(f"{n:,} {status.label}" for status, n in counts.items())


def _rows(rows: Iterable[GateRow]) -> Iterator[str]:
    for row in rows:
        number = ", ".join(_code(x) for x in (named(row.metric), place(row)) if x) or "–"
        numbers = (found(row), limit(row), size(row)) if row.unit else ("–", plain(row.limit), "–")
        reason = f"{text(row.reason)}; waived {text(row.waiver)}" if row.waiver else text(because(row))
        cells = (
            _status(row.status),
            code(row.rule),
            _code(variant(row)),
            code(row.benchmark),
            number,
            *numbers,
            reason,
        )
        yield markdown_row(cells)


def _status(status: RowStatus) -> str:
    return f"{status.symbol} {status.label}"


def text(value: str) -> str:
    """A text that is nothing but text in Markdown."""
    short = said(value)
    return escape_markdown(short if len(short) <= LONGEST else f"{short[: LONGEST - 1]}…")


def code(name: str) -> str:
    """A name, as code: GitHub makes no mention, no reference and no link in it."""
    return _code(named(name))


def _code(words: str) -> str:
    return f"<code>{escape_markdown(words)}</code>" if words else "–"
