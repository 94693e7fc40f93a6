"""A run checked against a policy: rows are decided, flags and waivers applied, and one answer is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbench.gate.comparison import Compared, with_its_baseline, with_older
from qbench.gate.holm import adjusted
from qbench.gate.loss import Bounds, losses_of
from qbench.gate.phrasing import TINY, headline, said, tally
from qbench.gate.policy import Consequence, Policy, Rule, read_policy
from qbench.gate.result import Counts, GateResult, GateRow, Problem, RuleResult, VariantResult
from qbench.gate.sample_size import needed
from qbench.gate.select import NUMBER, Selection, limit_of, quantity_of, select
from qbench.gate.waive import waive
from qbench.metrics.keys import MetricKey
from qbench.results import Results
from qbench.results.analysis import wanted_settings
from qbench.results.statistics import installed_statistics
from qbench.statistics.dispatch import bounds as intervals
from qbench.statistics.dispatch import missing_statistics
from qbench.vocabulary import (
    FlagKind,
    GateBand,
    GateStatus,
    Level,
    MetricRole,
    RowFlag,
    RowStatus,
    Severity,
    parse_flags,
)

VOID = tuple(kind for kind in FlagKind if kind.voids and kind is not FlagKind.ACCURACY_LOST)
"""Flags of numbers that mean nothing. Of a variant with one it can still be said that an accuracy fell; of a baseline
with one nothing can. A variant that lost its accuracy is not among them: its numbers are what it does, so they may fail
a limit, and only cannot pass one.
"""


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
        A policy, what its file would say, or the file; the default one if not given.
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
    read = policy if isinstance(policy, Policy) else read_policy(policy)
    compared = with_its_baseline(results) if baseline is None else with_older(results, baseline, renamed)
    statistics = installed_statistics()
    bounds = partial(intervals, statistics=statistics, stored=wanted_settings(results).confidence)
    missing = partial(missing_statistics, statistics=statistics)
    return judge(compared, read, today=today or datetime.now(UTC).date(), bounds=bounds, missing=missing)


def judge(
    compared: Compared,
    policy: Policy,
    *,
    today: date,
    bounds: Bounds,
    missing: Callable[[pd.DataFrame], list[str]] = lambda rows: [""] * len(rows),
) -> GateResult:
    """The same, of what is compared and with given bounds; `missing` names each row's statistic if not installed."""
    selections = [select(rule, compared) for rule in policy.rule]
    rows = [_counted(row, rule, policy) for row, rule in _decided(compared, policy, selections, bounds, missing)]
    waived = waive(rows, policy.waiver, today)
    problems = [*(p for s in selections for p in s.problems), *waived.problems]
    problems += [Problem(level=Level.WARNING, where="the comparison", what=what) for what in compared.warnings]
    ordered = tuple(sorted(waived.rows, key=_badness))
    rules = tuple(
        sorted((_rule(r, s, ordered) for r, s in zip(policy.rule, selections, strict=True)), key=_rule_badness)
    )
    if all(rule.status is RowStatus.LEFT_OUT for rule in rules):
        what = "no rule of the policy applies to this run: write one for its benchmarks"
        problems.append(Problem(level=Level.ERROR, where="the policy", what=what))
    status = _status(ordered, problems)
    return GateResult(
        status=status,
        exit_code=status.exit_code,
        band=_band(status, ordered),
        sentence=_sentence(ordered, rules, problems),
        rows=ordered,
        rules=rules,
        variants=tuple(_variants(ordered)),
        quantizers=(),
        problems=tuple(problems),
        policy=policy,
        run=compared.run,
        baseline=compared.baseline,
        today=today.isoformat(),
    )


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


@dataclass(frozen=True)
class _Decision:
    status: RowStatus
    reason: str


def _decided(
    compared: Compared,
    policy: Policy,
    selections: list[Selection],
    bounds: Bounds,
    missing: Callable[[pd.DataFrame], list[str]],
) -> Iterable[tuple[GateRow, Rule]]:
    for rule, selection in zip(policy.rule, selections, strict=True):
        for other in selection.others:
            yield other, rule
    counts = [len(s.rows) for s in selections]
    frame = pd.concat([s.rows for s in selections], ignore_index=True)
    if frame.empty:
        return
    of_rule = np.repeat(np.arange(len(counts)), counts)
    given = np.array([np.nan if r.limit is None else r.limit for r in policy.rule])[of_rule]
    limit = np.where(np.isnan(given), frame["margin"].to_numpy(np.float64), given)
    gates = np.array([int(r.severity is Severity.FAIL) for r in policy.rule])[of_rule]
    losses = losses_of(frame)
    holm, confidence = policy.decide.adjust == "holm", policy.decide.confidence
    low, high = adjusted(losses, limit, bounds, confidence=confidence, family=gates, holm=holm)
    found = losses.found()
    more = needed(frame, losses, bounds, found=found, low=low, high=high, limit=limit)
    not_installed, roles = missing(frame), _roles(compared)
    for at, record in enumerate(frame.to_dict("records")):
        rule = policy.rule[of_rule[at]]
        flags = parse_flags(str(record["flags"] or ""))
        names: dict[str, Any] = dict(zip((*NUMBER[:-1], "class_"), (str(record[k]) for k in NUMBER), strict=True))
        role = roles[names["benchmark"], MetricKey.parse(names["metric"]).name]
        accuracy = role is MetricRole.ACCURACY
        decision = _decision(low[at], high[at], limit[at], flags, unclear=losses.direction[at] == 0, accuracy=accuracy)
        known = bool(np.isfinite(low[at]) and np.isfinite(high[at]))
        if not known and not_installed[at]:
            what = "no interval is known at the confidence that is needed, because the statistic "
            what += f"{not_installed[at]!r} is not installed: install the plugin that provides it"
            decision = _Decision(RowStatus.ERROR, what)
        open_ = decision.status is RowStatus.INCONCLUSIVE
        yield (
            GateRow(
                rule=rule.id,
                status=decision.status,
                **names,
                role=role,
                unit=str(record["unit"]),
                quantity=quantity_of(str(record["better"])),
                found=float(found[at]),
                low=float(low[at]) if known else np.nan,
                high=float(high[at]) if known else np.nan,
                limit=float(limit[at]),
                n=int(more.items[at] or record["n"]),  # images, where the number itself counts queries or classes
                items=more.items[at],
                needed=more.needed[at] if open_ else None,
                flags=tuple(map(str, flags)),
                reason=decision.reason + (more.words(at) if open_ else ""),
                why=rule.why,
            ),
            rule,
        )


def _roles(compared: Compared) -> dict[tuple[str, str], MetricRole]:
    return {(b, name): info.judged_as for b, metrics in compared.declared.items() for name, info in metrics.items()}


def _decision(
    low: float, high: float, limit: float, flags: tuple[RowFlag, ...], *, unclear: bool, accuracy: bool
) -> _Decision:
    if not (np.isfinite(low) and np.isfinite(high)):
        return _Decision(RowStatus.ERROR, "no interval is known for this number, so nothing can be decided on it")
    status = RowStatus.INCONCLUSIVE
    reason = "the interval contains the limit"
    if unclear:
        reason += "; the sign of the gap is not clear, so the interval is that of the change in either direction"
    if low > limit + TINY:
        status, reason = RowStatus.FAIL, "the interval lies wholly beyond the limit"
    elif high < limit - TINY:
        status, reason = RowStatus.PASS, "the interval lies wholly within the limit"
    if high - low <= 0:
        what = "its interval has no width: what was resampled never changed, which shows nothing"
        return _Decision(RowStatus.INCONCLUSIVE, what)
    own = {flag.kind for flag in flags if not flag.of_baseline}
    its = {flag.kind for flag in flags if flag.of_baseline}
    of_baseline = [kind.reason for kind in VOID if kind in its]
    if of_baseline:
        what = f"of the baseline: {'; '.join(of_baseline)}; no comparison with it means anything"
        return _Decision(RowStatus.ERROR, what)
    void = [kind.reason for kind in VOID if kind in own]
    if void and not (accuracy and status is RowStatus.FAIL):
        return _Decision(RowStatus.ERROR, f"{'; '.join(void)}: its numbers mean nothing")
    if FlagKind.BELOW_NOISE in own:
        return _Decision(RowStatus.INCONCLUSIVE, FlagKind.BELOW_NOISE.reason)
    if FlagKind.ACCURACY_LOST in own and status is RowStatus.PASS:
        what = f"{FlagKind.ACCURACY_LOST.reason}, and where little is correct no gap is seen"
        return _Decision(RowStatus.INCONCLUSIVE, what)
    return _Decision(status, reason)


def _counted(row: GateRow, rule: Rule, policy: Policy) -> GateRow:
    counts: Counts = ""
    if row.status is RowStatus.FAIL:
        counts = GateStatus.FAIL
    elif row.status is RowStatus.ERROR:
        counts = GateStatus(policy.decide.missing)
    elif row.status is RowStatus.INCONCLUSIVE:
        counts = INCONCLUSIVE_COUNTS[rule.inconclusive or policy.decide.inconclusive]
    lenient = rule.severity is Severity.WARN and row.status is not RowStatus.ERROR
    if lenient and counts in (GateStatus.FAIL, GateStatus.INCONCLUSIVE):
        counts = GateStatus.WARN
    return replace(row, counts=counts)


INCONCLUSIVE_COUNTS: Mapping[Consequence, Counts] = {
    "pass": "",
    "warn": GateStatus.WARN,
    "fail": GateStatus.INCONCLUSIVE,
}
"""What the policy says of an inconclusive row → what it adds to the gate's status."""


def _status(rows: Iterable[GateRow], problems: Iterable[Problem]) -> GateStatus:
    if any(problem.level is Level.ERROR for problem in problems):
        return GateStatus.ERROR
    seen = {row.counts for row in rows}
    outweighing = (GateStatus.ERROR, GateStatus.FAIL, GateStatus.INCONCLUSIVE, GateStatus.WARN)
    return next((status for status in outweighing if status in seen), GateStatus.PASS)


def _band(status: GateStatus, rows: Iterable[GateRow]) -> GateBand:
    if status is GateStatus.ERROR:
        return GateBand.COULD_NOT_EVALUATE
    if status is GateStatus.FAIL:
        return GateBand.FAIL
    open_ = any(row.status is RowStatus.INCONCLUSIVE and row.counts for row in rows)
    return GateBand.NOT_SHOWN_SAFE if open_ else GateBand.PASS


def _badness(row: GateRow) -> tuple[Any, ...]:
    excess = (row.found - row.limit) / (row.limit or 0.01)
    names = (row.rule, row.benchmark, row.metric, row.model, row.quantizer, row.attribute, row.group, row.class_)
    return (
        row.status.rank,
        not row.counts or row.counts is GateStatus.WARN,
        -excess if np.isfinite(excess) else 0.0,
        *names,
    )


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
        counts, status = Counter(row.status for row in mine), _status(mine, ())
        yield VariantResult(
            model=model,
            quantizer=quantizer,
            status=status,
            band=_band(status, mine),
            counts={status: counts[status] for status in RowStatus if counts[status]},
            worst=mine[0],
        )


def _rule_badness(rule: RuleResult) -> tuple[Any, ...]:
    return (rule.status.rank, *(_badness(rule.worst) if rule.worst else ()))


def _sentence(rows: tuple[GateRow, ...], rules: tuple[RuleResult, ...], problems: list[Problem]) -> str:
    counts = tally(Counter(rule.status for rule in rules))
    errors = [p for p in problems if p.level is Level.ERROR]
    if errors:
        return f"{said(errors[0].where)}: {said(errors[0].what)}. {counts}"
    return f"{headline(rows[0])} {counts}" if rows else counts
