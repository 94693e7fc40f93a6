"""Boxes that a reader has to see before any number: what failed, what has a flag, what is missing."""

from __future__ import annotations

from itertools import islice

from qbench.plugins.report_blocks import Block, Box
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections.data import missing_words
from qbench.results.flags import Flag
from qbench.vocabulary import CellStatus, FlagKind

BOXES = 6


def failures(numbers: RunNumbers) -> list[Block]:
    """Make boxes for the cells that failed."""
    failed = [c for c in numbers.results.records if c.status is CellStatus.FAILED]
    blocks: list[Block] = []
    for cell in islice(failed, BOXES):
        said = formatting.clean(cell.failure.words) if cell.failure else ""
        cellname = " × ".join(formatting.isolated(x) for x in cell.names.values())
        blocks.append(Box("Failed", f"{cellname}: {said or 'no reason was recorded'}", "error"))
    if len(failed) > BOXES:
        text = f"{len(failed) - BOXES:,} more cells failed: see “Not measured”."
        blocks.append(Box("Failed", text, "error"))
    return blocks


def flags(numbers: RunNumbers) -> list[Block]:
    """Make boxes for the reasons to distrust numbers."""
    groups: dict[tuple[FlagKind, str, str], list[Flag]] = {}
    for flag in sorted(numbers.results.flags, key=lambda f: not f.comparisons):
        groups.setdefault((flag.kind, flag.model, flag.benchmark), []).append(flag)
    blocks: list[Block] = []
    for (kind, model, benchmark), (first, *others) in islice(groups.items(), BOXES):
        where = " × ".join(formatting.isolated(x) for x in (model, first.quantizer, benchmark))
        quantizers = list(dict.fromkeys(f.quantizer for f in others if f.quantizer != first.quantizer))
        also = f" The same holds for {formatting.listing(quantizers)} of this model." if quantizers else ""
        blocks.append(Box(kind.label.capitalize(), f"{where}: {first.message}{also}", "warning"))
    rest = [" × ".join(map(formatting.isolated, key[1:])) for key in list(groups)[BOXES:]]
    if rest:
        names = formatting.listing(rest, 40, bare=True)
        text = f"{len(rest):,} more combinations have flags, which are marked in the tables: {names}."
        blocks.append(Box("More flags", text, "warning"))
    return blocks


def missing(numbers: RunNumbers) -> list[Block]:
    """Make boxes for the missing images, by benchmark."""
    found = {b: missing_words(numbers.cell(b)) for b in numbers.benchmarks}
    return [Box("Missing", f"{formatting.isolated(b)}: {words}", "warning") for b, words in found.items() if words]
