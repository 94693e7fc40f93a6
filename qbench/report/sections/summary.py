"""The first screen: what was compared, what to know before reading, what was found in numbers."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from qbench.report import numbers
from qbench.report.compare import Comparison
from qbench.report.sections.data import missing_words
from qbench.report.sections.fairness import larger_and_smaller
from qbench.report.view import Block, Box, Bullets, Facts, Heading, Section, Text
from qbench.results.flags import Flag
from qbench.stats.paired import OVER, WITHIN

BOXES = 6
HONEST = (
    "Verdicts are not part of this version of qbench: it reports changes and the study's paired t-tests. A t-test with "
    "p > 0.05 is not “no change”."
)


def section(comparison: Comparison) -> Section:
    """In the order of what a reader needs first."""
    results = comparison.results
    blocks: list[Block] = [Facts(_compared(comparison))]
    blocks += [Box("Note", note, "note") for note in results.notes]
    blocks += _failures(comparison)
    blocks += _flags(comparison)
    for benchmark in comparison.benchmarks:
        words = missing_words(comparison.cell(benchmark))
        if words:
            blocks.append(Box("Missing", f"{numbers.isolated(benchmark)}: {words}", "warning"))
    blocks += [Heading("In short"), Bullets(_found(comparison)), Text(HONEST, strong=True)]
    return Section("summary", "Summary", blocks)


def _compared(comparison: Comparison) -> list[tuple[str, str]]:
    results = comparison.results
    models, quantizers, benchmarks = (
        list(dict.fromkeys(getattr(c, key) for c in results.records)) for key in ("model", "quantizer", "benchmark")
    )
    others = [q for q in quantizers if q != results.baseline]
    items = [
        f"{numbers.isolated(b)} ({comparison.cell(b).part('data_info').get('items') or 0:,} items)"
        for b in comparison.benchmarks
    ]
    none = [numbers.isolated(b) for b in benchmarks if b not in comparison.benchmarks]
    states = Counter(c.status for c in results.records)
    told = ", ".join(f"{states[s]:,} {s}" for s in ("failed", "missing") if states[s])
    total = len(results.records)
    return [
        ("Models", f"{len(models):,}: {numbers.listing(models, 12)}" if models else "none"),
        ("Quantizers", f"{numbers.listing(others, 12) or 'none'}, each against {numbers.isolated(results.baseline)}"),
        ("Benchmarks", ", ".join(items + [f"{x} (no cell is done)" for x in none]) or "none"),
        ("Cells", f"{states['done']:,} of {total:,} done" + (f"; {told}" if told else "")),
    ]


def _failures(comparison: Comparison) -> list[Block]:
    failed = [c for c in comparison.results.records if c.status == "failed"]
    blocks: list[Block] = []
    for cell in islice(failed, BOXES):
        error = cell.part("error")
        said = ": ".join(numbers.clean(str(error[k])) for k in ("where", "what") if error.get(k))
        cellname = " × ".join(numbers.isolated(x) for x in cell.names.values())
        blocks.append(Box("Failed", f"{cellname}: {said or 'no reason was recorded'}", "error"))
    if len(failed) > BOXES:
        text = f"{len(failed) - BOXES:,} more cells failed: see “Not measured”."
        blocks.append(Box("Failed", text, "error"))
    return blocks


def _flags(comparison: Comparison) -> list[Block]:
    groups: dict[tuple[str, str, str], list[Flag]] = {}
    for flag in sorted(comparison.results.flags, key=lambda f: not f.comparisons):
        groups.setdefault((flag.kind, flag.model, flag.benchmark), []).append(flag)
    blocks: list[Block] = []
    for (kind, model, benchmark), (first, *others) in islice(groups.items(), BOXES):
        where = " × ".join(numbers.isolated(x) for x in (model, first.quantizer, benchmark))
        quantizers = list(dict.fromkeys(f.quantizer for f in others if f.quantizer != first.quantizer))
        also = f" The same holds for {numbers.listing(quantizers)} of this model." if quantizers else ""
        blocks.append(
            Box("Not checked" if kind == "unchecked" else "Guesses", f"{where}: {first.message}{also}", "warning")
        )
    rest = [" × ".join(map(numbers.isolated, key[1:])) for key in list(groups)[BOXES:]]
    if rest:
        text = f"{len(rest):,} more of the kind, marked in the tables: {numbers.listing(rest, 40, bare=True)}."
        blocks.append(Box("Guesses", text, "warning"))
    return blocks


def _found(comparison: Comparison) -> list[str]:
    sentences: list[str] = []
    for benchmark in comparison.benchmarks:
        measures = [(m, False) for m in comparison.measures(benchmark, grouped=False)[:1]]
        grouped = comparison.measures(benchmark, grouped=True)
        pairs = comparison.pairs(benchmark)
        # The first signed gap says whom a change favours; without one, the first number by attribute does.
        signed = [
            m
            for m in grouped
            if m.better == "zero" and any((r.attribute, r.group) in pairs for r in comparison.of(m, grouped=True))
        ]
        measures += [(m, True) for m in (signed or grouped)[:1]]
        for measure, by_group in measures:
            rows = comparison.of(measure, grouped=by_group)
            rows = [r for r in rows if not r.group or (r.attribute, r.group) in pairs or not pairs]
            if by_group:
                rows = [r for r in rows if (r.model, r.quantizer, r.benchmark) not in comparison.guesses]
            sentences.append(larger_and_smaller(comparison, measure, rows))
    void = {(r.model, r.benchmark) for r in comparison.rows if comparison.void(r)}
    if void:
        counted = numbers.count(len(void), "pair of model and benchmark", "pairs of model and benchmark")
        sentences.append(f"Not counted: {counted}, because the baseline guesses.")
    sentences.append(_tests(comparison))
    return [x for x in sentences if x]


def _tests(comparison: Comparison) -> str:
    tests = comparison.results.tests
    parts = []
    for reading in (OVER, WITHIN):
        able = tests[(tests["reading"] == reading) & (tests["reason"] == "")]
        unable = int((tests["reading"] == reading).sum()) - len(able)
        parts.append(
            f"{reading}, {int((able['p'] <= 0.05).sum()):,} of {len(able):,} have p ≤ 0.05 ({unable:,} undetermined)"
        )
    return f"Paired t-tests, not corrected for their number: {'; '.join(parts)}."
