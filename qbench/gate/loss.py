"""Bounds of what a rule limits, at any confidence: a drop is minus the change; a bias grows in absolute value.

`qbench.statistics.direction` says which way a change is worse, and what the interval of a loss is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.direction import loss_bounds, worse_direction
from qbench.vocabulary import Better

Floats = npt.NDArray[np.float64]


class Bounds(Protocol):
    """As `qbench.statistics.dispatch.bounds`: two-sided intervals of ``change`` at a confidence for each row."""

    def __call__(self, effects: pd.DataFrame, confidence: Floats, /) -> tuple[Floats, Floats]:
        """``(n,)`` low and high; NaN where a number has no interval."""
        ...


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Rows that are compared with a limit, as loss: positive is worse.

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
        return loss_bounds(*bounds(self.effects, confidence), self.direction, self.level)


def losses_of(rows: pd.DataFrame) -> Losses:
    """Find the direction of each row in which it is worse."""
    before, after, error = (rows[name].to_numpy(np.float64) for name in ("baseline_value", "value", "sum_se"))
    direction, level = worse_direction(rows["better"].to_numpy(dtype=object), before, after, error)
    return Losses(effects=rows, direction=direction, level=level)
