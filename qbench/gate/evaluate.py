"""A run checked against a policy: rows are decided, flags and waivers applied, and one answer is made of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbench.gate.answers import answer_of
from qbench.gate.comparison import Compared, with_its_baseline, with_older
from qbench.gate.decidable import Shares
from qbench.gate.decide import VOID, decide_rows
from qbench.gate.groups_behind import with_groups
from qbench.gate.methods import Methods, installed_methods
from qbench.gate.phrasing import (
    ONLY_WARNS,
    Headline,
    beside_errors,
    excess,
    headline,
    listed,
    named,
    passing,
    said,
    tally,
    waived,
)
from qbench.gate.quantizers import rows_of_quantizers
from qbench.gate.result import (
    Counts,
    GateResult,
    GateRow,
    Problem,
    QuantizerResult,
    RuleResult,
    VariantResult,
    findings,
)
from qbench.gate.select import Selection, limit_of, select
from qbench.gate.unjudged import beside_the_rest, unjudged
from qbench.gate.waive import waive
from qbench.models.same_checkpoints import checkpoints_of
from qbench.policy.model import Consequence, Policy, Rule, read_policy
from qbench.results import Cell, Results
from qbench.results.analysis import wanted_settings
from qbench.stats.population import LEAST
from qbench.text import counted, percent, sentence
from qbench.vocabulary import GateBand, GateStatus, Level, RowStatus, Severity, parse_flags

USUAL = 0.95
"""The confidence that intervals have where nobody asks for another one, so that it need not be said."""
TOLD = (
    "the settings of the analysis (margins, confidence, …) are those that `qbench analyse` was given, not those of the "
    "spec; `qbench analyse RUN` without options goes back to the spec's"
)


def check(
    results: Results,
    policy: Policy | Mapping[str, Any] | str | Path | None = None,
    baseline: Results | None = None,
    today: date | None = None,
    renamed: Iterable[str] = (),
) -> GateResult:
    """Check a run against a policy.

    Parameters
    ----------
    results : Results
        Of ``qbench.load``.
    policy : Policy, mapping, str, pathlib.Path or None
        A policy, what its file would say, or the file; that of the run if not given, else the built-in one.
    baseline : Results, optional
        An older run: each cell is compared with the same cell there, not with the baseline of its own run.
    today : datetime.date, optional
        The day for which waivers have to be valid; the date in UTC if not given.
    renamed : iterable of str
        Labels that were changed since the older run, each as ``old=new``.

    Raises
    ------
    qbench.errors.InputError
        The policy is wrong, or a file of a run is damaged.
    """
    given = policy if isinstance(policy, Policy | None) else read_policy(policy)
    read = given or results.run.policy or read_policy()
    results = results.judged_by(read)
    compared = with_its_baseline(results) if baseline is None else with_older(results, baseline, renamed)
    settings = wanted_settings(results)
    if settings != results.run.analysis.settings:
        compared.warnings.append(TOLD)
    methods = installed_methods(results.confidence)
    shares = cache(lambda benchmark: group_shares(compared.cells, benchmark))
    day = today or datetime.now(UTC).date()
    many = baseline is None and len(set(checkpoints_of(results.fingerprints).values())) >= LEAST
    populations = results.populations if many else None
    return judge(compared, read, today=day, methods=methods, shares=shares, populations=populations)


def group_shares(cells: Iterable[Cell], benchmark: str) -> dict[tuple[str, str], float]:
    """Attribute and group → the group's share of the items of a benchmark, which are the same for all models."""
    done = next((c for c in cells if c.benchmark == benchmark and c.done), None)
    if done is None:
        return {}
    items = done.table("items")
    attributes = [attribute.name for attribute in done.attributes if attribute.name in items]
    counts = {attribute: items[attribute].value_counts(normalize=True) for attribute in attributes}
    return {(str(a), str(group)): float(x) for a, of in counts.items() for group, x in of.items()}


def judge(
    compared: Compared,
    policy: Policy,
    *,
    today: date,
    methods: Methods,
    shares: Shares = lambda benchmark: {},
    populations: pd.DataFrame | None = None,
) -> GateResult:
    """The same, of what is compared and with given methods.

    `shares` are the shares of groups in a benchmark; `populations` is that table of the analysis, where the run has
    enough checkpoints for an answer for each quantizer.
    """
    selections = [select(rule, compared) for rule in policy.rule]
    rows = [_counted(row, rule, policy) for row, rule in decide_rows(compared, policy, selections, methods, shares)]
    rows = with_groups(rows, compared, methods.bounds, policy.decide.confidence or methods.confidence)
    means = _means(rows, compared, populations, policy, methods.confidence)
    left = waive([*beside_the_rest(rows, rows), *beside_the_rest(means, rows)], policy.waiver, today)
    of_variants, of_quantizers = left.rows[: len(rows)], left.rows[len(rows) :]
    problems = [*(p for s in selections for p in s.problems), *left.problems]
    for level, said_of_it in ((Level.WARNING, compared.warnings), (Level.NOTE, compared.notes)):
        problems += [Problem(level=level, where="the comparison", what=what) for what in said_of_it]
    problems += _flagged_baselines(of_variants, compared)
    ordered = tuple(sorted(of_variants, key=_badness))
    quantizers = tuple(_quantizers(sorted(of_quantizers, key=_badness)))
    found = findings(ordered, quantizers)
    if not any(s.problems for s in selections):
        problems += unjudged(compared, policy, ordered)
    problems.sort(key=lambda problem: problem.level.rank)
    rules = tuple(sorted((_rule(r, s, found) for r, s in zip(policy.rule, selections, strict=True)), key=_rule_badness))
    status = _status(found, problems)
    return GateResult(
        status=status,
        exit_code=status.exit_code,
        band=_band(status, found),
        sentence=_sentence(ordered, found, rules, problems) + _level(policy.decide.confidence or methods.confidence),
        rows=ordered,
        rules=rules,
        variants=tuple(_variants(ordered)),
        quantizers=quantizers,
        problems=tuple(problems),
        policy=policy,
        run=compared.run,
        baseline=compared.baseline,
        today=today.isoformat(),
    )


def _flagged_baselines(rows: Iterable[GateRow], compared: Compared) -> Iterator[Problem]:
    """Warn of every metric of a baseline that already means nothing: no comparison with it is judged."""
    of: dict[tuple[str, str, str], list[GateRow]] = {}
    for row in rows:
        if row.status is RowStatus.LEFT_OUT and _flags_of_baseline(row):
            baseline = compared.baselines[row.model, row.quantizer]
            of.setdefault((baseline, row.benchmark, row.metric), []).append(row)
    for (baseline, benchmark, metric), mine in of.items():
        numbers = counted(len(mine), f"number of {metric} on {benchmark} is", f"numbers of {metric} on {benchmark} are")
        flags = {flag for row in mine for flag in _flags_of_baseline(row)}
        because = ", and ".join(kind.reason for kind in VOID if kind in flags)
        quantizers = listed([named(x) for x in dict.fromkeys(row.quantizer for row in mine)])
        where = f"{baseline}, the baseline of {quantizers}"
        yield Problem(level=Level.WARNING, where=where, what=f"{numbers} not judged, because {because}")


def not_evaluated(where: str, what: str, *, today: date, run: str = "", baseline: str = "") -> GateResult:
    """The answer where nothing could be decided: the policy or the run could not be read."""
    return GateResult(
        status=GateStatus.ERROR,
        exit_code=GateStatus.ERROR.exit_code,
        band=GateBand.COULD_NOT_EVALUATE,
        sentence=said(f"{where}: {what}" if where else what),
        rows=(),
        rules=(),
        variants=(),
        quantizers=(),
        problems=(Problem(level=Level.ERROR, where=where, what=what),),
        policy=None,
        run=run,
        baseline=baseline,
        today=today.isoformat(),
    )


def _counted(row: GateRow, rule: Rule, policy: Policy) -> GateRow:
    """What a row adds to the answer: a rule that only warns turns what would fail into a warning.

    A number that could not be evaluated counts under such a rule as under any other: a rule that looks at nothing would
    have nothing to warn of.
    """
    counts: Counts = ""
    if row.status is RowStatus.FAIL:
        counts = GateStatus.FAIL
    elif row.status is RowStatus.ERROR:
        counts = GateStatus(policy.decide.missing)
    elif row.status is RowStatus.INCONCLUSIVE:
        counts = INCONCLUSIVE_COUNTS[rule.inconclusive or policy.decide.inconclusive]
    if rule.severity is Severity.FAIL or row.status is RowStatus.ERROR or not counts:
        return replace(row, counts=counts, severity=rule.severity)
    status = RowStatus.WARNING if row.status is RowStatus.FAIL else row.status
    reason = f"{row.reason}; {ONLY_WARNS}"
    return replace(row, status=status, counts=GateStatus.WARN, severity=rule.severity, reason=reason)


INCONCLUSIVE_COUNTS: Mapping[Consequence, Counts] = {
    "pass": "",
    "warn": GateStatus.WARN,
    "fail": GateStatus.INCONCLUSIVE,
}
"""What the policy says of an inconclusive row → what it adds to the gate's status."""


def _status(rows: Iterable[GateRow], problems: Iterable[Problem]) -> GateStatus:
    rows, levels = list(rows), {problem.level for problem in problems}
    nothing = bool(rows) and answer_of(rows).band is GateBand.NOT_JUDGED
    if nothing or Level.ERROR in levels:
        return GateStatus.ERROR
    seen = {row.counts for row in rows} | ({GateStatus.WARN} if Level.WARNING in levels else set())
    outweighing = (GateStatus.ERROR, GateStatus.FAIL, GateStatus.INCONCLUSIVE, GateStatus.WARN)
    return next((status for status in outweighing if status in seen), GateStatus.PASS)


def _band(status: GateStatus, rows: Iterable[GateRow]) -> GateBand:
    """The answer for the run, whose problems may make it worse than its rows do."""
    if status is GateStatus.ERROR:
        return GateBand.COULD_NOT_EVALUATE
    band = answer_of(rows).band
    return GateBand.PASS_WITH_WARNINGS if status is GateStatus.WARN and band is GateBand.PASS else band


def _badness(row: GateRow) -> tuple[Any, ...]:
    names = (row.rule, row.benchmark, row.metric, row.model, row.quantizer, row.attribute, row.group, row.class_)
    return (*row.badness, -excess(row), *names)


def _rule(rule: Rule, selection: Selection, rows: Iterable[GateRow]) -> RuleResult:
    mine = [row for row in rows if row.rule == rule.id]
    reason = selection.left_out or "; ".join(p.what for p in selection.problems)
    counts = Counter(row.status for row in mine)
    worst = mine[0] if mine else None
    status = RowStatus.LEFT_OUT if selection.left_out else RowStatus.ERROR
    if worst and not selection.problems:
        status = worst.status
    elif selection.problems:
        status = RowStatus.ERROR
    return RuleResult(
        id=rule.id,
        status=status,
        role=rule.role or "",
        metric=rule.metric,
        scope=rule.scope,
        limit=limit_of(rule, np.nan),
        why=rule.why,
        reason=reason,
        counts={s: counts[s] for s in RowStatus if counts[s]},
        worst=worst,
    )


def _variants(rows: Iterable[GateRow]) -> Iterable[VariantResult]:
    """One answer for each model with each quantizer; `rows` are worst first, and so is the result."""
    of: dict[tuple[str, str], list[GateRow]] = {}
    for row in rows:
        if row.model and row.quantizer:
            of.setdefault((row.model, row.quantizer), []).append(row)
    for (model, quantizer), mine in of.items():
        counts, answer = Counter(row.status for row in mine), answer_of(mine)
        yield VariantResult(
            model=model,
            quantizer=quantizer,
            status=_status(mine, ()),
            band=answer.band,
            waived=answer.waived,
            counts={status: counts[status] for status in RowStatus if counts[status]},
            worst=mine[0],
        )


def _means(
    rows: Sequence[GateRow],
    compared: Compared,
    populations: pd.DataFrame | None,
    policy: Policy,
    confidence: float,
) -> list[GateRow]:
    """One row for each quantizer and number, of the mean over all checkpoints; none where there are too few."""
    if populations is None:
        return []
    rules = {rule.id: rule for rule in policy.rule}
    level = policy.decide.confidence or confidence
    found = rows_of_quantizers(rows, compared.effects, populations, policy, level)
    return [_counted(row, rules[row.rule], policy) for row in found]


def _quantizers(rows: Sequence[GateRow]) -> Iterator[QuantizerResult]:
    """One answer for each quantizer over all checkpoints; `rows` are worst first, and so is the result."""
    for quantizer in dict.fromkeys(row.quantizer for row in rows):
        mine = tuple(row for row in rows if row.quantizer == quantizer)
        counts, answer = Counter(row.status for row in mine), answer_of(mine)
        yield QuantizerResult(
            quantizer=quantizer,
            checkpoints=max(row.checkpoints for row in mine),
            status=_status(mine, ()),
            band=answer.band,
            waived=answer.waived,
            counts={status: counts[status] for status in RowStatus if counts[status]},
            rows=mine,
        )


def _rule_badness(rule: RuleResult) -> tuple[Any, ...]:
    if rule.reason and rule.status is RowStatus.ERROR:
        band = GateBand.COULD_NOT_EVALUATE
    else:
        band = rule.worst.band if rule.worst else GateBand.NOT_JUDGED
    return (band.rank, *(_badness(rule.worst)[1:] if rule.worst else (False, rule.status.rank)))


def _sentence(
    rows: Sequence[GateRow], found: Sequence[GateRow], rules: Iterable[RuleResult], problems: Iterable[Problem]
) -> str:
    """The worst finding, or what is said of all rows of the variants, then the counts."""
    counts = tally(Counter(rule.status for rule in rules))
    levels = Counter(problem.level for problem in problems)
    errors = [p for p in problems if p.level is Level.ERROR]
    if errors:
        error = sentence(f"{said(errors[0].where)}: {said(errors[0].what)}")
        beside, told = beside_errors(found)
        return " ".join(filter(None, [error, beside, waived(found, told), counts]))
    errors_of_rows = sum(row.status is RowStatus.ERROR for row in rows)
    if errors_of_rows:
        counts = f"{counted(errors_of_rows, 'number', 'numbers')} could not be evaluated. {counts}"
    warnings = [f"{counted(n, 'warning is', 'warnings are')} given."] if (n := levels[Level.WARNING]) else []
    of_variants = bool(rows) and found[0] is rows[0] and not errors_of_rows
    first = headline(rows if of_variants else found, whole=True) if found else None
    let_pass = _let_pass(found, first) if first else ()
    return " ".join([*([str(first)] if first else []), *let_pass, counts, *_left_out(rows), *warnings])


def _let_pass(rows: Sequence[GateRow], first: Headline) -> Iterator[str]:
    """What the policy lets pass although it is not shown, as far as the first part of the sentence does not say it."""
    if let_pass := waived(rows, first.told):
        yield let_pass
    if (passed := passing(rows)) and passed not in first.text:
        yield f"The policy counts {passed} as a pass."


def _level(confidence: float) -> str:
    """The confidence of the intervals, where it is not the usual one."""
    return "" if math.isclose(confidence, USUAL) else f" Intervals have {percent(confidence)} confidence."


def _left_out(rows: Iterable[GateRow]) -> Iterator[str]:
    """How many numbers are left out, by whether this is due to the data or to the baseline."""
    left_out = [row for row in rows if row.status is RowStatus.LEFT_OUT]
    of_baseline = sum(bool(_flags_of_baseline(row)) for row in left_out)
    if of_data := len(left_out) - of_baseline:
        yield f"This data cannot decide {counted(of_data, 'number', 'numbers')}."
    if of_baseline:
        yield f"{counted(of_baseline, 'number means', 'numbers mean')} nothing for the baseline and cannot be judged."


def _flags_of_baseline(row: GateRow) -> list[str]:
    """The flags of the baseline that void the number of a row."""
    return [flag.kind for flag in parse_flags(";".join(row.flags)) if flag.of_baseline and flag.kind in VOID]
