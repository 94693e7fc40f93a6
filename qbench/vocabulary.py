"""The words that results are described by, each defined once: statuses, verdicts, flags, units, directions.

Every member is a text (`enum.StrEnum`), so that it is stored in tables and JSON as it is. The analysis, the gate and
the report take labels, symbols and effects from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Effect = Literal["loss", "gain", "none", "unknown"]
"""What a verdict says of a change: it harms, it helps, it does not matter, or the data cannot tell."""


class Verdict(StrEnum):
    """What the data say of one change.

    Examples
    --------
    >>> Verdict("amplified").effect
    'loss'
    >>> Verdict.INCONCLUSIVE.label
    'inconclusive'
    """

    WORSE = "worse"
    BETTER = "better"
    AMPLIFIED = "amplified"
    REDUCED = "reduced"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"

    @property
    def label(self) -> str:
        """The word that readers see."""
        return self.value

    @property
    def effect(self) -> Effect:
        """Whether the change is a loss, a gain, none, or unknown."""
        return _VERDICTS[self][0]

    @property
    def symbol(self) -> str:
        """A sign that tells the effect without colour."""
        return _VERDICTS[self][1]


_VERDICTS: dict[Verdict, tuple[Effect, str]] = {
    Verdict.WORSE: ("loss", "▼"),
    Verdict.AMPLIFIED: ("loss", "▼"),
    Verdict.BETTER: ("gain", "▲"),
    Verdict.REDUCED: ("gain", "▲"),
    Verdict.EQUIVALENT: ("none", "="),
    Verdict.INCONCLUSIVE: ("unknown", "?"),
}


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


class FlagKind(StrEnum):
    """A reason to distrust a number.

    A flag of the baseline is stored with `BASELINE_PREFIX` in front: then no comparison with it means anything.
    """

    NEAR_CHANCE = "near-chance"
    CONSTANT = "constant"
    ACCURACY_LOST = "accuracy-lost"
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


_FLAGS: dict[FlagKind, tuple[str, bool]] = {
    FlagKind.NEAR_CHANCE: ("at chance level", True),
    FlagKind.CONSTANT: ("one answer to everything", True),
    FlagKind.ACCURACY_LOST: ("accuracy lost", True),
    FlagKind.FOLLOWS: ("at chance level on another benchmark", True),
    FlagKind.UNCHECKED: ("not checked", False),
    FlagKind.UNDETERMINED: ("undetermined", True),
    FlagKind.BELOW_NOISE: ("below the batch noise", False),
}

BASELINE_PREFIX = "baseline-"
"""Before the name of a flag that is the baseline's."""
