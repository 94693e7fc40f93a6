"""The parts of a run of which no number is judged: they are named, so that no part passes unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from qbench.gate.comparison import Compared
from qbench.gate.phrasing import causes, named
from qbench.gate.result import GateRow, Problem
from qbench.gate.select import NOTHING_COMPARED
from qbench.policy.model import Policy, Rule
from qbench.results import Cell
from qbench.vocabulary import Level, MetricRole, RowStatus, Severity


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A benchmark, a model or a variant; an empty name stands for all."""

    model: str = ""
    quantizer: str = ""
    benchmark: str = ""

    def has(self, of: Cell | GateRow) -> bool:
        return all(name in ("", getattr(of, key)) for key, name in vars(self).items())

    @property
    def label(self) -> str:
        if self.benchmark:
            return f"benchmark {named(self.benchmark)}"
        if self.quantizer:
            return " on ".join(named(name) for name in (self.quantizer, self.model) if name)
        return f"model {named(self.model)}"


def beside_the_rest(rows: Iterable[GateRow], of_variants: Sequence[GateRow]) -> list[GateRow]:
    """Rows, of which those of rules that only warn name the part of which the rules that can fail judge nothing.

    A rule that only warns does not take the place of rules that can fail: what these leave out is not judged. All
    answers, for the run, its variants, its quantizers and the parts by which a reader filters, follow from this.

    Parameters
    ----------
    rows : iterable of GateRow
        Of the variants, or of the means over checkpoints.
    of_variants : sequence of GateRow
        All rows of the variants.
    """
    binding = [row for row in of_variants if row.severity is Severity.FAIL]
    judged = {part for row in binding if row.judged for part in _parts_of(row)}
    left_out = {part for row in binding for part in _parts_of(row)} - judged
    return [_beside(row, next((part for part in _parts_of(row) if part in left_out), None)) for row in rows]


def _parts_of(row: GateRow) -> list[_Part]:
    """The benchmark, the model, the variant and the quantizer of a row, as far as it has them."""
    names = (("benchmark",), ("model",), ("model", "quantizer"), ("quantizer",))
    own = [{name: getattr(row, name) for name in of} for of in names]
    return [_Part(**part) for part in own if all(part.values())]


def _beside(row: GateRow, part: _Part | None) -> GateRow:
    evaluated = row.status not in (RowStatus.ERROR, RowStatus.LEFT_OUT)
    if part is None or row.severity is Severity.FAIL or not evaluated:
        return row
    why = f"{part.label} is not judged, because the rules that can fail leave out all its numbers"
    return replace(row, counts="", beside=part.label, reason=f"{row.reason}; {why}")


def unjudged(compared: Compared, policy: Policy, rows: Sequence[GateRow]) -> Iterator[Problem]:
    """Name each benchmark, each model and each variant without a judged number, the widest parts only.

    It is an error where a rule is about the part and nothing of it can be judged: all its numbers are left out, or no
    metric of its benchmarks has a role that a rule can have. It is a warning where the policy's rules are about
    something else. If nothing of the run is judged, that is the only problem.

    Parameters
    ----------
    compared : Compared
        What the policy is applied to.
    policy : Policy
        The rules.
    rows : sequence of GateRow
        What became of the numbers that the rules select.
    """
    if not compared.cells:
        yield Problem(level=Level.ERROR, where="The run", what=f"{NOTHING_COMPARED}: add a quantizer to its spec")
        return
    if not any(row.judged for row in rows):
        nothing = "no rule of the policy applies to this run: write one for its benchmarks"
        yield Problem(level=Level.ERROR, where="The policy", what=_none_of(_binding(rows)) if rows else nothing)
        return
    known: set[tuple[str, str, str]] = set()
    for part in _parts(compared.cells):
        cells = [cell for cell in compared.cells if part.has(cell)]
        names = {(cell.model, cell.quantizer, cell.benchmark) for cell in cells}
        mine = [row for row in rows if part.has(row)]
        if names <= known or any(row.judged for row in mine):
            continue
        known |= names
        yield _problem(part, cells, policy, _binding(mine))


def _binding(rows: Sequence[GateRow]) -> Sequence[GateRow]:
    """The rows that can fail; all where there are none."""
    return [row for row in rows if row.severity is Severity.FAIL] or rows


def _parts(cells: Iterable[Cell]) -> dict[_Part, None]:
    """The parts of a run, the widest first."""
    cells = list(cells)
    return dict.fromkeys(
        [
            *(_Part(benchmark=cell.benchmark) for cell in cells),
            *(_Part(model=cell.model) for cell in cells),
            *(_Part(model=cell.model, quantizer=cell.quantizer) for cell in cells),
        ]
    )


def _problem(part: _Part, cells: Sequence[Cell], policy: Policy, left_out: Sequence[GateRow]) -> Problem:
    if left_out:
        return Problem(level=Level.ERROR, where=part.label, what=_none_of(left_out))
    metrics = {info.name: info for cell in cells for info in cell.metrics or ()}
    summaries = metrics and not any(info.judged_as.judged for info in metrics.values())
    if summaries and any(rule.role is not None and _admits(rule, cell) for rule in policy.rule for cell in cells):
        what = (
            f"none of its numbers is judged: {', '.join(map(named, metrics))} "
            f"{'has' if len(metrics) == 1 else 'have'} the role '{MetricRole.SUMMARY}', which no rule judges. Declare "
            "what they measure (the role of each metric), or write a rule with their names"
        )
        return Problem(level=Level.ERROR, where=part.label, what=what)
    return Problem(level=Level.WARNING, where=part.label, what="no rule of the policy judges a number of it")


def _none_of(left_out: Sequence[GateRow]) -> str:
    numbers = "its only number is not" if len(left_out) == 1 else f"none of its {len(left_out):,} numbers is"
    return f"{numbers} judged: {causes(left_out)}"


def _admits(rule: Rule, cell: Cell) -> bool:
    """Whether a rule does not exclude a cell by its names."""
    of = ((rule.benchmark, cell.benchmark), (rule.models, cell.model), (rule.quantizers, cell.quantizer))
    return all(not wanted or name in wanted for wanted, name in of)
