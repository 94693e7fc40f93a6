"""Waivers: known failures that may stay until a day. An expired one is an error, so that it cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from qbench.gate.result import GateRow, Problem
from qbench.policy.model import Waiver
from qbench.vocabulary import GateStatus, Level, RowStatus

FAILING = (GateStatus.FAIL, GateStatus.INCONCLUSIVE)
"""What a row may count as for a waiver to matter."""


@dataclass(frozen=True)
class Waived:
    """Rows after waivers, and what is to be said of the waivers themselves."""

    rows: list[GateRow]
    problems: list[Problem]


def waive(rows: Iterable[GateRow], waivers: Iterable[Waiver], today: date) -> Waived:
    """Apply waivers to rows that would count against the run.

    Only what failed, or is inconclusive where the policy fails that, can be waived; what could not be evaluated cannot.
    A waiver holds through its last day. After it, it is an error; one that matches no row is a warning, and so is one
    that no row needs any more.
    """
    left, problems = list(rows), []
    for waiver in waivers:
        where = "waiver of " + ", ".join([waiver.rule, *_names(waiver)])
        if waiver.until < today:
            what = f"it expired on {waiver.until.isoformat()}: renew it or take it out"
            problems.append(Problem(level=Level.ERROR, where=where, what=what))
            continue
        of = [at for at, row in enumerate(left) if _matches(waiver, row)]
        needing = [at for at in of if left[at].counts in FAILING and left[at].status is not RowStatus.ERROR]
        for at in needing:
            until = waiver.until.isoformat()
            left[at] = replace(
                left[at],
                status=RowStatus.WAIVED,
                counts="",
                waiver=f"until {until}: {waiver.why}",
                waived_until=until,
                without_waiver=left[at].status,
            )
        if not needing and not any(left[at].waiver for at in of):
            what = _why_not_needed([left[at] for at in of])
            problems.append(Problem(level=Level.WARNING, where=where, what=what))
    return Waived(left, problems)


def _why_not_needed(rows: list[GateRow]) -> str:
    if not rows:
        return "it matches nothing in this run"
    warned = any(row.counts is GateStatus.WARN for row in rows)
    return f"it is not needed: {'what it is for is only a warning' if warned else 'nothing that it is for fails'}"


def _names(waiver: Waiver) -> list[str]:
    return [name for name in (waiver.group, waiver.model, waiver.quantizer, waiver.benchmark) if name]


def _matches(waiver: Waiver, row: GateRow) -> bool:
    return (
        row.rule == waiver.rule
        and waiver.group in ("", row.group, f"{row.attribute}={row.group}")
        and waiver.model in ("", row.model)
        and waiver.quantizer in ("", row.quantizer)
        and waiver.benchmark in ("", row.benchmark)
    )
