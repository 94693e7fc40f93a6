"""A policy held against a run: rows decided, flags and waivers applied, one answer made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbench.analysis.verdicts import BASELINE
from qbench.gate.comparison import Comparison, with_its_baseline, with_older
from qbench.gate.holm import adjusted
from qbench.gate.loss import Bounds, limited
from qbench.gate.phrasing import TINY, headline, said, tally
from qbench.gate.policy import Policy, Rule, read_policy
from qbench.gate.result import (
    BANDS,
    EXIT_CODES,
    WORST_FIRST,
    Counts,
    GateResult,
    GateRow,
    Problem,
    RowStatus,
    RuleResult,
    Status,
)
from qbench.gate.sample_size import needed
from qbench.gate.select import NUMBER, Selection, select
from qbench.gate.waive import waive
from qbench.results import Results
from qbench.statistics.intervals import bounds as intervals

VOID = {
    "near-chance": "its answers cannot be told from guessing",
    "constant": "it gives one answer to everything",
    "follows": "the same model guesses on another benchmark",
    "undetermined": "it is undetermined",
}
"""Flags of numbers that mean nothing. Of a variant with one it can still be said that an accuracy fell; of a baseline
with one (``baseline-…``) nothing can.
"""


def check(
    results: Results,
    policy: Policy | Mapping[str, Any] | str | Path | None = None,
    baseline: Results | None = None,
    today: date | None = None,
) -> GateResult:
    """Hold a policy against a run.

    Parameters
    ----------
    results : Results
        Of ``qbench.load``.
    policy : Policy, mapping, str, pathlib.Path or None
        A policy, what its file would say, or the file; the default one if not given.
    baseline : Results, optional
        An older run: each cell is compared with the same cell there, not with the baseline of its own run.
    today : datetime.date, optional
        What waivers are held against; the date in UTC if not given.

    Raises
    ------
    qbench.errors.InputError
        The policy is wrong, or a file of a run is damaged.
    """
    read = policy if isinstance(policy, Policy) else read_policy(policy)
    comparison = with_its_baseline(results) if baseline is None else with_older(results, baseline)
    return judge(comparison, read, today=today or datetime.now(UTC).date(), bounds=intervals)


def judge(comparison: Comparison, policy: Policy, *, today: date, bounds: Bounds) -> GateResult:
    """The same, of a comparison and with given bounds."""
    selections = [select(rule, comparison) for rule in policy.rule]
    rows = [_counted(row, rule, policy) for row, rule in _decided(comparison, policy, selections, bounds)]
    waived = waive(rows, policy.waiver, today)
    problems = [*(p for s in selections for p in s.problems), *waived.problems]
    problems += [Problem(level="warning", where="the comparison", what=what) for what in comparison.warnings]
    ordered = tuple(sorted(waived.rows, key=_badness))
    rules = tuple(
        sorted((_rule(r, s, ordered) for r, s in zip(policy.rule, selections, strict=True)), key=_rule_badness)
    )
    if all(rule.status == "left out" for rule in rules):
        what = "no rule of the policy applies to this run: write one for its benchmarks"
        problems.append(Problem(level="error", where="the policy", what=what))
    status = _status(ordered, problems)
    return GateResult(
        status=status,
        exit_code=EXIT_CODES[status],
        band=_band(status, ordered),
        sentence=_sentence(ordered, rules, problems),
        rows=ordered,
        rules=rules,
        problems=tuple(problems),
        policy=policy,
        run=comparison.run,
        baseline=comparison.baseline,
        today=today.isoformat(),
    )


def not_evaluated(where: str, what: str, *, today: date, run: str = "", baseline: str = "") -> GateResult:
    """The answer where a gate did not come to decide: its policy or its run could not be read."""
    return GateResult(
        status="error",
        exit_code=EXIT_CODES["error"],
        band=BANDS["error"],
        sentence=said(f"{where}: {what}" if where else what),
        rows=(),
        rules=(),
        problems=(Problem(level="error", where=where, what=what),),
        policy=None,
        run=run,
        baseline=baseline,
        today=today.isoformat(),
    )


@dataclass(frozen=True)
class _Verdict:
    status: RowStatus
    reason: str


def _decided(
    comparison: Comparison, policy: Policy, selections: list[Selection], bounds: Bounds
) -> Iterable[tuple[GateRow, Rule]]:
    for rule, selection in zip(policy.rule, selections, strict=True):
        for other in selection.others:
            yield other, rule
    counts = [len(s.rows) for s in selections]
    frame = pd.concat([s.rows for s in selections], ignore_index=True)
    if frame.empty:
        return
    of_rule = np.repeat(np.arange(len(counts)), counts)
    limit = np.array([r.limit for r in policy.rule])[of_rule]
    gates = np.array([int(r.severity == "fail") for r in policy.rule])[of_rule]
    losses = limited(frame, comparison)
    holm, confidence = policy.decide.adjust == "holm", policy.decide.confidence
    low, high = adjusted(losses, limit, bounds, confidence=confidence, family=gates, holm=holm)
    found = losses.found()
    more = needed(frame, comparison, losses, bounds, found=found, low=low, high=high, limit=limit)
    for at, record in enumerate(frame.to_dict("records")):
        rule = policy.rule[of_rule[at]]
        flags = tuple(x for x in str(record["flags"] or "").split(";") if x)
        names: dict[str, Any] = dict(zip((*NUMBER[:-1], "class_"), (str(record[k]) for k in NUMBER), strict=True))
        verdict = _verdict(
            low[at], high[at], limit[at], flags, unclear=losses.direction[at] == 0, drop=rule.quantity == "drop"
        )
        known = bool(np.isfinite(low[at]) and np.isfinite(high[at]))
        yield (
            GateRow(
                rule=rule.id,
                status=verdict.status,
                **names,
                unit=str(record["unit"]),
                quantity=rule.quantity,
                found=float(found[at]),
                low=float(low[at]) if known else np.nan,
                high=float(high[at]) if known else np.nan,
                limit=rule.limit,
                n=int(more.items[at] or record["n"]),  # images, where the number itself counts queries or classes
                items=more.items[at],
                needed=more.needed[at] if verdict.status == "undecided" else None,
                flags=flags,
                reason=verdict.reason + (more.words(at) if verdict.status == "undecided" else ""),
                why=rule.why,
            ),
            rule,
        )


def _verdict(low: float, high: float, limit: float, flags: tuple[str, ...], *, unclear: bool, drop: bool) -> _Verdict:
    if not (np.isfinite(low) and np.isfinite(high)):
        return _Verdict("error", "no interval is known for this number, so nothing can be decided on it")
    status: RowStatus = "undecided"
    reason = "the interval holds the limit"
    if unclear:
        reason += "; whom the gap favours is not clear, so the interval is that of the change, whatever its sign"
    if low > limit + TINY:
        status, reason = "fail", "the interval lies wholly beyond the limit"
    elif high < limit - TINY:
        status, reason = "pass", "the interval lies wholly within the limit"
    if high - low <= 0:
        return _Verdict("undecided", "its interval has no width: what was resampled never changed, which shows nothing")
    of_baseline = [words for flag, words in VOID.items() if f"{BASELINE}{flag}" in flags]
    if of_baseline:
        return _Verdict("error", f"of the baseline: {'; '.join(of_baseline)}; no comparison with it means anything")
    void = [words for flag, words in VOID.items() if flag in flags]
    if void and not (drop and status == "fail"):
        return _Verdict("error", f"{'; '.join(void)}: its numbers mean nothing")
    if "below-noise" in flags:
        return _Verdict("undecided", "the change is below what another order of the items makes")
    if "accuracy-lost" in flags and status == "pass":
        return _Verdict(
            "undecided", "it lost more than a fifth of its accuracy, and where little is right no gap is seen"
        )
    return _Verdict(status, reason)


def _counted(row: GateRow, rule: Rule, policy: Policy) -> GateRow:
    counts: Counts = ""
    if row.status == "fail":
        counts = "fail"
    elif row.status == "error":
        counts = policy.decide.missing
    elif row.status == "undecided":
        says = rule.undecided or policy.decide.undecided
        counts = {"pass": "", "warn": "warn", "fail": "undecided"}[says]  # type: ignore[assignment]
    if rule.severity == "warn" and counts in ("fail", "undecided") and row.status != "error":
        counts = "warn"
    return replace(row, counts=counts)


def _status(rows: Iterable[GateRow], problems: Iterable[Problem]) -> Status:
    seen = {row.counts for row in rows} | {p.level for p in problems if p.level == "error"}
    outweighing: tuple[Status, ...] = ("error", "fail", "undecided", "warn")
    return next((status for status in outweighing if status in seen), "pass")


def _band(status: Status, rows: Iterable[GateRow]) -> str:
    if status in BANDS and status != "pass":
        return BANDS[status]
    open_ = any(row.status == "undecided" and row.counts for row in rows)
    return BANDS["undecided" if open_ else "pass"]


def _badness(row: GateRow) -> tuple[Any, ...]:
    excess = (row.found - row.limit) / (row.limit or 0.01)
    names = (row.rule, row.benchmark, row.metric, row.model, row.quantizer, row.attribute, row.group, row.class_)
    return (
        WORST_FIRST.index(row.status),
        not row.counts or row.counts == "warn",
        -excess if np.isfinite(excess) else 0.0,
        *names,
    )


def _rule(rule: Rule, selection: Selection, rows: Iterable[GateRow]) -> RuleResult:
    mine = [row for row in rows if row.rule == rule.id]
    reason = selection.left_out or "; ".join(p.what for p in selection.problems)
    counts = Counter(row.status for row in mine)
    worst = mine[0] if mine else None
    status: RowStatus = worst.status if worst else "left out" if selection.left_out else "error"
    if selection.problems:
        status = "error"
    return RuleResult(
        id=rule.id,
        status=status,
        metric=rule.metric,
        scope=rule.scope,
        limit=rule.limit,
        quantity=rule.quantity,
        why=rule.why,
        reason=reason,
        counts={s: counts[s] for s in WORST_FIRST if counts[s]},
        worst=worst,
    )


def _rule_badness(rule: RuleResult) -> tuple[Any, ...]:
    return (WORST_FIRST.index(rule.status), *(_badness(rule.worst) if rule.worst else ()))


def _sentence(rows: tuple[GateRow, ...], rules: tuple[RuleResult, ...], problems: list[Problem]) -> str:
    counts = tally(Counter(rule.status for rule in rules))
    errors = [p for p in problems if p.level == "error"]
    if errors:
        return f"{said(errors[0].where)}: {said(errors[0].what)}. {counts}"
    return f"{headline(rows[0])} {counts}" if rows else counts
