"""What the installed statistics know of rows of the effects: intervals at any confidence, items needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from qbench.gate.loss import Bounds, Floats
from qbench.results.statistics import installed_statistics
from qbench.statistics.dispatch import bounds, missing_statistics, with_power
from qbench.statistics.interface import Statistic
from qbench.statistics.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Methods:
    """How rows are judged.

    Attributes
    ----------
    confidence : float
        Of the analysis, which the gate shares where the policy names none.
    bounds : Bounds
        Two-sided intervals of ``change``.
    needed : callable
        ``(effects, limit, confidence)`` → ``(n,)`` the items with which a row is shown to lie within its limit, in 80 %
        of all runs if nothing changes: the number of the column ``needed`` of the analysis, for these limits. NaN where
        none is known.
    missing : callable
        For each row the name of its statistic where that is not installed; else empty.
    """

    confidence: float
    bounds: Bounds
    needed: Callable[[pd.DataFrame, Floats, float], Floats]
    missing: Callable[[pd.DataFrame], list[str]]


def installed_methods(stored: float) -> Methods:
    """The methods of the installed statistics.

    Parameters
    ----------
    stored : float
        The confidence of the columns ``low`` and ``high``, which serve where a statistic is not installed.
    """
    statistics = installed_statistics()
    return Methods(
        confidence=stored,
        bounds=partial(bounds, statistics=statistics, stored=stored),
        needed=partial(_needed, statistics),
        missing=partial(missing_statistics, statistics=statistics),
    )


def _needed(statistics: dict[str, Statistic], effects: pd.DataFrame, limit: Floats, confidence: float) -> Floats:
    found = with_power(effects.assign(margin=limit), Settings(confidence=confidence), statistics)
    return found["needed"].to_numpy("float64")
