"""The first screen: the gate's answer, one row per variant or quantizer, what was compared, and what to know first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from qbench.gate import GateResult, GateRow
from qbench.gate.evaluate import band_of
from qbench.gate.phrasing import headline
from qbench.plugins.report_blocks import Band, Block, Box, Facts, Section
from qbench.report import formatting
from qbench.report.context import Context
from qbench.report.sections.notices import notices
from qbench.report.sections.verdicts import answers
from qbench.vocabulary import CellStatus, GateBand, RowStatus

PROBLEMS = 3
"""How many problems of the policy stand on the first screen; “The rules” has all."""
FILTERS = ("model", "quantizer", "benchmark", "attribute")
"""What a reader of the page can filter by."""
WORST_FIRST = (GateBand.COULD_NOT_EVALUATE, GateBand.FAIL, GateBand.NOT_SHOWN_SAFE, GateBand.PASS)
TONES: dict[GateBand, Literal["pass", "fail", "inconclusive", "error"]] = {
    GateBand.PASS: "pass",
    GateBand.FAIL: "fail",
    GateBand.NOT_SHOWN_SAFE: "inconclusive",
    GateBand.COULD_NOT_EVALUATE: "error",
}


def section(context: Context) -> Section:
    """Make the section, with what a reader needs first at the top."""
    blocks: list[Block] = [
        *_bands(context.gate),
        *problems(context.gate, PROBLEMS),
        *answers(context),
        *notices(context.numbers),
        Facts(list(_compared(context))),
        *(Box("Note", note, "note") for note in context.numbers.results.notes),
    ]
    return Section("summary", "Summary", blocks)


def _bands(gate: GateResult) -> Iterator[Band]:
    """The answer for the run, and those for its parts, worst first: a selection has the answer of its first part."""
    yield Band(gate.band, gate.sentence, TONES[gate.band])
    parts: dict[tuple[str, ...], list[GateRow]] = {}
    for row in gate.rows:
        if row.model and row.quantizer:
            parts.setdefault((row.model, row.quantizer, row.benchmark, row.attribute), []).append(row)
    bands = {names: band_of(rows) for names, rows in parts.items()}
    for names, rows in sorted(parts.items(), key=lambda part: _order(bands[part[0]], part[1])):
        yield Band(bands[names], headline(rows[0]), TONES[bands[names]], dict(zip(FILTERS, names, strict=True)))


def _order(band: GateBand, rows: Sequence[GateRow]) -> tuple[bool, int]:
    """Worst first; what was not judged at all last, because it says nothing beside a part that was."""
    return all(row.status is RowStatus.LEFT_OUT for row in rows), WORST_FIRST.index(band)


def problems(gate: GateResult, most: int) -> Iterator[Box]:
    """Make boxes of what is wrong with the policy or with the run as a whole."""
    for problem in gate.problems[:most]:
        text = f"{formatting.isolated(problem.where)}: {problem.what}"
        yield Box(problem.level.capitalize(), text, problem.level.value)
    if len(gate.problems) > most:
        yield Box("More", f"{len(gate.problems) - most:,} more problems are in “The rules”.", "note")


def _compared(context: Context) -> Iterator[tuple[str, str]]:
    numbers, results = context.numbers, context.numbers.results
    models, quantizers, benchmarks = (
        list(dict.fromkeys(getattr(c, key) for c in results.records)) for key in ("model", "quantizer", "benchmark")
    )
    others = [q for q in quantizers if q != results.baseline]
    items = [
        f"{formatting.isolated(b)} ({numbers.cell(b).record.data_info.items or 0:,} items)" for b in numbers.benchmarks
    ]
    none = [formatting.isolated(b) for b in benchmarks if b not in numbers.benchmarks]
    states = Counter(c.status for c in results.records)
    told = ", ".join(f"{states[s]:,} {s}" for s in (CellStatus.FAILED, CellStatus.MISSING) if states[s])
    yield "Models", f"{len(models):,}: {formatting.listing(models, 12)}" if models else "none"
    yield (
        "Quantizers",
        f"{formatting.listing(others, 12) or 'none'}, each against {formatting.isolated(results.baseline)}",
    )
    yield "Benchmarks", ", ".join(items + [f"{x} (no cell is done)" for x in none]) or "none"
    yield "Cells", f"{states[CellStatus.DONE]:,} of {len(results.records):,} done" + (f"; {told}" if told else "")
