"""What a gate found, as plain frozen data. Every writer (terminal, JUnit, Markdown, JSON, report) reads only this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from qbench.gate.policy import Policy

Status = Literal["pass", "warn", "fail", "undecided", "error"]
RowStatus = Literal["pass", "fail", "undecided", "error", "waived", "left out"]
Counts = Literal["", "warn", "undecided", "fail", "error"]

EXIT_CODES: dict[Status, int] = {"pass": 0, "warn": 0, "fail": 1, "error": 2, "undecided": 3}
BANDS = {"pass": "PASS", "fail": "FAIL", "undecided": "NOT SHOWN SAFE", "error": "COULD NOT EVALUATE"}
WORST_FIRST: tuple[RowStatus, ...] = ("error", "fail", "undecided", "waived", "pass", "left out")


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One number of one variant against the limit of one rule.

    Attributes
    ----------
    rule : str
        The rule's id.
    status : {"pass", "fail", "undecided", "error", "waived", "left out"}
        ``pass``: the adjusted interval lies wholly inside the limit; ``fail``: wholly beyond it; ``undecided``: it
        holds the limit; ``error``: it could not be evaluated; ``waived``: it would count against the run, and a waiver
        says that it may; ``left out``: undetermined, and the rule allows that.
    counts : {"", "warn", "undecided", "fail", "error"}
        What it adds to the gate's status; ``undecided`` is one that the policy fails (exit code 3).
    model, quantizer, benchmark, metric, attribute, group, class_ : str
        What it is; empty is "all of them", or for an error what is not known.
    unit : {"share", "points", "nats"}
        As the metric declares it; `found`, `low`, `high` and `limit` are differences in it, as fractions (0.01 is one
        percentage point).
    quantity : {"drop", "growth"}
        Whether they are a drop of an accuracy or the growth of a bias; positive is worse in both.
    found, low, high, limit : float
        The estimate, its adjusted interval and the rule's limit; NaN where there is none.
    n : int
        Items, classes or queries behind the number, as in the table of effects.
    items : int
        Items that `needed` is to be compared with: those of the group for a share, else the benchmark's.
    needed : int or None
        Items that would decide, where it is undecided and such a number exists.
    flags : tuple of str
        Validity flags of the effect, such as ``near-chance``.
    reason : str
        One plain sentence.
    why : str
        Why the limit is what it is, as the policy says.
    waiver : str
        Why a waiver lets it pass and until when; else empty.
    """

    rule: str
    status: RowStatus
    counts: Counts = ""
    model: str = ""
    quantizer: str = ""
    benchmark: str = ""
    metric: str = ""
    attribute: str = ""
    group: str = ""
    class_: str = ""
    unit: str = ""
    quantity: Literal["drop", "growth"] = "drop"
    found: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    limit: float = float("nan")
    n: int = 0
    items: int = 0
    needed: int | None = None
    flags: tuple[str, ...] = ()
    reason: str = ""
    why: str = ""
    waiver: str = ""


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """One rule: the worst of its rows.

    Attributes
    ----------
    id : str
        The rule's id.
    status : {"pass", "fail", "undecided", "error", "waived", "left out"}
        That of its worst row; ``left out`` is a rule that the run has nothing for, and that says that this is allowed.
    metric, scope : str
        What it looks at.
    limit : float
        Its limit, in the metric's unit.
    quantity : {"drop", "growth"}
        What it limits.
    why : str
        Why, as the policy says.
    reason : str
        Where it has no row: why.
    counts : dict of str to int
        How many rows have each status, worst first.
    worst : GateRow or None
        The row that decides it.
    """

    id: str
    status: RowStatus
    metric: str
    scope: str
    limit: float
    quantity: Literal["drop", "growth"]
    why: str
    reason: str
    counts: dict[str, int]
    worst: GateRow | None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something about the policy or the run as a whole.

    Attributes
    ----------
    level : {"error", "warning"}
        An error alone makes the gate "could not evaluate"; a warning is shown.
    where : str
        The rule, the waiver or the file.
    what : str
        One sentence.
    """

    level: Literal["error", "warning"]
    where: str
    what: str


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The answer of a gate. Made by `qbench.gate.check`.

    Attributes
    ----------
    status : {"pass", "warn", "fail", "undecided", "error"}
        The gate's answer. ``undecided`` only where the policy says that an undecided row fails; otherwise such rows
        make it ``warn``. An error outweighs a failure, a failure outweighs what is undecided.
    exit_code : int
        0 for ``pass`` and ``warn``, 1 for ``fail``, 2 for ``error``, 3 for ``undecided``.
    band : {"PASS", "FAIL", "NOT SHOWN SAFE", "COULD NOT EVALUATE"}
        The word on the first screen. ``NOT SHOWN SAFE`` wherever a row that the policy does not let pass is undecided,
        whatever the exit code.
    sentence : str
        The worst finding with its numbers, then the counts.
    rows : tuple of GateRow
        All rows, worst first.
    rules : tuple of RuleResult
        All rules, worst first.
    problems : tuple of Problem
        Errors and warnings about the policy and the run as a whole.
    policy : Policy or None
        What was decided by; None where it could not be read.
    run, baseline : str
        Names of the run and of what it was compared with.
    today : str
        The date that waivers were held against, ISO 8601.
    """

    status: Status
    exit_code: int
    band: str
    sentence: str
    rows: tuple[GateRow, ...]
    rules: tuple[RuleResult, ...]
    problems: tuple[Problem, ...]
    policy: Policy | None
    run: str
    baseline: str
    today: str
