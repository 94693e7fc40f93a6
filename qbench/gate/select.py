"""A rule → the numbers it limits, and everything that cannot be checked, so that nothing passes unseen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from qbench.data.items import Attribute
from qbench.gate.comparison import Compared
from qbench.gate.result import GateRow, Problem
from qbench.gate.scopes import wrong_scope
from qbench.metrics.interface import MetricInfo
from qbench.policy.model import MAIN, Rule, suggest
from qbench.results import Cell
from qbench.results.matching import key_of_metric, metrics_of, rows_of, whole_share
from qbench.results.tolerances import declared_of
from qbench.vocabulary import Better, Level, MetricRole, Quantity, RowStatus

KINDS = ("benchmark", "model", "quantizer")
Labels = Mapping[str, tuple[str, ...]]
"""Kind of a label → the labels that there are."""
Wanted = Mapping[str, tuple[str, ...]]
"""Benchmark → the metrics that a rule is about, without cut-offs; none for a benchmark of which nothing is known."""
NUMBER = ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class"]
REPEAT = "Repeat `qbench run`, which computes what is missing"
UNPAIRED = "Run the baseline and the variant by one spec, on the same items"
RENAMED = (
    "If a label of it has changed since then, name both by `--map OLD=NEW`; else compare with a run that has it, or "
    "leave it out of the rules"
)
EMPTY = "Add items of this group, or leave it out of the rule"
ONE_SIDED = "Add items, or leave the number out of the rule"
NOTHING_COMPARED = "this run has no variant that is compared with a baseline"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What one rule looks at.

    Attributes
    ----------
    rows : pandas.DataFrame
        Rows of the effects whose change is known.
    others : list of GateRow
        What could not be evaluated, and what the rule leaves out.
    problems : list of Problem
        Why the rule as a whole cannot be evaluated.
    left_out : str
        Why an optional rule does not apply to this run; else empty.
    """

    rows: pd.DataFrame
    others: list[GateRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: str = ""


def select(rule: Rule, compared: Compared) -> Selection:
    """Find the rows of the effects that a rule limits."""
    empty = compared.effects.iloc[:0]
    if not compared.cells:
        return Selection(rows=empty, left_out=NOTHING_COMPARED)
    wrong, absent = wrong_names(rule, labels_of(compared.cells), compared.declared)
    if wrong:
        return Selection(rows=empty, problems=[_problem(rule, what) for what in wrong])
    if absent:
        return Selection(rows=empty, left_out=absent)
    wanted, _ = _metrics(rule, compared.declared)
    cells = [c for c in compared.cells if c.benchmark in wanted and _named(rule, c)]
    frame = compared.effects.loc[rows_of(rule, compared.effects, declared_of(cells))]
    if rule.role or rule.optional:
        having = set(frame["benchmark"])
        of_classes = set(compared.effects["benchmark"][compared.effects["class"] != ""])
        with_groups = {c.benchmark for c in cells if c.attributes}
        for asked, there, lack in (
            (_on_groups(rule), with_groups, "tells groups apart"),
            (rule.scope in ("each_class", "each_group_and_class"), of_classes, "has numbers of classes"),
        ):
            left = [c for c in cells if not asked or c.found is None or c.benchmark in having | there]
            if cells and not left:
                return Selection(rows=empty, left_out=f"no benchmark of this run that has a {rule.subject} {lack}")
            cells = left
    if not cells:
        what = "this run has no variant that it could be compared with"
        return Selection(rows=empty, problems=[_problem(rule, what)])
    declared = declared_of(cells if rule.role or rule.optional else compared.cells)
    without, what = wrong_scope(rule, compared.effects, declared) if _lacks_some(frame, cells) else (frozenset(), "")
    found = _of_cells(rule, compared, [c for c in cells if c.benchmark not in without], frame, wanted)
    return replace(found, problems=[_problem(rule, what), *found.problems]) if what else found


def _lacks_some(frame: pd.DataFrame, cells: Iterable[Cell]) -> bool:
    """Whether there is no number of a benchmark."""
    return not {cell.benchmark for cell in cells} <= set(frame["benchmark"])


def _on_groups(rule: Rule) -> bool:
    """Whether the rule is about groups, so that a benchmark without groups may lack its numbers."""
    return rule.scope in ("each_group", "each_group_and_class") or (
        rule.scope == "any" and rule.role in (MetricRole.GAP, MetricRole.SKEW)
    )


def _nothing(rule: Rule) -> str:
    what = rule.metric if rule.role is None else f"the role '{rule.role}'"
    return f"it has no number of {what} of the scope {rule.scope}"


def _problem(rule: Rule, what: str) -> Problem:
    return Problem(level=Level.ERROR, where=f"rule {rule.id}", what=what)


def labels_of(cells: Iterable[Cell]) -> Labels:
    """Kind of a label → the labels of that kind that the cells have."""
    found = [(cell.benchmark, cell.model, cell.quantizer) for cell in cells]
    return {kind: tuple(dict.fromkeys(names[i] for names in found)) for i, kind in enumerate(KINDS)}


def wrong_names(rule: Rule, labels: Labels, declared: Mapping[str, Mapping[str, MetricInfo]]) -> tuple[list[str], str]:
    """What is wrong with the labels, the metric and the limit of a rule, the same before a run and after it.

    Parameters
    ----------
    rule : Rule
        The rule.
    labels : mapping
        ``benchmark``, ``model`` and ``quantizer`` → the labels that there are; a kind that it lacks is not known.
    declared : mapping
        Label of a benchmark → the metrics that it declares, the main one first.

    Returns
    -------
    wrong : list of str
        Why the rule cannot be evaluated; empty where nothing is wrong.
    absent : str
        Why a rule to which nothing is wrong does not apply; else empty.
    """
    if wrong := list(_unknown_labels(rule, labels)):
        return wrong, ""
    wanted, what = _metrics(rule, declared)
    if what and not wanted and _may_be_absent(rule):
        return [], what
    return [what] * bool(what), ""


def unmatched_names(rule: Rule, seen: Collection[str], attributes: Iterable[Attribute]) -> str:
    """Which attributes and groups of a rule are those of no number, with what may be meant; empty if there is none."""
    known = list(dict.fromkeys(name for attribute in attributes for name in _names(attribute, rule)))
    unmatched = [name for name in (*rule.by, *rule.groups) if name not in seen]
    return "; ".join(f"it has no number of {name!r}{suggest(name, known)}" for name in unmatched)


def _unknown_labels(rule: Rule, labels: Labels) -> Iterator[str]:
    """A mistyped name matches nothing: it must not narrow a rule to nothing, or a list to its other names."""
    for kind, wanted in zip(KINDS, (rule.benchmark, rule.models, rule.quantizers), strict=True):
        for name in wanted if kind in labels else ():
            if name not in labels[kind] and not (kind == "benchmark" and rule.optional):
                yield f"no {kind} of this run is called {name!r}{suggest(name, list(labels[kind]))}"


def _metrics(rule: Rule, declared: Mapping[str, Mapping[str, MetricInfo]]) -> tuple[Wanted, str]:
    """Benchmark → its metrics that the rule is about, without cut-offs; and what is wrong with the rule."""
    among = {b: metrics for b, metrics in declared.items() if not rule.benchmark or b in rule.benchmark}
    found = {b: names for b, metrics in among.items() if (names := metrics_of(rule, metrics))}
    lacking = [b for b in rule.benchmark if among.get(b) and b not in found]
    if lacking and not rule.optional:
        known = list(dict.fromkeys(name for b in lacking for name in among[b]))
        return {}, f"{', '.join(lacking)} has no {rule.subject}{suggest(key_of_metric(rule).name, known)}"
    # Of a benchmark without any record nothing is known: its cells are counted as not evaluated.
    blind = {b: () for b, metrics in among.items() if not metrics}
    if not found and not blind:
        known = list(dict.fromkeys(name for metrics in among.values() for name in metrics))
        hint = suggest(key_of_metric(rule).name, known) if rule.role is None else ""
        return {}, f"no benchmark of this run has a {rule.subject}{hint}"
    for b, names in found.items():
        if what := whole_share(rule, [among[b][name] for name in names]):
            return found, what
    return found | blind, ""


def _may_be_absent(rule: Rule) -> bool:
    """Whether a run may lack what the rule is about: a role, or the metric of an optional rule if one is known."""
    if rule.role is not None:
        return rule.optional or not rule.benchmark
    return rule.optional and _known(rule)


def _known(rule: Rule) -> bool:
    """Whether the metric is one of an installed benchmark, so that its absence is not a mistyped name."""
    from qbench.plugins.registry import installed

    base = key_of_metric(rule).name
    return base == MAIN or any(base == m.name for entry in installed().benchmarks() for m in entry.record.metrics)


def _named(rule: Rule, cell: Cell) -> bool:
    return (not rule.models or cell.model in rule.models) and (not rule.quantizers or cell.quantizer in rule.quantizers)


def _of_cells(rule: Rule, compared: Compared, cells: list[Cell], frame: pd.DataFrame, wanted: Wanted) -> Selection:
    by_cell = {key: frame.iloc[at] for key, at in frame.groupby(NUMBER[:3], sort=False).indices.items()}
    kept: list[pd.DataFrame] = []
    others: list[GateRow] = []
    for cell in cells:
        names = (cell.model, cell.quantizer, cell.benchmark)
        if not cell.done:
            remedy = (cell.failure.fix if cell.failure else "") or REPEAT
            others.append(_error(rule, cell, wanted, f"the cell is {cell.status}{_said(cell)}", remedy))
            continue
        if names in compared.unpaired:
            remedy = RENAMED if names in compared.absent else UNPAIRED
            others.append(_error(rule, cell, wanted, compared.unpaired[names], remedy))
        rows = by_cell.get(names, frame.iloc[:0])
        kept.append(rows)
        if rows.empty and names not in compared.unpaired:
            others.append(_error(rule, cell, wanted, _nothing(rule)))
        else:
            others += _absent(rule, cell, rows, wanted)
    rows = pd.concat(kept, ignore_index=True) if kept else frame.iloc[:0]
    blind = [c for c in cells if not c.done or (c.model, c.quantizer, c.benchmark) in compared.unpaired]
    # What a cell declares that could not be compared is not mistyped: that it has no number is said of the cell.
    seen = names_in(rows).union(name for cell in blind for a in cell.attributes for name in _names(a, rule))
    unmatched = unmatched_names(rule, seen, (attribute for cell in cells for attribute in cell.attributes))
    problems = [_problem(rule, unmatched)] if unmatched and len(blind) < len(cells) else []
    undetermined = ~np.isfinite(rows["change"].to_numpy(np.float64))
    others += _undetermined(rule, rows[undetermined], compared)
    return Selection(rows=rows[~undetermined], others=others, problems=problems)


def names_in(numbers: pd.DataFrame) -> set[str]:
    """The attributes and groups of numbers as a rule may name them: ``age``, ``older``, ``age=older``."""
    groups = {*zip(numbers["attribute"].tolist(), numbers["group"].tolist(), strict=True)}
    return {name for attribute, group in groups for name in (attribute, group, f"{attribute}={group}")}


def _names(attribute: Attribute, rule: Rule) -> Iterator[str]:
    """Names of an attribute that `rule` could have meant."""
    if rule.by:
        yield attribute.name
    if rule.groups:
        named = (*attribute.groups, *attribute.group_pairs)
        yield from (x for group in named for x in (group, f"{attribute.name}={group}"))


def _absent(rule: Rule, cell: Cell, rows: pd.DataFrame, wanted: Wanted) -> Iterator[GateRow]:
    """Declared groups (or pairs) of which this cell has no number, for scopes that ask for each.

    A metric that is a summary of all groups of an attribute, such as that of the worst one, has no number of any group.
    """
    if rule.scope != "each_group" and (rule.scope != "any" or rule.role is MetricRole.GAP):
        return  # gaps of any scope may be those of some pairs, or of some groups against the rest
    there = {(a, b) for a, b in zip(rows["attribute"].tolist(), rows["group"].tolist(), strict=True) if b}
    having = {attribute for attribute, _ in there}
    for attribute in cell.attributes:
        name, pairs = attribute.name, tuple(attribute.group_pairs)
        if name not in having:
            continue
        expected = pairs if any((name, pair) in there for pair in pairs) else attribute.groups
        for group in expected:
            named = not rule.groups or group in rule.groups or f"{name}={group}" in rule.groups
            if named and (name, group) not in there:
                yield _error(rule, cell, wanted, "there is no item of this group", EMPTY, name, group)


def _undetermined(rule: Rule, rows: pd.DataFrame, compared: Compared) -> Iterator[GateRow]:
    """Numbers that are undetermined: an error on one side only; on both, the data cannot give them."""
    for row in rows[[*NUMBER, "unit", "better", "margin", "n", "baseline_value", "value"]].itertuples(
        index=False, name=None
    ):
        *names, unit, better, margin, n, before, after = row
        named: dict[str, Any] = dict(zip((*NUMBER[:-1], "class_"), names, strict=True))
        both = not (np.isfinite(before) or np.isfinite(after))
        said = compared.why_unavailable(*names[2:]) if both else None
        what = f"it is undetermined (n = {int(n):,})" + ("" if both else " on one side of the comparison")
        yield GateRow(
            rule=rule.id,
            status=RowStatus.LEFT_OUT if both else RowStatus.ERROR,
            **named,
            unit=unit,
            quantity=quantity_of(better),
            limit=limit_of(rule, margin),
            n=int(n),
            why=rule.why,
            reason=said.cause if said else what,
            remedy=said.remedy if said else "" if both else ONE_SIDED,
        )


def _error(
    rule: Rule, cell: Cell, wanted: Wanted, reason: str, remedy: str = "", attribute: str = "", group: str = ""
) -> GateRow:
    names = wanted[cell.benchmark]
    metric = rule.metric if key_of_metric(rule).cutoff is not None else names[0] if len(names) == 1 else ""
    return GateRow(
        rule=rule.id,
        status=RowStatus.ERROR,
        model=cell.model,
        quantizer=cell.quantizer,
        benchmark=cell.benchmark,
        metric=metric,
        attribute=attribute,
        group=group,
        limit=limit_of(rule, np.nan),
        why=rule.why,
        reason=reason,
        remedy=remedy,
    )


def limit_of(rule: Rule, margin: float) -> float:
    """The limit of a row: the rule's, else the row's margin."""
    return float(margin if rule.limit is None else rule.limit)


def quantity_of(better: str) -> Quantity:
    """What a loss of such a number is: the drop of what is better high, else the growth of what is better low."""
    return Quantity.DROP if better == Better.HIGHER else Quantity.GROWTH


def _said(cell: Cell) -> str:
    return f" ({cell.failure.words})" if cell.failure and cell.failure.words else ""
