"""What a gate found, as plain frozen data. Every writer (terminal, JUnit, Markdown, JSON, report) reads only this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qbench.vocabulary import GateBand, GateStatus, Level, MetricRole, Quantity, RowStatus, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qbench.policy.model import Policy

Counts = GateStatus | Literal[""]
"""What a row adds to the gate's answer; empty where it adds nothing."""
NeededTo = Literal["", "pass", "fail"]
"""What more items would do: show that nothing changed, or prove the loss that was found."""


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One number of one variant against the limit of one rule.

    Attributes
    ----------
    rule : str
        The rule's id.
    status : RowStatus
        ``pass``: the interval lies wholly within the limit; ``fail``: the loss is shown to be beyond it, adjusted for
        the number of rows of the variant; ``inconclusive``: neither, such as where the interval
        contains the limit; ``error``: it could not be evaluated; ``waived``: it would count against the run, and a
        waiver says that it may; ``warning``: a loss is shown to be beyond the limit of a rule that only warns;
        ``left out``: this data cannot decide it, whatever the models answer.
    counts : GateStatus or ""
        What it adds to the gate's status; ``inconclusive`` is a row that the policy fails (exit code 3).
    severity : Severity
        Whether its rule fails or only warns.
    model, quantizer, benchmark, metric, attribute, group, class_ : str
        What it is; empty is "all of them", or for an error what is not known.
    role : MetricRole or ""
        Which question the metric answers.
    unit : Unit or ""
        As the metric declares it; `found`, `low`, `high` and `limit` are differences in it, as fractions (0.01 is one
        percentage point).
    quantity : Quantity
        Whether they are the drop of what is better high, or the growth of what is better low; positive is worse in
        both.
    found, low, high, limit : float
        The estimate, its interval, and the limit: the rule's, or the number's margin. NaN where there is none.
    proven : float
        The loss that the number has at least, adjusted for the number of rows of its variant: beyond the limit where
        the row fails. NaN where there is none.
    n : int
        Items, classes or queries behind the number, as in the table of effects; of a mean the checkpoints.
    checkpoints : int
        Of a mean over the checkpoints how many have a valid number; 0 for a number of one variant.
    items : int
        Items that `needed` is to be compared with: those of the group for a share, else the benchmark's.
    needed : int or None
        Items that would decide, where it is inconclusive and such a number exists.
    needed_k : int or None
        Of a number at k: the k that so many items need, which grows in the same proportion.
    needed_to : {"pass", "fail", ""}
        What so many items would do: show in 80 % of all runs that a change of nothing is within the limit; or, where
        the loss that was found lies beyond the limit, prove it if it is as large as that.
    near_limit : bool
        Whether it is inconclusive although there are as many items as `needed` would say: the change lies near the
        limit.
    flags : tuple of str
        Validity flags of the effect, such as ``near-chance``.
    groups : str
        Of a gap between two groups: what each of them lost or gained. Of a skew: whether the group is shown too rarely
        or too often. Empty where the run does not tell.
    reason : str
        One plain sentence.
    remedy : str
        What would make a row that was left out decidable, or one that could not be evaluated; else empty.
    why : str
        Why the limit is what it is, as the policy says.
    waiver : str
        Why a waiver lets it pass and until when; else empty.
    waived_until : str
        The last day of that waiver, ISO 8601; else empty.
    without_waiver : RowStatus or ""
        The status that it would have without that waiver; else empty.
    beside : str
        Of a row of a rule that only warns: the benchmark, model or variant of which the rules that can fail judge
        nothing, so that it is not judged, whatever this row says; else empty.
    """

    rule: str
    status: RowStatus
    counts: Counts = ""
    severity: Severity = Severity.FAIL
    model: str = ""
    quantizer: str = ""
    benchmark: str = ""
    metric: str = ""
    attribute: str = ""
    group: str = ""
    class_: str = ""
    role: MetricRole | Literal[""] = ""
    unit: str = ""
    quantity: Quantity = Quantity.DROP
    found: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    proven: float = float("nan")
    limit: float = float("nan")
    n: int = 0
    checkpoints: int = 0
    items: int = 0
    needed: int | None = None
    needed_k: int | None = None
    needed_to: NeededTo = ""
    near_limit: bool = False
    flags: tuple[str, ...] = ()
    groups: str = ""
    reason: str = ""
    remedy: str = ""
    why: str = ""
    waiver: str = ""
    waived_until: str = ""
    without_waiver: RowStatus | Literal[""] = ""
    beside: str = ""

    @property
    def judged(self) -> bool:
        """Whether it has a part in the answer."""
        return self.band is not GateBand.NOT_JUDGED

    @property
    def band(self) -> GateBand:
        """The answer that this row would give alone. A rule that only warns leaves nothing open that has to be shown.

        Examples
        --------
        >>> GateRow(rule="r", status=RowStatus.INCONCLUSIVE, counts=GateStatus.WARN).band
        <GateBand.NOT_SHOWN_SAFE: 'NOT SHOWN SAFE'>
        """
        if self.status is RowStatus.LEFT_OUT or self.beside:
            return GateBand.NOT_JUDGED
        if self.counts is GateStatus.ERROR:
            return GateBand.COULD_NOT_EVALUATE
        if self.counts is GateStatus.FAIL:
            return GateBand.FAIL
        if not self.counts:
            return GateBand.PASS
        return GateBand.NOT_SHOWN_SAFE if self.severity is Severity.FAIL else GateBand.PASS_WITH_WARNINGS

    @property
    def badness(self) -> tuple[int, bool, int]:
        """What it is sorted by, worst first; of failures, a proven loss comes before what could not be evaluated."""
        return (self.band.rank, self.band is GateBand.FAIL and self.status is RowStatus.ERROR, self.status.rank)


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """One rule: the worst of its rows.

    Attributes
    ----------
    id : str
        The rule's id.
    status : RowStatus
        That of its worst row; ``left out`` is a rule that the run has nothing for, and that says that this is allowed.
    role, metric, scope : str
        What it looks at: a role or a metric, and which of its numbers.
    limit : float
        Its limit, in the metric's unit; NaN where each number has its margin as its limit.
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
    role: str
    metric: str
    scope: str
    limit: float
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
    status : GateStatus
        As for a run, of its rows alone.
    band : GateBand
        As for a run, of its rows alone; ``NOT JUDGED`` where all of these are left out.
    waived : str
        What waivers let pass of its rows, in sentences, which the band does not tell; else empty.
    counts : dict of RowStatus to int
        How many of its rows have each status, worst first.
    worst : GateRow
        The row that decides it.
    """

    model: str
    quantizer: str
    status: GateStatus
    band: GateBand
    waived: str
    counts: dict[RowStatus, int]
    worst: GateRow


@dataclass(frozen=True, kw_only=True)
class QuantizerResult:
    """The answer for one quantizer: the mean change over the checkpoints of the run, as a sample of checkpoints.

    Attributes
    ----------
    quantizer : str
        Its label.
    checkpoints : int
        How many checkpoints stand behind it; a row may lack some.
    status : GateStatus
        As for a run, of its rows alone.
    band : GateBand
        As for a run, of its rows alone.
    waived : str
        As of a variant.
    counts : dict of RowStatus to int
        How many of its rows have each status, worst first.
    rows : tuple of GateRow
        One for each number that the rules judge, of the mean change (``model`` is empty, ``n`` counts checkpoints),
        worst first.
    """

    quantizer: str
    checkpoints: int
    status: GateStatus
    band: GateBand
    waived: str
    counts: dict[RowStatus, int]
    rows: tuple[GateRow, ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something about the policy or the run as a whole.

    Attributes
    ----------
    level : Level
        An error makes the gate "could not evaluate", and a warning makes a pass one with warnings; a note is shown.
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
        inconclusive, whatever the exit code; ``PASS WITH WARNINGS`` where nothing but warnings stands beside a pass.
    sentence : str
        The worst finding with its numbers, then the counts.
    rows : tuple of GateRow
        All rows of the variants, worst first.
    rules : tuple of RuleResult
        All rules, worst first.
    variants : tuple of VariantResult
        One answer for each model with each quantizer, worst first.
    quantizers : tuple of QuantizerResult
        One answer for each quantizer over all checkpoints, worst first; none where a run has fewer than six.
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
    quantizers: tuple[QuantizerResult, ...]
    problems: tuple[Problem, ...]
    policy: Policy | None
    run: str
    baseline: str
    today: str

    @property
    def findings(self) -> tuple[GateRow, ...]:
        """What the answer is made of, worst first; see `findings`."""
        return findings(self.rows, self.quantizers)


def findings(rows: Iterable[GateRow], quantizers: Iterable[QuantizerResult]) -> tuple[GateRow, ...]:
    """All rows of the variants, and the means over checkpoints that fail, also where that is a warning or waived.

    Other means say nothing of the run: each variant may ship or not, whatever is not known of such checkpoints.
    """
    proven = (RowStatus.FAIL, RowStatus.WARNING)
    failed = [
        row for answer in quantizers for row in answer.rows if row.status in proven or row.without_waiver in proven
    ]
    return tuple(sorted([*rows, *failed], key=lambda row: row.badness))
