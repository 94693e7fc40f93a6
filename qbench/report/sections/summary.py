"""The first screen: the gate's answer, one row per variant or quantizer, what was compared, and what to know first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from qbench.gate import GateResult
from qbench.gate.phrasing import headline
from qbench.plugins.report_blocks import Band, Block, Box, Facts, Section
from qbench.report import formatting
from qbench.report.context import Context
from qbench.report.sections.notices import notices
from qbench.report.sections.verdicts import answers
from qbench.vocabulary import CellStatus, GateBand

PROBLEMS = 3
"""How many problems of the policy stand on the first screen; “The rules” has all."""
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
    """The answer for the run, and that of each variant, which is shown where a reader filters."""
    yield Band(gate.band, gate.sentence, TONES[gate.band])
    for variant in gate.variants:
        names = {"model": variant.model, "quantizer": variant.quantizer}
        yield Band(variant.band, headline(variant.worst), TONES[variant.band], names)


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
