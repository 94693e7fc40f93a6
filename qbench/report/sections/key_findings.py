"""The findings as sentences with their numbers: what changed, what did not, and what is inconclusive."""

from __future__ import annotations

import math

import pandas as pd

from qbench.data.records import records
from qbench.plugins.report_blocks import Bullets, Section
from qbench.report import effect_rows, formatting
from qbench.report.run_numbers import FILTERS, RunNumbers
from qbench.vocabulary import Better, Unit, Verdict

WORST, UNKNOWN = 6, 4
"""How many sentences of each kind there are; the tables have all numbers."""


def section(numbers: RunNumbers) -> Section:
    """Make the list of findings."""
    return Section("findings", "Findings in sentences", [Bullets(found(numbers), FILTERS)])


def found(numbers: RunNumbers) -> list[str]:
    """List the worst changes, the variants that are equivalent, and what is inconclusive and what would decide it."""
    effects = numbers.results.effects
    if effects.empty:
        return ["This run has nothing to compare."]
    rows = effect_rows.whole(effects)
    told = [_tally(rows)]
    bad = effect_rows.worst_first(records(effects[effects["verdict"].isin([Verdict.WORSE, Verdict.AMPLIFIED])]))
    bad.sort(key=lambda r: bool(r["class"]))  # numbers over all classes before those of one
    told += [effect_rows.sentence(r) for r in bad[:WORST]]
    if len(bad) > WORST:
        more = formatting.count(len(bad) - WORST, "more number")
        told.append(f"{more} got worse, those of single classes included: see the tables.")
    told += _equivalent(rows)
    return told + _inconclusive(numbers) + _void(numbers)


def _tally(rows: pd.DataFrame) -> str:
    return f"Of {formatting.count(len(rows), 'number')} over all classes: {effect_rows.verdict_counts(records(rows))}."


def _equivalent(rows: pd.DataFrame) -> list[str]:
    """Make one sentence per variant whose changes in accuracy by group are all equivalent."""
    shares = rows[(rows["better"] == Better.HIGHER) & (rows["unit"] == Unit.SHARE) & rows["change"].notna()]
    told = []
    for (quantizer, model, benchmark), frame in shares.groupby(["quantizer", "model", "benchmark"], sort=False):
        if (frame["verdict"] == Verdict.EQUIVALENT).all():
            margin = effect_rows.margin(max(records(frame), key=lambda r: float(r["margin"])))
            groups = sorted({str(a) for a in frame["attribute"] if a})
            who = f" for all groups by {formatting.listing(groups)}" if groups else ""
            names = [formatting.isolated(str(x)) for x in (quantizer, model, benchmark)]
            told.append(
                f"{names[0]} on {names[1]} is equivalent within {margin}{who} in all "
                f"{formatting.count(len(frame), 'share')} on {names[2]}."
            )
    if len(told) > WORST:
        return [
            *told[:WORST],
            f"The same holds for {formatting.count(len(told) - WORST, 'more pair')} of variant and benchmark.",
        ]
    return told


def _inconclusive(numbers: RunNumbers) -> list[str]:
    """Name the labelled groups that the fewest items would decide, and count the rest."""
    unknown = [r for r in numbers.judged if r["verdict"] == Verdict.INCONCLUSIVE and not r["flags"]]
    unknown = [r for r in unknown if math.isfinite(r["change"])]
    known = sorted((r for r in unknown if math.isfinite(effect_rows.needed_items(r))), key=effect_rows.needed_items)
    named = [r for r in known if not numbers.unlabelled(r["benchmark"], r["attribute"], r["group"])][:UNKNOWN]
    told = [
        f"{effect_rows.subject(r)} is inconclusive: it {effect_rows.amount(r)}, n = {effect_rows.items(r):,}."
        f"{effect_rows.more(r)}"
        for r in named
    ]
    if more := len(unknown) - len(told):
        most = f"With {math.ceil(effect_rows.needed_items(known[-1])):,} items, each of them" if known else ""
        end = f" {most} for which this is known would be decided." if known else ""
        told.append(f"{formatting.count(more, 'more number is', 'more numbers are')} inconclusive.{end}")
    return told


def _void(numbers: RunNumbers) -> list[str]:
    void = {(r.model, r.benchmark, r.metric) for r in numbers.rows if numbers.void(r)}
    if not void:
        return []
    counted = formatting.count(
        len(void), "metric (of one model on one benchmark)", "metrics (of one model on one benchmark)"
    )
    return [f"The comparisons of {counted} are void, because of flags of the baseline."]
