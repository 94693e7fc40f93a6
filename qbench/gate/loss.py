"""Bounds of what a rule limits, at any confidence: a drop is minus the change; a bias grows in absolute value.

A signed bias (a gap, a skew) grows by |after| − |before|, which has a kink where the sign turns and so no interval of
its own. With c = after − before and s = after + before it is sign(s) · sign(c) · min(|s|, |c|), hence:

- never more than |c|, whatever the sign: the larger end of the interval of c bounds it;
- where the sign of s is clear, never more than sign(s) · c, and at least the smaller of sign(s) · c and |s|.

`qbench.statistics.direction` says where the sign is clear. Where it is not, a bias can be shown to have stayed within a
limit, never to have grown beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.direction import clear_sign, least_level
from qbench.vocabulary import Better

Floats = npt.NDArray[np.float64]


class Bounds(Protocol):
    """As `qbench.statistics.dispatch.bounds`: two-sided intervals of ``change`` at a confidence for each row."""

    def __call__(self, effects: pd.DataFrame, confidence: Floats, /) -> tuple[Floats, Floats]:
        """``(n,)`` low and high; NaN where a number has no interval."""
        ...


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Rows that are held against a limit, as loss: positive is worse.

    Attributes
    ----------
    effects : pandas.DataFrame
        The rows.
    direction : numpy.ndarray
        ``(n,)`` what turns a change into a loss: −1 for what is better high, 1 for a bias that is better low and for a
        signed one that is clearly positive, −1 for one that is clearly negative, 0 where that is not clear.
    level : numpy.ndarray
        ``(n,)`` the least that |after + before| may be, for signed biases whose sign is clear; else infinite.
    """

    effects: pd.DataFrame
    direction: Floats
    level: Floats

    def taken(self, at: npt.NDArray[np.intp]) -> Losses:
        """The rows at these positions."""
        return Losses(effects=self.effects.iloc[at], direction=self.direction[at], level=self.level[at])

    def found(self) -> Floats:
        """The loss as it was found, ``(n,)``: of a signed bias the growth of its absolute value."""
        change = self.effects["change"].to_numpy(np.float64)
        better = self.effects["better"].to_numpy()
        signed = self.effects["abs_change"].to_numpy(np.float64)
        return np.where(better == Better.ZERO, signed, np.where(better == Better.HIGHER, -change, change))

    def interval(self, bounds: Bounds, confidence: Floats) -> tuple[Floats, Floats]:
        """Bounds of the loss, ``(n,)`` each; nested in `confidence`."""
        low, high = bounds(self.effects, confidence)
        turned = self.direction < 0
        least, most = np.where(turned, -high, low), np.where(turned, -low, high)
        widest = np.maximum(np.abs(low), np.abs(high))
        unclear = self.direction == 0
        least = np.where(unclear, -widest, np.minimum(least, self.level))
        most = np.where(unclear, widest, np.maximum(most, -self.level))
        return least, most


def losses_of(rows: pd.DataFrame) -> Losses:
    """Find the direction of each row in which it is worse."""
    better = rows["better"].to_numpy()
    direction = np.where(better == Better.HIGHER, -1.0, 1.0)
    level = np.full(len(rows), np.inf)
    signed = np.flatnonzero(better == Better.ZERO)
    if len(signed):
        columns = ("baseline_value", "value", "sum_se")
        before, after, error = (rows[name].to_numpy(np.float64)[signed] for name in columns)
        direction[signed] = clear_sign(before, after, error)
        level[signed] = np.where(direction[signed] != 0, least_level(before, after, error), np.inf)
    return Losses(effects=rows, direction=direction, level=level)
