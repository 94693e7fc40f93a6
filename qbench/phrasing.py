"""How much a number lost or gained, in words that cannot be misread. The gate's outputs and the report share them.

A loss is how far a number moved in the worse direction: an accuracy that falls loses, and a bias that gets larger
grows. With these words, nobody has to know what the sign of a number means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from qbench.text import NBSP, fixed
from qbench.vocabulary import Quantity, Unit

MOST_DECIMALS = 10
TINY = 1e-9
"""Closer than this to a limit is at the limit: neither within it nor beyond. A choice of ours: above the rounding of
float64, and far below any change that a number of this many items can show."""


class _Words(NamedTuple):
    loses: str
    gains: str
    loss: str
    gain: str


_WORDS = {
    Quantity.DROP: _Words("loses", "gains", "a loss of", "a gain of"),
    Quantity.GROWTH: _Words("grows by", "shrinks by", "a growth of", "a decrease of"),
}


@dataclass(frozen=True, kw_only=True)
class Movement:
    """How far a number moved in the worse direction, with the interval of this.

    Numbers are printed in percentage points with one decimal, or in nats with three; with more where a number that
    differs from the limit would look like it. Differences below `TINY` decide nothing and are not shown.

    Attributes
    ----------
    loss, low, high : float
        The loss and its interval, as they are stored (0.01 is one percentage point); NaN for what is not known.
    unit : str
        As the metric declares it.
    quantity : Quantity
        Whether a loss is the drop of an accuracy or the growth of a bias.
    limit : float
        The limit that they stand beside; NaN for none.

    Examples
    --------
    >>> found = Movement(loss=0.02, low=-0.019, high=0.064, unit="share", quantity=Quantity.DROP, limit=0.02)
    >>> found.words.replace(NBSP, " ")
    'loses 2.0 points (a gain of 1.9 to a loss of 6.4)'
    """

    loss: float
    low: float = math.nan
    high: float = math.nan
    unit: str
    quantity: Quantity
    limit: float = math.nan

    @property
    def moved(self) -> str:
        """The movement as a predicate: "loses 3.1 points", "shrinks by 0.020 nats", "does not change"."""
        if not math.isfinite(self.loss):
            return "is undetermined"
        amount = self._printed(self.loss)
        if not any(c in "123456789" for c in amount):
            return "does not change"
        words = _WORDS[self.quantity]
        return f"{words.gains if self.loss < 0 else words.loses} {self._with_unit(amount)}"

    @property
    def span(self) -> str:
        """The interval in words: "a loss of 1.4 to 4.8", "a gain of 1.9 to a loss of 6.4"; empty if it is not known."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return ""
        words, low, high = _WORDS[self.quantity], self._printed(self.low), self._printed(self.high)
        if self.low >= 0:
            return f"{words.loss} {low} to {high}"
        if self.high <= 0:
            return f"{words.gain} {high} to {low}"
        return f"{words.gain} {low} to {words.loss} {high}"

    @property
    def words(self) -> str:
        """The movement with its interval: "loses 3.1 points (a loss of 1.4 to 4.8)"."""
        return self.moved + (f" ({self.span})" if self.span else "")

    @property
    def bound(self) -> str:
        """The limit: "2.0 points"; empty if there is none."""
        return self._with_unit(self._printed(self.limit)) if math.isfinite(self.limit) else ""

    def _printed(self, value: float) -> str:
        return fixed(abs(self._scale * value), self._decimals)

    def _with_unit(self, amount: str) -> str:
        return f"{amount}{NBSP}{Unit(self.unit).of_change if self._known else self.unit}".strip()

    @property
    def _known(self) -> bool:
        return self.unit in list(Unit)

    @property
    def _scale(self) -> float:
        return Unit(self.unit).scale if self._known else 1.0

    @cached_property
    def _decimals(self) -> int:
        scale, least = self._scale, 1 if self._scale > 1 else 3
        edge = self.limit
        differing = [x for x in (self.loss, self.low, self.high) if math.isfinite(x) and abs(x - edge) > TINY]
        for decimals in range(least, MOST_DECIMALS):
            if all(fixed(scale * x, decimals) != fixed(scale * edge, decimals) for x in differing):
                return decimals
        return MOST_DECIMALS
