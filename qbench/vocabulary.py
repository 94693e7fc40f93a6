"""The words that results are described by, each defined once: statuses, verdicts, flags, units, directions.

Every member is a text (`enum.StrEnum`), so that it is stored in tables and JSON as it is. The analysis, the gate and
the report take labels, symbols and effects from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Effect(StrEnum):
    """What a verdict says of a change, whatever the metric is; what matters most comes first.

    Examples
    --------
    >>> Effect.WORSE.rank < Effect.EQUIVALENT.rank
    True
    """

    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    EQUIVALENT = "equivalent"
    BETTER = "better"
    DESCRIPTIVE = "descriptive"

    @property
    def rank(self) -> int:
        """Its place where the worst comes first."""
        return list(Effect).index(self)


class Verdict(StrEnum):
    """What the data say of one change; what matters most comes first.

    Examples
    --------
    >>> Verdict("amplified").effect
    <Effect.WORSE: 'worse'>
    """

    WORSE = "worse"
    AMPLIFIED = "amplified"
    INCONCLUSIVE = "inconclusive"
    EQUIVALENT = "equivalent"
    BETTER = "better"
    REDUCED = "reduced"
    DESCRIPTIVE = "descriptive"

    @property
    def effect(self) -> Effect:
        """Whether the change is for the worse, for the better, or none; the data cannot tell; or it is not judged."""
        return {Verdict.AMPLIFIED: Effect.WORSE, Verdict.REDUCED: Effect.BETTER}.get(self) or Effect(self.value)

    @property
    def of_bias(self) -> bool:
        """Whether it says that a bias grew or shrank."""
        return self in (Verdict.AMPLIFIED, Verdict.REDUCED)


class PopulationVerdict(StrEnum):
    """What the data say of one change over all checkpoints of a run; what matters most comes first.

    Examples
    --------
    >>> PopulationVerdict("negligible").rank
    3
    """

    INCONSISTENT = "inconsistent"
    CONSISTENT = "consistent"
    INCONCLUSIVE = "inconclusive"
    NEGLIGIBLE = "negligible"

    @property
    def rank(self) -> int:
        """Its place where what matters most comes first."""
        return list(PopulationVerdict).index(self)


class CellStatus(StrEnum):
    """How far a cell of a run is."""

    DONE = "done"
    FAILED = "failed"
    MISSING = "missing"


class Unit(StrEnum):
    """What a metric is measured in.

    Examples
    --------
    >>> Unit.SHARE.of_change
    <Unit.POINTS: 'points'>
    >>> Unit.NATS.scale
    1.0
    """

    SHARE = "share"
    POINTS = "points"
    NATS = "nats"

    @property
    def scale(self) -> float:
        """What a stored number is multiplied by to be shown: shares and points are stored as fractions."""
        return 1.0 if self is Unit.NATS else 100.0

    @property
    def of_change(self) -> Unit:
        """The unit of a difference of two such numbers."""
        return Unit.POINTS if self is Unit.SHARE else self


class Better(StrEnum):
    """Which direction of a metric is an improvement."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"

    @property
    def signed(self) -> bool:
        """Whether the metric is a signed bias: zero is the goal, from either side."""
        return self is Better.ZERO

    @property
    def sentence(self) -> str:
        """One sentence for readers."""
        return {"higher": "Higher is better.", "lower": "Lower is better.", "zero": "Zero is no difference."}[self]


class MetricRole(StrEnum):
    """Which question a metric answers. The gate and the first screen judge every metric by its role.

    Examples
    --------
    >>> MetricRole.implied("lower", "share")
    <MetricRole.ACCURACY: 'accuracy'>
    >>> MetricRole.implied("lower", "nats") is None
    True
    >>> [role.value for role in MetricRole if role.judged]
    ['accuracy', 'calibration', 'gap', 'skew']
    """

    ACCURACY = "accuracy"
    CALIBRATION = "calibration"
    GAP = "gap"
    SKEW = "skew"
    SUMMARY = "summary"

    @property
    def label(self) -> str:
        """A few words for readers."""
        return _ROLES[self]

    @property
    def judged(self) -> bool:
        """Whether it is a primary question: a summary restates other numbers and is shown, not judged."""
        return self is not MetricRole.SUMMARY

    @classmethod
    def implied(cls, better: str, unit: str) -> MetricRole | None:
        """The role of a metric that declares none: a share that is better high is an accuracy, and one that is better
        low is an error rate; a signed bias is a gap, or in nats a skew. None where direction and unit leave open what a
        number is: a low number of nats may be a divergence between groups or a loss, a low number of points a gap or a
        summary of gaps.
        """
        if unit == Unit.SHARE and better in (Better.HIGHER, Better.LOWER):
            return cls.ACCURACY
        if better == Better.ZERO:
            return cls.SKEW if unit == Unit.NATS else cls.GAP
        return None


_ROLES: dict[MetricRole, str] = {
    MetricRole.ACCURACY: "how often the model is right",
    MetricRole.CALIBRATION: "how well its confidence agrees with how often it is right",
    MetricRole.GAP: "a difference between two groups",
    MetricRole.SKEW: "how much more or less often a group is found than its share",
    MetricRole.SUMMARY: "a summary of other numbers",
}


class FlagKind(StrEnum):
    """A reason to distrust a number. What each of them voids is the table of ``docs/verdicts.md``.

    A flag of the baseline is stored as a `RowFlag` that says so: then no comparison with it means anything.
    """

    NEAR_CHANCE = "near-chance"
    CONSTANT = "constant"
    ACCURACY_LOST = "accuracy-lost"
    RANKING_LOST = "ranking-lost"
    TIED_CLASSES = "tied-classes"
    FOLLOWS = "follows"
    UNCHECKED = "unchecked"
    UNDETERMINED = "undetermined"
    BELOW_NOISE = "below-noise"

    @property
    def label(self) -> str:
        """A few words to stand beside a number."""
        return _FLAGS[self][0]

    @property
    def voids(self) -> bool:
        """Whether a number with this flag means nothing."""
        return _FLAGS[self][1]

    @property
    def lost(self) -> bool:
        """Whether quantization destroyed what the number is made of: it can fail a limit, and not pass one."""
        return self in (FlagKind.ACCURACY_LOST, FlagKind.RANKING_LOST)

    @property
    def reason(self) -> str:
        """Why a number with this flag is distrusted, as part of a sentence."""
        return _FLAGS[self][2]


_FLAGS: dict[FlagKind, tuple[str, bool, str]] = {
    FlagKind.NEAR_CHANCE: ("at chance level", True, "its answers cannot be told from chance"),
    FlagKind.CONSTANT: ("one answer to everything", True, "it gives one answer to everything"),
    FlagKind.ACCURACY_LOST: ("accuracy lost", True, "it lost more than a fifth of its accuracy"),
    FlagKind.RANKING_LOST: ("ranking lost", True, "its rankings have little to do with the baseline's"),
    FlagKind.TIED_CLASSES: ("two classes are one", False, "it cannot tell two classes apart"),
    FlagKind.FOLLOWS: (
        "at chance level on another benchmark",
        False,
        "the same model is at chance level on another benchmark",
    ),
    FlagKind.UNCHECKED: ("not checked", False, "whether it does better than chance could not be checked"),
    FlagKind.UNDETERMINED: ("undetermined", True, "it is undetermined"),
    FlagKind.BELOW_NOISE: (
        "below the batch noise",
        False,
        "the change is smaller than what another order of the items alone causes",
    ),
}

_FLAG_SEPARATOR = ";"
_BASELINE_PREFIX = "baseline-"


class RowFlag(NamedTuple):
    """A flag of a number: its own, or one of the baseline that it is compared with.

    Attributes
    ----------
    kind : str
        A `FlagKind`, or the name of a flag that this version does not know.
    of_baseline : bool
        Whether it is the baseline's.

    Examples
    --------
    >>> str(RowFlag(FlagKind.CONSTANT, of_baseline=True))
    'baseline-constant'
    """

    kind: str
    of_baseline: bool = False

    def __str__(self) -> str:
        """The text of the flag in a table."""
        return f"{_BASELINE_PREFIX if self.of_baseline else ''}{self.kind}"


def join_flags(flags: Iterable[RowFlag]) -> str:
    """The text of a table's ``flags`` column, each flag once.

    Examples
    --------
    >>> join_flags([RowFlag("constant", True), RowFlag("follows"), RowFlag("follows")])
    'baseline-constant;follows'
    """
    return _FLAG_SEPARATOR.join(dict.fromkeys(map(str, flags)))


def parse_flags(text: str) -> tuple[RowFlag, ...]:
    """Read the text of a table's ``flags`` column.

    Examples
    --------
    >>> parse_flags("baseline-constant;follows")
    (RowFlag(kind='constant', of_baseline=True), RowFlag(kind='follows', of_baseline=False))
    >>> parse_flags("")
    ()
    """
    return tuple(
        RowFlag(flag.removeprefix(_BASELINE_PREFIX), flag.startswith(_BASELINE_PREFIX))
        for flag in text.split(_FLAG_SEPARATOR)
        if flag
    )


# --- the gate


class GateStatus(StrEnum):
    """The answer of a gate. An error outweighs a failure, and a failure outweighs what is inconclusive."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"

    @property
    def exit_code(self) -> int:
        """The exit code of ``qbench check``.

        Examples
        --------
        >>> [status.exit_code for status in GateStatus]
        [0, 0, 1, 3, 2]
        """
        return _EXIT_CODES[self]


_EXIT_CODES: dict[GateStatus, int] = {
    GateStatus.PASS: 0,
    GateStatus.WARN: 0,
    GateStatus.FAIL: 1,
    GateStatus.ERROR: 2,
    GateStatus.INCONCLUSIVE: 3,
}


class RowStatus(StrEnum):
    """What a gate says of one number, or of one rule: that of its worst number. Declared worst first.

    Examples
    --------
    >>> f"{RowStatus.FAIL.symbol} {RowStatus.FAIL.label}"
    '✗ fail'
    >>> min(RowStatus.PASS, RowStatus.INCONCLUSIVE, key=lambda status: status.rank)
    <RowStatus.INCONCLUSIVE: 'inconclusive'>
    """

    ERROR = "error"
    FAIL = "fail"
    WARNING = "warning"
    INCONCLUSIVE = "inconclusive"
    WAIVED = "waived"
    PASS = "pass"
    LEFT_OUT = "left out"

    @property
    def label(self) -> str:
        """The words that readers see."""
        return _ROWS[self][1]

    @property
    def symbol(self) -> str:
        """A sign that tells the status without colour."""
        return _ROWS[self][0]

    @property
    def counted(self) -> str:
        """The words behind a number of rules: "2 rules failed"."""
        return _ROWS[self][2]

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(RowStatus).index(self)


_ROWS: dict[RowStatus, tuple[str, str, str]] = {
    RowStatus.ERROR: ("!", "could not evaluate", "could not be evaluated"),
    RowStatus.FAIL: ("✗", "fail", "failed"),
    RowStatus.WARNING: ("⚠", "warning", "warned"),
    RowStatus.INCONCLUSIVE: ("?", "inconclusive", "inconclusive"),
    RowStatus.WAIVED: ("~", "waived", "waived"),
    RowStatus.PASS: ("✓", "pass", "passed"),
    RowStatus.LEFT_OUT: ("-", "left out", "left out"),
}


class GateBand(StrEnum):
    """The word on the first screen of a gate's answer. Declared worst first.

    Examples
    --------
    >>> f"{GateBand.NOT_SHOWN_SAFE.symbol} {GateBand.NOT_SHOWN_SAFE.lower()}"
    '? not shown safe'
    >>> [str(band) for band in GateBand if band.passes]
    ['PASS WITH WARNINGS', 'PASS']
    """

    COULD_NOT_EVALUATE = "COULD NOT EVALUATE"
    FAIL = "FAIL"
    NOT_SHOWN_SAFE = "NOT SHOWN SAFE"
    PASS_WITH_WARNINGS = "PASS WITH WARNINGS"
    PASS = "PASS"
    NOT_JUDGED = "NOT JUDGED"

    @property
    def symbol(self) -> str:
        """A sign that tells the answer without colour."""
        return _BANDS[self].symbol

    @property
    def colour(self) -> str:
        """The colour of the answer, as the page's style sheet names it."""
        return _BANDS[self].colour

    @property
    def style(self) -> str:
        """The same for a terminal, as rich names it."""
        return _BANDS[self].style

    @property
    def passes(self) -> bool:
        """Whether everything that a policy requires is shown."""
        return _BANDS[self].passes

    @property
    def rank(self) -> int:
        """0 for the worst; a part of which nothing is judged says nothing beside one that is judged, and is last."""
        return list(GateBand).index(self)


class _Band(NamedTuple):
    symbol: str
    colour: str
    style: str
    passes: bool = False


_BANDS = {
    GateBand.COULD_NOT_EVALUATE: _Band("!", "error", "bold red"),
    GateBand.FAIL: _Band("✗", "fail", "bold red"),
    GateBand.NOT_SHOWN_SAFE: _Band("?", "inconclusive", "bold yellow"),
    GateBand.PASS_WITH_WARNINGS: _Band("⚠", "warned", "bold yellow", passes=True),
    GateBand.PASS: _Band("✓", "pass", "bold green", passes=True),
    GateBand.NOT_JUDGED: _Band("-", "unjudged", "dim"),
}


class Severity(StrEnum):
    """What a failure of a rule does to the gate's answer."""

    FAIL = "fail"
    WARN = "warn"


class Level(StrEnum):
    """How much a problem with the policy or the run as a whole weighs. Declared worst first.

    An error makes the gate's answer an error, and a warning makes a pass one with warnings. A note says what a reader
    has to know of a comparison, and adds nothing to the answer.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def symbol(self) -> str:
        """A sign that tells the level without colour."""
        return {"error": "!", "warning": "⚠", "note": "i"}[self]

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Level).index(self)


class Quantity(StrEnum):
    """What a rule limits: how far an accuracy drops, or how far the size of a bias grows."""

    DROP = "drop"
    GROWTH = "growth"
