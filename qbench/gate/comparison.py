"""What a policy is applied to: the comparisons of a run, or its cells with the same cells of an older run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from qbench.errors import InputError
from qbench.gate.phrasing import named
from qbench.gate.renamed import Names, read_renamed
from qbench.metrics.interface import MetricInfo, Unavailable, why_unavailable
from qbench.models.same_checkpoints import same_checkpoints
from qbench.results import Cell, Results
from qbench.results.analysis import wanted_settings
from qbench.results.comparable import differences, meant_differences, other_differences, why_not_comparable
from qbench.results.effects import NAMES
from qbench.results.tolerances import own_margins

NAMED = 3
"""So many cells are named in a sentence; the others are counted."""


@dataclass(kw_only=True)
class Compared:
    """All that a policy is applied to.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row per number of a variant, beside what it is compared with. Its ``margin`` is the number's own, which no
        rule has changed: the limit of a rule that has none.
    cells : list of Cell
        The variants that should have numbers in `effects`, failed and missing ones too.
    unpaired : dict
        ``(model, quantizer, benchmark)`` → why it, or some of its numbers, could not be compared.
    run, baseline : str
        Names of the run and of what it is compared with.
    warnings : list of str
        What a reader has to mend or to distrust.
    notes : list of str
        What else a reader has to know of the pairing, such as what differs between two releases.
    absent : frozenset
        ``(model, quantizer, benchmark)`` of the cells that the older run does not have under these labels.
    unquantized : frozenset of str
        Labels of variants that no quantizer has changed: models in the precision of the baseline.
    """

    effects: pd.DataFrame
    cells: list[Cell]
    unpaired: dict[Names, str]
    run: str
    baseline: str
    warnings: list[str]
    notes: list[str]
    absent: frozenset[Names] = frozenset()
    unquantized: frozenset[str] = frozenset()

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

    @cached_property
    def baselines(self) -> dict[tuple[str, str], str]:
        """Model and quantizer, or label of a declared comparison → what it is compared with: "b32 × fp32"."""
        columns = ["model", "quantizer", "baseline_model", "baseline"]
        found = self.effects[columns].drop_duplicates().astype(str)
        return {(m, q): f"{named(model)} × {named(base)}" for m, q, model, base in found.itertuples(index=False)}

    def why_unavailable(
        self, benchmark: str, metric: str, attribute: str = "", group: str = "", class_: str = ""
    ) -> Unavailable | None:
        """Why the data of a benchmark cannot give a number, as the benchmark says; `None` where it says nothing."""
        done = next((cell for cell in self.cells if cell.benchmark == benchmark and cell.done), None)
        said = done.record.data_info.unavailable if done else ()
        return why_unavailable(said, metric, attribute, group, class_)


def with_its_baseline(results: Results) -> Compared:
    """Each variant of a run with the baseline of its model there, and the comparisons that its spec declares."""
    return Compared(
        effects=_with_own_margins(results),
        cells=[replace(pair.variant, quantizer=pair.names.quantizer) for pair in results.pairs],
        unpaired=_reasons(results.unpaired),
        run=results.name,
        baseline=results.baseline,
        warnings=list(same_checkpoints(results.fingerprints)),
        notes=_on_purpose(results),
        unquantized=frozenset(one.name for one in results.declared if one.variant.quantizer == results.baseline),
    )


def _with_own_margins(results: Results) -> pd.DataFrame:
    """The judged changes, with the margins that they have whatever the rules say."""
    effects = results.effects
    margins = own_margins(results.records, wanted_settings(results), results.run.policy)
    return effects.assign(margin=margins(effects))


def _on_purpose(results: Results) -> list[str]:
    """One sentence for each declared comparison of two models: in what they differ."""
    said: dict[str, None] = {}
    for pair in results.pairs:
        if found := meant_differences(pair):
            said[f"{pair.names.quantizer} on {pair.names.model} differs on purpose: {'; '.join(found)}"] = None
    return list(said)


def with_older(new: Results, old: Results, renamed: Iterable[str] = ()) -> Compared:
    """Each cell of a run (its baseline's too), with the same model × quantizer × benchmark of an older run.

    Comparisons within the run, those that its spec declares too, are not made here.

    The older cells are given to the same analysis as the baseline of theirs, so that a change between two runs has the
    same intervals, and the same guard against unequal items, as one within a run. Another checkpoint under the same
    name is what a newer release is: it is compared, and named in a note like everything else that may differ.

    Parameters
    ----------
    new, old : Results
        The two runs.
    renamed : iterable of str
        Labels that were changed, each as ``old=new``; see `qbench.gate.renamed.read_renamed`.

    Raises
    ------
    qbench.errors.InputError
        Both are the same run, or one of `renamed` names no label of these runs.
    """
    if new.folder.resolve() == old.folder.resolve():
        what = "it is the run itself, of which nothing can have changed"
        raise InputError(what, where=f"--baseline {old.folder}", fix="Name the folder of an older run.")
    names_before = read_renamed(renamed, old, new)
    before = {(c.model, c.quantizer, c.benchmark): c for c in old.records}
    label = f"the older run {old.name}"
    allow = (*new.allow, "checkpoint")
    effects: list[pd.DataFrame] = []
    unpaired: dict[Names, str] = {}
    paired: dict[Names, tuple[Cell, Cell]] = {}
    for cell in new.records:
        names = (cell.model, cell.quantizer, cell.benchmark)
        older = before.get(names_before(names))
        if reason := _why_not(cell, older, label, allow):
            unpaired[names] = reason
        elif cell.done and older is not None:
            paired[names] = (cell, older)
    for quantizer in dict.fromkeys(quantizer for _, quantizer, _ in paired):
        cells: list[Cell] = []
        for cell, older in paired.values():
            if cell.quantizer == quantizer:
                cells += [replace(older, model=cell.model, quantizer=label, benchmark=cell.benchmark), cell]
        both = Results(new.folder, new.run.against(label), cells, new.environment, allow=allow)
        effects.append(_with_own_margins(both))
        unpaired |= _reasons(both.unpaired)
    used = {names_before((c.model, c.quantizer, c.benchmark)) for c in new.records}
    gone = [" × ".join(names) for names in before if names not in used]
    return Compared(
        effects=pd.concat(effects, ignore_index=True) if effects else pd.DataFrame(columns=new.effects.columns),
        cells=list(new.records),
        unpaired=unpaired,
        run=new.name,
        baseline=label,
        warnings=[f"{label} has cells that this run does not have: {', '.join(gone)}"] if gone else [],
        notes=_what_differs(paired, label),
        absent=frozenset(n for n in unpaired if names_before(n) not in before),
        unquantized=frozenset({new.baseline}),
    )


def _what_differs(paired: Mapping[Names, tuple[Cell, Cell]], label: str) -> list[str]:
    """One sentence for each difference between cells that are compared all the same."""
    cells: dict[tuple[str, str], list[str]] = {}
    for names, (cell, older) in paired.items():
        for found in (*differences(cell, older), *other_differences(cell, older)):
            cells.setdefault((found.what, found.values), []).append(" × ".join(names))
    said = []
    for (what, values), having in cells.items():
        some = ", ".join(having[:NAMED]) + (f" and {len(having) - NAMED:,} others" if len(having) > NAMED else "")
        who = "all cells" if len(having) == len(paired) and len(paired) > NAMED else some
        said.append(f"{what} than in {label} ({values}): {who}")
    return said


def _why_not(cell: Cell, before: Cell | None, label: str, allow: Iterable[str]) -> str:
    if not cell.done:
        return ""  # said of the cell itself
    if before is None:
        return f"{label} has no such cell"
    if not before.done:
        return f"in {label} this cell is {before.status}"
    return why_not_comparable(cell, before, allow)


def _reasons(unpaired: pd.DataFrame) -> dict[Names, str]:
    reasons: dict[Names, str] = {}
    for model, quantizer, benchmark, reason in unpaired[[*NAMES, "reason"]].itertuples(index=False, name=None):
        names = (str(model), str(quantizer), str(benchmark))
        reasons[names] = f"{reasons[names]}; {reason}" if names in reasons else str(reason)
    return reasons
