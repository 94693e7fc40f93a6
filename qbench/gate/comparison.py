"""What is compared with what: the variants of a run with its baseline, or with the same variants of an older run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from qbench.metrics.interface import MetricInfo
from qbench.results import Cell, Results
from qbench.results.effects import NAMES, why_not_comparable

Names = tuple[str, str, str]
"""Model, quantizer, benchmark."""


@dataclass(kw_only=True)
class Compared:
    """All that a policy is applied to.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row per number of a variant, beside what it is compared with.
    cells : list of Cell
        The variants that should have numbers in `effects`, failed and missing ones too.
    unpaired : dict
        ``(model, quantizer, benchmark)`` → why it, or some of its numbers, could not be compared.
    run, baseline : str
        Names of the run and of what it is compared with.
    warnings : list of str
        What a reader has to know of the pairing.
    """

    effects: pd.DataFrame
    cells: list[Cell]
    unpaired: dict[Names, str]
    run: str
    baseline: str
    warnings: list[str]

    @cached_property
    def declared(self) -> dict[str, dict[str, MetricInfo]]:
        """Benchmark → its metrics as declared, the main one first: name → declaration.

        Read from failed cells too, so that a benchmark of which nothing ran is known by its metrics.
        """
        found: dict[str, dict[str, MetricInfo]] = {}
        for cell in self.cells:
            if cell.metrics and not found.get(cell.benchmark):
                found[cell.benchmark] = {info.name: info for info in cell.metrics}
            found.setdefault(cell.benchmark, {})
        return found


def with_its_baseline(results: Results) -> Compared:
    """Each variant of a run, with the baseline of the same checkpoint in the same run."""
    cells = [c for c in results.records if c.quantizer != results.baseline]
    return Compared(
        effects=results.effects,
        cells=cells,
        unpaired=_reasons(results.unpaired),
        run=results.name,
        baseline=results.baseline,
        warnings=[],
    )


def with_older(new: Results, old: Results) -> Compared:
    """Each cell of a run (its baseline's too), with the same model × quantizer × benchmark of an older run.

    The older cells are given to the same analysis as the baseline of theirs, so that a change between two runs has the
    same intervals, and the same guard against unequal items, as one within a run.
    """
    before = {(c.model, c.quantizer, c.benchmark): c for c in old.records}
    label = f"the older run {old.name}"
    effects: list[pd.DataFrame] = []
    unpaired: dict[Names, str] = {}
    for quantizer in dict.fromkeys(c.quantizer for c in new.records):
        pairs: list[Cell] = []
        for cell in new.records:
            if cell.quantizer != quantizer:
                continue
            names = (cell.model, cell.quantizer, cell.benchmark)
            reason = _why_not(cell, before.get(names), label)
            if reason:
                unpaired[names] = reason
            elif cell.done:
                pairs += [replace(before[names], quantizer=label), cell]
        if pairs:
            both = Results(new.folder, new.run.model_copy(update={"baseline": label}), pairs, new.environment)
            effects.append(both.effects)
            unpaired |= _reasons(both.unpaired)
    here = {(c.model, c.quantizer, c.benchmark) for c in new.records}
    gone = [" × ".join(names) for names in before if names not in here]
    return Compared(
        effects=pd.concat(effects, ignore_index=True) if effects else pd.DataFrame(columns=new.effects.columns),
        cells=list(new.records),
        unpaired=unpaired,
        run=new.name,
        baseline=label,
        warnings=[f"{label} has cells that this run does not have: {', '.join(gone)}"] if gone else [],
    )


def _why_not(cell: Cell, before: Cell | None, label: str) -> str:
    if not cell.done:
        return ""  # said of the cell itself
    if before is None:
        return f"{label} has no such cell"
    if not before.done:
        return f"in {label} this cell is {before.status}"
    return why_not_comparable(cell, before)


def _reasons(unpaired: pd.DataFrame) -> dict[Names, str]:
    reasons: dict[Names, str] = {}
    for model, quantizer, benchmark, reason in unpaired[[*NAMES, "reason"]].itertuples(index=False, name=None):
        names = (str(model), str(quantizer), str(benchmark))
        reasons[names] = f"{reasons[names]}; {reason}" if names in reasons else str(reason)
    return reasons
