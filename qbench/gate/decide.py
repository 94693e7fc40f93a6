"""Rows of the effects → rows of the gate: each against its limit, by its interval and never by the change alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from qbench.data.records import records
from qbench.gate.comparison import Compared
from qbench.gate.decidable import Shares, Undecidable, undecidable
from qbench.gate.holm import TREE, failure_levels
from qbench.gate.loss import losses_of
from qbench.gate.methods import Methods
from qbench.gate.result import GateRow, NeededTo
from qbench.gate.select import NUMBER, Selection, quantity_of
from qbench.metrics.keys import MetricKey
from qbench.phrasing import TINY
from qbench.policy.model import Policy, Rule
from qbench.statistics.sample_size import cutoff_of
from qbench.stats.bootstrap import OF_DATA
from qbench.stats.decide import items_to_confirm
from qbench.vocabulary import FlagKind, MetricRole, RowFlag, RowStatus, Severity, parse_flags

VOID = tuple(kind for kind in FlagKind if kind.voids and not kind.lost)
"""Flags of numbers that mean nothing. Of a variant with one it can still be said that an accuracy fell; of a baseline
with one nothing can. A variant that lost its accuracy or its rankings is not among them: its numbers are what it does,
so they may fail a limit, and only cannot pass one.
"""

REMEDY_OF_BASELINE = "Ask what the baseline can answer: another checkpoint, other prompts, or without this question"
REMEDY_OF_VARIANT = "Look in the report at what was quantized, and set the quantizer to change less"
REMEDY_OF_MODEL = "Ask what this model can answer: another checkpoint, other prompts, or without this question"
REMEDY_OF_STATISTIC = "Install the plugin that provides it"
REMEDY_OF_NO_INTERVAL = "Leave it out of the rules, or limit the numbers that it is made of"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is known of one row before it is decided.

    Attributes
    ----------
    low, high : float
        The loss: its interval at the policy's confidence, wider at both ends by the noise of other batches.
    proven : float
        The loss that it has at least, adjusted for the rows of its variant.
    limit : float
        What it may lose.
    role : MetricRole
        Which question it answers.
    unclear : bool
        Whether it is a signed bias whose sign is not clear.
    flags : tuple of RowFlag
        Reasons to distrust it.
    undecidable : Undecidable or None
        Why no answer could decide it.
    must_be_decided : bool
        Whether its rule fails what is inconclusive: then nothing is left out for lack of data.
    no_interval : str
        Why its statistic gives no interval; else empty.
    quantized : bool
        Whether a quantizer made the variant; else it is another model in the precision of the baseline.
    """

    low: float
    high: float
    proven: float
    limit: float
    role: MetricRole
    unclear: bool
    flags: tuple[RowFlag, ...]
    undecidable: Undecidable | None
    must_be_decided: bool = False
    no_interval: str = ""
    quantized: bool = True


@dataclass(frozen=True)
class Decision:
    """A status, a sentence that says why, and for what was left out what would make it decidable."""

    status: RowStatus
    reason: str
    remedy: str = ""


def decide_rows(
    compared: Compared, policy: Policy, selections: Sequence[Selection], methods: Methods, shares: Shares
) -> Iterator[tuple[GateRow, Rule]]:
    """Decide every row that the rules select; those that could not be evaluated come first, as they are."""
    decided = [*_decided(compared, policy, selections, methods, shares)]
    failed = {
        (row.model, row.quantizer, row.benchmark)
        for row, rule in decided
        if row.status is RowStatus.FAIL and rule.severity is Severity.FAIL
    }
    for row, rule in decided:
        names = (row.model, row.quantizer, row.benchmark)
        yield (_beside_a_failure(row) if names in failed and _means_nothing(row) else row), rule


def _means_nothing(row: GateRow) -> bool:
    return row.status is RowStatus.ERROR and any(flag in VOID for flag in row.flags)


def _beside_a_failure(row: GateRow) -> GateRow:
    """A variant that broke down has failed: that its other numbers mean nothing does not take the answer away."""
    return replace(row, status=RowStatus.INCONCLUSIVE, reason=f"{row.reason}; the variant failed on this benchmark")


def _decided(
    compared: Compared, policy: Policy, selections: Sequence[Selection], methods: Methods, shares: Shares
) -> Iterator[tuple[GateRow, Rule]]:
    for rule, selection in zip(policy.rule, selections, strict=True):
        for other in selection.others:
            yield other, rule
    counts = [len(s.rows) for s in selections]
    frame = pd.concat([s.rows for s in selections], ignore_index=True)
    if frame.empty:
        return
    rules = [policy.rule[at] for at in np.repeat(np.arange(len(counts)), counts)]
    yield from zip(_rows(frame, rules, compared, policy, methods, shares), rules, strict=True)


def _rows(
    frame: pd.DataFrame,
    rules: Sequence[Rule],
    compared: Compared,
    policy: Policy,
    methods: Methods,
    shares: Shares,
) -> Iterator[GateRow]:
    confidence, roles = policy.decide.confidence or methods.confidence, _roles(frame, compared)
    given = np.array([np.nan if rule.limit is None else rule.limit for rule in rules], dtype=np.float64)
    limit = np.where(np.isnan(given), frame["margin"].to_numpy(np.float64), given)
    losses = losses_of(frame)
    low, high = losses.interval(methods.bounds, np.full(len(frame), confidence))
    noise = np.nan_to_num(frame["noise"].to_numpy(np.float64))
    low, high, found = low - noise, high + noise, losses.found()
    levels = failure_levels(
        losses,
        limit,
        methods.bounds,
        confidence=confidence,
        names=_families(frame, rules),
        holm=policy.decide.adjust == "holm",
    )
    proven = losses.interval(methods.bounds, 1 - 2 * levels)[0]
    closed = undecidable(frame, roles, limit, methods.bounds, shares, confidence)
    sizes, not_installed = frame["sample_size"].to_numpy(np.float64), methods.missing(frame)
    beyond = (found > limit + TINY) & (losses.direction != 0)
    to_prove = items_to_confirm(sizes, found, proven, limit, alpha=levels)
    needed = np.where(
        found > limit + TINY, np.where(beyond, to_prove, np.nan), methods.needed(frame, limit, confidence)
    )
    cutoff, cutoff_then = cutoff_of(frame, sizes), cutoff_of(frame, needed)
    for at, record in enumerate(records(frame)):
        rule, role = rules[at], roles[at]
        flags = parse_flags(str(record["flags"] or ""))
        judged = Judged(
            low=float(low[at]),
            high=float(high[at]),
            proven=float(proven[at]),
            limit=float(limit[at]),
            role=role,
            unclear=bool(losses.direction[at] == 0),
            flags=flags,
            undecidable=closed[at],
            must_be_decided=(rule.inconclusive or policy.decide.inconclusive) == "fail",
            no_interval=str(record["why"] or ""),
            quantized=str(record["quantizer"]) not in compared.unquantized,
        )
        decision = decide(judged, not_installed[at])
        names: dict[str, Any] = dict(zip((*NUMBER[:-1], "class_"), (str(record[k]) for k in NUMBER), strict=True))
        known = bool(np.isfinite(low[at]) and np.isfinite(high[at]))
        items = int(np.nan_to_num(record["sample_size"]))
        more = _needed(needed[at], items) if decision.status is RowStatus.INCONCLUSIVE else None
        yield GateRow(
            rule=rule.id,
            status=decision.status,
            **names,
            role=role,
            unit=str(record["unit"]),
            quantity=quantity_of(str(record["better"])),
            found=float(found[at]),
            low=float(low[at]) if known else np.nan,
            high=float(high[at]) if known else np.nan,
            proven=float(proven[at]) if known else np.nan,
            limit=float(limit[at]),
            n=int(items or record["n"]),  # images, where the number itself counts queries or classes
            items=items,
            needed=more,
            needed_k=int(cutoff_then[at]) if more is not None and np.isfinite(cutoff_then[at]) else None,
            needed_to=_purpose(more, bool(beyond[at])),
            near_limit=bool(
                decision.status is RowStatus.INCONCLUSIVE
                and more is None
                and np.isfinite(needed[at])
                and low[at] <= limit[at] <= high[at]
            ),
            flags=tuple(map(str, flags)),
            reason=decision.reason + _of_needed(more, bool(beyond[at]), items, cutoff[at], cutoff_then[at]),
            remedy=decision.remedy,
            why=rule.why,
        )


def _families(frame: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """A family is one variant, which is what people ship.

    Rules that only warn form one of their own, and so do the numbers that are left out for what the baseline is: they
    take no part of the level from those that can fail.
    """
    names = frame[TREE[1:]].assign(rule=[rule.id for rule in rules], weight=[rule.weight for rule in rules])
    gates = np.array([rule.severity is Severity.FAIL for rule in rules])
    void = [any(f.of_baseline and f.kind in VOID for f in parse_flags(str(text or ""))) for text in frame["flags"]]
    of = frame.assign(gates=gates, void=void).groupby(["model", "quantizer", "gates", "void"])
    return names.assign(family=of.ngroup())


def _roles(frame: pd.DataFrame, compared: Compared) -> list[MetricRole]:
    declared = compared.declared
    names = zip(frame["benchmark"], frame["metric"], strict=True)
    return [declared[str(b)][MetricKey.parse(str(metric)).name].judged_as for b, metric in names]


def decide(row: Judged, not_installed: str = "") -> Decision:
    """Decide one row.

    A failure needs the adjusted bound beyond the limit; a pass needs the plain interval within it. What no answer could
    have decided is left out, unless it fails or its plain interval lies beyond the limit: a loss that was seen is not
    left out. Of skews only a failure counts, since one image more or less can move those beyond the limit.
    """
    no_interval = not (np.isfinite(row.low) and np.isfinite(row.high))
    if no_interval and (not_installed or row.no_interval not in OF_DATA):
        remedy = REMEDY_OF_STATISTIC if not_installed else REMEDY_OF_NO_INTERVAL
        return Decision(RowStatus.ERROR, _no_interval(row.no_interval, not_installed), remedy)
    if not np.isfinite(row.limit):
        what = "it has no limit: neither its rule nor a margin gives one"
        return Decision(RowStatus.ERROR, what, "Give the rule a limit, or the metric a margin")
    own = {flag.kind for flag in row.flags if not flag.of_baseline}
    its = {flag.kind for flag in row.flags if flag.of_baseline}
    fails = row.proven > row.limit + TINY
    of_baseline = [kind.reason for kind in VOID if kind in its]
    if of_baseline:
        what = f"no comparison with the baseline means anything: {', and '.join(of_baseline)}"
        return Decision(RowStatus.ERROR if row.must_be_decided else RowStatus.LEFT_OUT, what, REMEDY_OF_BASELINE)
    void = [kind.reason for kind in VOID if kind in own]
    remedy = REMEDY_OF_VARIANT if row.quantized else REMEDY_OF_MODEL
    if void and not (row.role is MetricRole.ACCURACY and fails):
        return Decision(RowStatus.ERROR, f"{'; '.join(void)}: its numbers mean nothing", remedy)
    if no_interval:
        return Decision(RowStatus.INCONCLUSIVE, row.no_interval)
    if fails and row.high > row.low and FlagKind.BELOW_NOISE not in own:
        return Decision(RowStatus.FAIL, "the loss is shown to be beyond the limit")
    within = row.low < row.high < row.limit - TINY
    shown = within and row.must_be_decided and row.role is not MetricRole.SKEW  # a clear gain needs no number of items
    lost = row.low > row.limit + TINY and row.role is not MetricRole.SKEW
    if row.undecidable is not None and not shown and not lost:
        status = RowStatus.INCONCLUSIVE if row.must_be_decided else RowStatus.LEFT_OUT
        return Decision(status, row.undecidable.cause, row.undecidable.remedy)
    if row.high - row.low <= 0:
        what = "its interval has no width: what was resampled never changed, which shows nothing"
        return Decision(RowStatus.INCONCLUSIVE, what)
    if within:
        if too_low := [kind.reason for kind in FlagKind if kind.lost and kind in own]:
            what = f"{'; '.join(too_low)}, and such a variant looks fair whatever it does"
            return Decision(RowStatus.INCONCLUSIVE, what)
        if too_low := [kind.reason for kind in FlagKind if kind.lost and kind in its]:
            what = f"no comparison with the baseline shows that nothing is lost: {', and '.join(too_low)}"
            return Decision(RowStatus.INCONCLUSIVE, what)
        return Decision(RowStatus.PASS, "the interval lies wholly within the limit")
    return Decision(RowStatus.INCONCLUSIVE, _open(row, own))


def _no_interval(why: str, not_installed: str) -> str:
    if not not_installed:
        because = f" ({why})" if why else ""
        return f"no interval is known for this number{because}, so nothing can be decided on it"
    return (
        f"no interval is known at the confidence that is needed, because the statistic {not_installed!r} is not "
        "installed"
    )


def _open(row: Judged, own: set[str]) -> str:
    if FlagKind.BELOW_NOISE in own:
        return FlagKind.BELOW_NOISE.reason
    if row.low > row.limit + TINY:
        return (
            "the interval lies beyond the limit, but no longer when it is adjusted for the other numbers of the variant"
        )
    reason = "the interval contains the limit"
    if row.unclear:
        reason += "; the sign of the gap is not clear, so the interval is that of the change in either direction"
    return reason


def _needed(wanted: float, items: int) -> int | None:
    """The items that would decide, where that is more than there are."""
    return math.ceil(wanted) if np.isfinite(wanted) and wanted > items else None


def _purpose(more: int | None, beyond: bool) -> NeededTo:
    """What so many items would do: of a loss that was found beyond its limit, prove it."""
    return "" if more is None else "fail" if beyond else "pass"


def _of_needed(more: int | None, beyond: bool, items: int, cutoff: float, cutoff_then: float) -> str:
    """How many items would decide; of a skew at k both k and the gallery have to grow, or its error stays as it is."""
    if more is None:
        return ""
    k, k_now = (f" with k = {int(x):,}" if np.isfinite(x) else "" for x in (cutoff_then, cutoff))
    what = (
        "prove that it is beyond the limit if it is as large as it was found" if beyond else "decide if nothing changes"
    )
    return f"; about {more:,} items{k} would {what} (there are {items:,}{k_now})"
