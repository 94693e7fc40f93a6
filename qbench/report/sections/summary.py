"""The first screen: the gate's answer, one row per variant or quantizer, what was compared, and what to know first."""

from __future__ import annotations

from collections.abc import Iterator

from qbench.gate import GateResult
from qbench.gate.phrasing import headline, waivers_of
from qbench.plugins.report_blocks import Band, Block, Box, Facts, Part, Section, Tally, tallied
from qbench.report import formatting
from qbench.report.context import Context
from qbench.report.sections.notices import notices
from qbench.report.sections.verdicts import answers, judged_parts
from qbench.report.sections.waived import waived
from qbench.vocabulary import CellStatus, GateBand, Level

PROBLEMS = 3
"""How many problems of the policy stand on the first screen; “The rules” has all."""


def section(context: Context) -> Section:
    """Make the section, with what a reader needs first at the top."""
    blocks: list[Block] = [
        *_bands(context.gate),
        *problems(context.gate, PROBLEMS, told=context.gate.band is GateBand.COULD_NOT_EVALUATE),
        *waived(context.gate),
        *answers(context),
        *notices(context.numbers),
        _compared(context),
        *(Box("Note", note, "note") for note in context.numbers.results.notes),
    ]
    return Section("summary", "Summary", blocks)


def _bands(gate: GateResult) -> Iterator[Band]:
    """The answer for the run, and those for its parts, worst first: a selection has the answer of its first part."""
    yield Band(gate.band, gate.sentence)
    rows = [row for row in gate.rows if row.model and row.quantizer]
    for names, answer, mine in judged_parts(rows):
        said = headline(mine)
        tally, untold = Tally(names, said.judged, said.of), waivers_of(mine, said.told)
        yield Band(answer.band, said.text, names, said.lead, tally, answer.waivers, untold)


def problems(gate: GateResult, most: int, *, told: bool = False) -> Iterator[Box]:
    """Make boxes of what is wrong with the policy or with the run as a whole.

    Where `told`, an error that comes first is left out: it is the gate's sentence, which stands above.
    """
    in_sentence = told and bool(gate.problems) and gate.problems[0].level is Level.ERROR
    for problem in gate.problems[int(in_sentence) : most]:
        text = f"{formatting.isolated(problem.where)}: {problem.what}"
        yield Box(problem.level.capitalize(), text, problem.level.value)
    if len(gate.problems) > most:
        left = formatting.count(len(gate.problems) - most, "more problem is", "more problems are")
        yield Box("More", f"{left} in “The rules”.", "note")


def _compared(context: Context) -> Facts:
    """What was compared with what: tiles that follow the filters."""
    results = context.numbers.results
    models, quantizers, benchmarks = (
        list(dict.fromkeys(getattr(c, key) for c in results.records)) for key in ("model", "quantizer", "benchmark")
    )
    baseline = formatting.isolated(results.baseline)
    of_quantizers = [
        Part({"quantizer": q}, f"{formatting.isolated(q)}, against {baseline}" if q != results.baseline else baseline)
        for q in quantizers
    ]
    of_benchmarks = [Part({"benchmark": b}, _items(context, b)) for b in benchmarks]
    others = formatting.listing([q for q in quantizers if q != results.baseline], 12)
    items = [
        ("Models", f"{len(models):,}: {formatting.listing(models, 12)}" if models else "none"),
        ("Quantizers", f"{others or 'none'}, each against {baseline}"),
        ("Benchmarks", "; ".join(part.text for part in of_benchmarks) or "none"),
    ]
    declared = list(_declared(context))
    if declared:
        items.append(("Comparisons", "; ".join(part.text for part in declared)))
    parts: dict[str, list[Part | Tally]] = {
        "Models": [Part({"model": m}, formatting.isolated(m)) for m in models],
        "Quantizers": list(of_quantizers),
        "Benchmarks": list(of_benchmarks),
        **({"Comparisons": list(declared)} if declared else {}),
    }
    for status in CellStatus:
        tallies = [Tally(c.names, int(c.status is status), 1) for c in results.records]
        if status is CellStatus.DONE or any(t.number for t in tallies):
            term = f"Cells {status}"
            items.append((term, tallied(tallies)))
            parts[term] = list(tallies)
    return Facts(items, parts)


def _declared(context: Context) -> Iterator[Part]:
    """The comparisons that the spec declares: what is compared with what."""
    for one in context.numbers.results.declared:
        sides = [formatting.isolated(side.words) for side in (one.variant, one.baseline)]
        label = f"{formatting.isolated(one.name)}: " if one.label else ""
        yield Part({"model": one.variant.model, "quantizer": one.name}, f"{label}{sides[0]} against {sides[1]}")


def _items(context: Context, benchmark: str) -> str:
    """A benchmark with the number of its items."""
    numbers = context.numbers
    if benchmark not in numbers.benchmarks:
        return f"{formatting.isolated(benchmark)} (no cell is done)"
    items = numbers.cell(benchmark).record.data_info.items or 0
    return f"{formatting.isolated(benchmark)} ({formatting.count(items, 'item')})"
