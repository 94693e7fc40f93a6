"""What an analysis is asked for: confidence, equivalence margins, families of tests. Plain data."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from qbench.errors import InputError
from qbench.metrics.interface import MetricInfo
from qbench.metrics.keys import MetricKey
from qbench.vocabulary import Unit

FamilyColumn = Literal["model", "quantizer", "benchmark", "metric", "attribute", "group"]
FAMILY_COLUMNS: tuple[str, ...] = get_args(FamilyColumn)
FAMILY: tuple[FamilyColumn, ...] = ("benchmark", "metric", "attribute")
MOST_RESAMPLES = 100_000
"""The largest `Settings.resamples`: so many draws take memory and time, whoever asks for them."""
MOST_DRAWS = 200_000
"""Draws of one permutation test at most, so that its time is bounded. With so many, a p-value can be significant in a
family of up to 10,000 tests."""
DRAWS_AT_LIMIT = 20
"""Draws that are expected beyond the level of the strictest test of a family."""

MARGINS: Mapping[str, float] = {
    "share": 0.01,
    "share/group": 0.02,
    "share/class": 0.05,
    "points": 0.02,
    "points/class": 0.05,
    "nats": 0.10,
    "nats/class": 0.20,
}
"""Starting points, not a standard: one point of accuracy, two of a group's accuracy or of a gap, five within one class;
0.1 nats of skew is a share that is off by a tenth. A metric may declare its own, and a spec names others."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an analysis is made.

    Attributes
    ----------
    confidence : float
        Of every interval; tests are made at ``1 - confidence``. A change is equivalent where its interval lies inside
        the margin.
    margins : mapping
        Changes up to which count as none: by ``benchmark.metric``, by metric (with or without its cut-off), or by a key
        of `MARGINS`; in the unit of the change (0.01 is one point). See `margin` for their order.
    family : tuple of str
        The columns that a family of tests shares; p-values are corrected within a family. Numbers over all classes
        and numbers of a class are never in one family.
    resamples : int
        Draws of permutations and bootstraps; `draws_for` says how many more a permutation test may take.
    seed : int
        Of these draws.
    """

    confidence: float = 0.95
    margins: Mapping[str, float] = field(default_factory=dict)
    family: tuple[str, ...] = FAMILY
    resamples: int = 1999
    seed: int = 0

    @property
    def alpha(self) -> float:
        """The level of the tests."""
        return 1.0 - self.confidence

    def draws_for(self, family: float) -> int:
        """Draws with which the p-value of a permutation test can be significant in a family of so many tests.

        The strictest of Holm's tests is made at α / family: `DRAWS_AT_LIMIT` draws are then expected to lie beyond its
        level under the null hypothesis, but never more than `MOST_DRAWS` are made, nor fewer than `resamples`.

        Examples
        --------
        >>> Settings().draws_for(1), Settings().draws_for(100), Settings().draws_for(10_000)
        (1999, 40000, 200000)
        """
        wanted = math.ceil(round(DRAWS_AT_LIMIT * family / self.alpha, 6))
        return max(self.resamples, min(wanted, MOST_DRAWS))

    def margin(
        self, benchmark: str, metric: str, unit: str, *, grouped: bool, of_class: bool, own: float | None = None
    ) -> float:
        """The margin of a number, the most particular one that is given.

        In this order: what `margins` has for the metric, what the metric declares (`own`), what `margins` has for the
        unit, what `MARGINS` has for the unit. NaN where there is none.
        """
        family = MetricKey.parse(metric).name
        for key in (f"{benchmark}.{metric}", f"{benchmark}.{family}", metric, family):
            if key in self.margins:
                return float(self.margins[key])
        if own is not None:
            return own
        given = {**MARGINS, **self.margins}
        level = [f"{unit}/class"] if of_class else [f"{unit}/group"] if grouped else []
        return next((float(given[key]) for key in (*level, unit) if key in given), float("nan"))

    def record(self) -> dict[str, Any]:
        """Plain values, JSON-able."""
        return {**asdict(self), "margins": dict(self.margins), "family": list(self.family)}


def check_margins(margins: Mapping[str, float], metrics: Iterable[tuple[str, MetricInfo]], *, where: str) -> None:
    """Refuse margins that no number has, and fractions that look like percentages.

    Parameters
    ----------
    margins : mapping
        As in `Settings`.
    metrics : iterable of (str, MetricInfo)
        Label of a benchmark, and a metric that it declares.
    where : str
        What the margins belong to, for the message.

    Raises
    ------
    qbench.errors.InputError
        Nothing has a margin of this name, one is not above 0, or one of an accuracy or a gap is 1 (100 points) or more,
        so that nothing could be beyond it.
    """
    declared = list(metrics)
    for name, margin in margins.items():
        if not 0 < margin < float("inf"):
            raise InputError(f"the margin of {name!r} is {margin:g}; it is a number above 0", where=where)
        units = {name.partition("/")[0]} if name in MARGINS else {m.unit for b, m in declared if _names(name, b, m)}
        if not units:
            having, kinds = list(dict.fromkeys(m.name for _, m in declared)), ", ".join(MARGINS)
            known = [*having, *(f"{b}.{m.name}" for b, m in declared), *MARGINS]
            close = difflib.get_close_matches(name, known, n=1)
            fix = f"Did you mean {close[0]!r}? " if close else ""
            fix += f"It has the metrics {', '.join(having) or 'none'}; margins of all metrics are {kinds}."
            raise InputError(f"no number of this run has the margin {name!r}", where=where, fix=fix)
        if margin >= 1 and units & {Unit.SHARE, Unit.POINTS}:
            raise InputError(
                f"the margin of {name!r} is {margin:g}, which is {100 * margin:g} points",
                where=where,
                fix=f"Write it as a fraction: {margin / 100:g} is {margin:g} {'point' if margin == 1 else 'points'}.",
            )


def _names(name: str, benchmark: str, metric: MetricInfo) -> bool:
    """Whether a margin is that of a metric, with or without its benchmark and its cut-off."""
    try:
        return MetricKey.parse(name.removeprefix(f"{benchmark}.")).name == metric.name
    except ValueError:
        return False
