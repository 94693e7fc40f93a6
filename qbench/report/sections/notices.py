"""What a reader has to know before any number: what failed, what has a flag, what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from qbench.models.same_checkpoints import same_checkpoints
from qbench.plugins.report_blocks import Column, Entry, Table, name
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections.data import missing_words
from qbench.results.flags import Flag
from qbench.vocabulary import CellStatus, FlagKind

ROWS, OPEN = 40, 4
"""How many rows there are, and with how many the table is not folded."""
HEADS = ("", "Model", "Quantizer", "Benchmark", "Why")


def notices(numbers: RunNumbers) -> Iterator[Table]:
    """Make a table of failed cells, flags, checkpoints with two labels and missing images, if there are any."""
    rows = [*_failures(numbers), *_flags(numbers), *_same(numbers), *_missing(numbers)]
    if rows:
        yield Table(
            caption="Read this before the numbers",
            columns=[Column(h) for h in HEADS],
            rows=rows[:ROWS],
            left_out=max(0, len(rows) - ROWS),
            left_out_note="the tables mark them, and “Not measured” lists the cells that failed",
            closed=len(rows) > OPEN,
        )


def _row(word: str, model: str, quantizer: str, benchmark: str, why: str) -> list[Entry]:
    return [Entry(word, "word", head=True), *map(name, (model, quantizer, benchmark)), Entry(why)]


def _failures(numbers: RunNumbers) -> Iterator[list[Entry]]:
    for cell in numbers.results.records:
        if cell.status is CellStatus.FAILED:
            said = formatting.clean(cell.failure.words) if cell.failure else ""
            yield _row("Failed", cell.model, cell.quantizer, cell.benchmark, said or "no reason was recorded")


def _flags(numbers: RunNumbers) -> Iterator[list[Entry]]:
    """The reasons to distrust numbers, one row per model and benchmark, those that void comparisons first."""
    groups: dict[tuple[FlagKind, str, str], list[Flag]] = {}
    for flag in sorted(numbers.results.flags, key=lambda f: not f.comparisons):
        groups.setdefault((flag.kind, flag.model, flag.benchmark), []).append(flag)
    for (kind, model, benchmark), (first, *others) in groups.items():
        more = list(dict.fromkeys(f.quantizer for f in others if f.quantizer != first.quantizer))
        also = f" The same holds for {formatting.listing(more)} of this model." if more else ""
        yield _row(kind.label.capitalize(), model, first.quantizer, benchmark, f"{first.message}{also}")


def _same(numbers: RunNumbers) -> Iterator[list[Entry]]:
    for said in same_checkpoints(numbers.results.fingerprints):
        yield _row("Same checkpoint", "", "", "", f"{said}.")


def _missing(numbers: RunNumbers) -> Iterator[list[Entry]]:
    for benchmark in numbers.benchmarks:
        words = missing_words(numbers.cell(benchmark))
        if words:
            yield _row("Missing", "", "", benchmark, words)
