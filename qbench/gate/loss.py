"""Bounds of what a rule limits, at any confidence: a drop is minus the change; a bias grows in absolute value.

A signed bias (a gap, a skew) grows by |after| − |before|, which has a kink where the sign turns and so no interval of
its own. With c = after − before and s = after + before it is sign(s) · sign(c) · min(|s|, |c|), hence:

- never more than |c|, whatever the sign: the larger end of the interval of c bounds it;
- where the sign of s is clear, never more than sign(s) · c, and at least the smaller of sign(s) · c and |s|.

The sign is clear where |s| is more than three standard errors from zero (see `qbench.gate.signs`). Where it is not, or
no standard error is known, a bias can be shown to have stayed within a limit, never to have grown beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.gate.comparison import Compared
from qbench.gate.signs import level_errors

Floats = npt.NDArray[np.float64]
CLEAR = 3.0
"""Standard errors of the level that make its sign clear."""


class Bounds(Protocol):
    """As `qbench.statistics.intervals.bounds`: limits of ``change`` at a two-sided confidence, one a row."""

    def __call__(self, effects: pd.DataFrame, confidence: Floats, /) -> tuple[Floats, Floats]:
        """``(n,)`` low and high; NaN where a number has no interval."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limited:
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

    def found(self) -> Floats:
        """The loss as it was found, ``(n,)``: of a signed bias the growth of its absolute value."""
        change = self.effects["change"].to_numpy(np.float64)
        better = self.effects["better"].to_numpy()
        signed = self.effects["abs_change"].to_numpy(np.float64)
        return np.where(better == "zero", signed, np.where(better == "higher", -change, change))

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


def limited(rows: pd.DataFrame, comparison: Compared) -> Limited:
    """Find the direction of each row in which it is worse."""
    better = rows["better"].to_numpy()
    direction = np.where(better == "higher", -1.0, 1.0)
    level = np.full(len(rows), np.inf)
    signed = np.flatnonzero(better == "zero")
    if len(signed):
        part = rows.iloc[signed]
        twice = (part["value"] + part["baseline_value"]).to_numpy(np.float64)
        least = np.abs(twice) - CLEAR * level_errors(part, comparison)
        clear = least > 0  # NaN where the error is not known
        direction[signed] = np.where(clear, np.sign(twice), 0.0)
        level[signed] = np.where(clear, least, np.inf)
    return Limited(effects=rows, direction=direction, level=level)
