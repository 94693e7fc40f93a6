"""What a gate found, as plain frozen data. Every writer (terminal, JUnit, Markdown, JSON, report) reads only this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qbench.vocabulary import GateBand, GateStatus, Level, Quantity, RowStatus

if TYPE_CHECKING:
    from qbench.gate.policy import Policy

Counts = GateStatus | Literal[""]
"""What a row adds to the gate's answer; empty where it adds nothing."""


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One number of one variant against the limit of one rule.

    Attributes
    ----------
    rule : str
        The rule's id.
    status : RowStatus
        ``pass``: the adjusted interval lies wholly inside the limit; ``fail``: wholly beyond it; ``inconclusive``: it
        contains the limit; ``error``: it could not be evaluated; ``waived``: it would count against the run, and a
        waiver says that it may; ``left out``: undetermined, and the rule allows that.
    counts : GateStatus or ""
        What it adds to the gate's status; ``inconclusive`` is a row that the policy fails (exit code 3).
    model, quantizer, benchmark, metric, attribute, group, class_ : str
        What it is; empty is "all of them", or for an error what is not known.
    unit : Unit or ""
        As the metric declares it; `found`, `low`, `high` and `limit` are differences in it, as fractions (0.01 is one
        percentage point).
    quantity : Quantity
        Whether they are a drop of an accuracy or the growth of a bias; positive is worse in both.
    found, low, high, limit : float
        The estimate, its adjusted interval and the rule's limit; NaN where there is none.
    n : int
        Items, classes or queries behind the number, as in the table of effects.
    items : int
        Items that `needed` is to be compared with: those of the group for a share, else the benchmark's.
    needed : int or None
        Items that would decide, where it is inconclusive and such a number exists.
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
    quantity: Quantity = Quantity.DROP
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
    status : RowStatus
        That of its worst row; ``left out`` is a rule that the run has nothing for, and that says that this is allowed.
    metric, scope : str
        What it looks at.
    limit : float
        Its limit, in the metric's unit.
    quantity : Quantity
        What it limits.
    why : str
        Why, as the policy says.
    reason : str
        Where it has no row: why.
    counts : dict of RowStatus to int
        How many rows have each status, worst first.
    worst : GateRow or None
        The row that decides it.
    """

    id: str
    status: RowStatus
    metric: str
    scope: str
    limit: float
    quantity: Quantity
    why: str
    reason: str
    counts: dict[RowStatus, int]
    worst: GateRow | None


@dataclass(frozen=True, kw_only=True)
class VariantResult:
    """The answer for one model with one quantizer, which is what people ship.

    Attributes
    ----------
    model, quantizer : str
        The variant.
    status : RowStatus
        That of its worst row.
    counts : dict of RowStatus to int
        How many of its rows have each status, worst first.
    worst : GateRow
        The row that decides it.
    """

    model: str
    quantizer: str
    status: RowStatus
    counts: dict[RowStatus, int]
    worst: GateRow


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something about the policy or the run as a whole.

    Attributes
    ----------
    level : Level
        An error alone makes the gate "could not evaluate"; a warning is shown.
    where : str
        The rule, the waiver or the file.
    what : str
        One sentence.
    """

    level: Level
    where: str
    what: str


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """The answer of a gate. Made by `qbench.gate.check`.

    Attributes
    ----------
    status : GateStatus
        The gate's answer. ``inconclusive`` only where the policy says that an inconclusive row fails; otherwise such
        rows make it ``warn``.
    exit_code : int
        0 for ``pass`` and ``warn``, 1 for ``fail``, 2 for ``error``, 3 for ``inconclusive``.
    band : GateBand
        The word on the first screen. ``NOT SHOWN SAFE`` wherever a row that the policy does not let pass is
        inconclusive, whatever the exit code.
    sentence : str
        The worst finding with its numbers, then the counts.
    rows : tuple of GateRow
        All rows, worst first.
    rules : tuple of RuleResult
        All rules, worst first.
    variants : tuple of VariantResult
        One answer for each model with each quantizer, worst first.
    problems : tuple of Problem
        Errors and warnings about the policy and the run as a whole.
    policy : Policy or None
        What was decided by; None where it could not be read.
    run, baseline : str
        Names of the run and of what it was compared with.
    today : str
        The day for which waivers had to be valid, ISO 8601.
    """

    status: GateStatus
    exit_code: int
    band: GateBand
    sentence: str
    rows: tuple[GateRow, ...]
    rules: tuple[RuleResult, ...]
    variants: tuple[VariantResult, ...]
    problems: tuple[Problem, ...]
    policy: Policy | None
    run: str
    baseline: str
    today: str
