"""Which numbers this data cannot decide, whatever the models answer: said in advance, with the cause and the remedy.

The rules look at numbers of items, k, the shares of groups and the limit, never at an answer. So leaving such rows out
of the claim that everything passes does not choose among outcomes. A loss of such a number can still be proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.gate.loss import Bounds, Floats
from qbench.metrics.keys import MetricKey
from qbench.vocabulary import MetricRole, Unit

HITS = 5.0
"""A skew is decidable where one image more or less among the top k moves it by at most a fifth of its limit: with h
expected hits that is 1/h. Simulated in docs/gate.md: with 50 hits and a limit of 0.1 nats 98 to 100 % of unchanged
skews pass at up to 5 % of replaced images, with 30 hits 82 %, with 20 hits 67 %."""
Shares = Callable[[str], Mapping[tuple[str, str], float]]
"""Benchmark → attribute and group → the group's share of the items."""


@dataclass(frozen=True, kw_only=True)
class Undecidable:
    """Why a row cannot be decided, and what to do about it: a clause and a sentence."""

    cause: str
    remedy: str


def least_hits(limit: npt.ArrayLike) -> Floats:
    """Expected hits at k with which a skew can be decided.

    Examples
    --------
    >>> float(least_hits(0.1))
    50.0
    """
    return HITS / np.asarray(limit, dtype=np.float64)


def undecidable(
    effects: pd.DataFrame, roles: Sequence[MetricRole], limit: Floats, bounds: Bounds, shares: Shares, confidence: float
) -> list[Undecidable | None]:
    """For each row why it cannot be decided; None where it can.

    Parameters
    ----------
    effects : pandas.DataFrame
        ``(n,)`` rows whose change is known.
    roles : sequence of MetricRole
        ``(n,)``: of the metric of each.
    limit : numpy.ndarray
        ``(n,)``, the limit of each.
    bounds : callable
        Intervals of a change at a confidence.
    shares : callable
        The shares of groups in the items of a benchmark; asked only where a skew at a cut-off is judged.
    confidence : float
        Two-sided.
    """
    found: list[Undecidable | None] = [None] * len(effects)
    counts = effects[["n1", "n2"]].to_numpy(np.float64)
    for at, reach in _reach_of_counts(effects, bounds, confidence):
        if reach >= limit[at] > 0:
            found[at] = _too_few_items(counts[at], float(limit[at]), reach)
    names = effects[["benchmark", "metric", "attribute", "group", "unit"]].astype(str).to_numpy()
    for at in [at for at, role in enumerate(roles) if role is MetricRole.SKEW and names[at, 4] == Unit.NATS]:
        benchmark, metric, attribute, group = names[at, :4]
        cutoff = MetricKey.parse(metric).cutoff
        share = shares(benchmark).get((attribute, group)) if cutoff else None
        if cutoff and share and limit[at] > 0 and cutoff * share < least_hits(limit[at]):
            found[at] = _too_few_hits(cutoff, share, float(limit[at]))
    return found


def _reach_of_counts(effects: pd.DataFrame, bounds: Bounds, confidence: float) -> list[tuple[int, float]]:
    """How far the interval of each row that is made of counts reaches if no item flips."""
    at = np.flatnonzero(np.isfinite(effects["n1"].to_numpy(np.float64)) & (effects["method"] != "").to_numpy())
    rows = effects.iloc[at]
    second = np.isfinite(rows["n2"].to_numpy(np.float64))
    none: dict[str, Floats | float] = {"change": 0.0, "gain1": 0.0, "loss1": 0.0, "deff1": 1.0}
    of_second = {"gain2": 0.0, "loss2": 0.0, "deff2": 1.0, "rho": 0.0}
    none |= {name: np.where(second, value, np.nan) for name, value in of_second.items()}
    low, high = bounds(rows.assign(**none), np.full(len(rows), confidence))
    return [(int(i), float(x)) for i, x in zip(at, np.maximum(-low, high), strict=True) if np.isfinite(x)]


def _too_few_items(counts: Floats, limit: float, reach: float) -> Undecidable:
    items = [int(n) for n in counts if np.isfinite(n)]
    who = " and ".join(f"{n:,}" for n in items)
    wanted = int(np.ceil(min(items) * reach / (1 - reach) * (1 - limit) / limit))  # Tango's z² / (n + z²) at the limit
    each = "items of each group" if len(items) > 1 else "items"
    return Undecidable(
        cause=f"{who} items are too few: without any flip they still allow a change beyond the limit",
        remedy=f"Use at least {wanted:,} {each}.",
    )


def _too_few_hits(cutoff: int, share: float, limit: float) -> Undecidable:
    wanted = int(np.ceil(least_hits(limit) / share))
    return Undecidable(
        cause=f"about {cutoff * share:.0f} of the top {cutoff:,} are expected to be of this group, so few that one "
        "image more or less moves the number by more than a fifth of the limit",
        remedy=f"Use k of at least {wanted:,}, in a gallery that is larger in the same proportion.",
    )
