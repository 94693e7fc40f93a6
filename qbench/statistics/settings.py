"""What an analysis is asked for: confidence, equivalence margins, families of tests. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from qbench.metrics.keys import MetricKey

FAMILY = ("benchmark", "metric", "attribute")

MARGINS: Mapping[str, float] = {
    "share": 0.01,
    "share/group": 0.02,
    "share/class": 0.05,
    "points": 0.02,
    "points/class": 0.05,
    "nats": 0.05,
    "nats/class": 0.10,
    "ndkl": 0.005,
}
"""Starting points, not a standard: one point of accuracy, two of a group's accuracy or of a gap, five within one class;
0.05 nats of skew is a share that is off by a twentieth. A spec gives its own by metric."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an analysis is made.

    Attributes
    ----------
    confidence : float
        Of every interval; tests are made at ``1 - confidence``. A change is equivalent where its interval lies inside
        the margin.
    margins : mapping
        Changes up to which count as none: by ``benchmark.metric``, by metric (its cut-off aside), or by a key of
        `MARGINS`, in that order; in the unit of the change (0.01 is one point).
    family : tuple of str
        The columns that a family of tests shares; p-values are corrected within a family. Numbers over all classes
        and numbers of a class are never in one family.
    resamples : int
        Draws of permutations and bootstraps.
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

    def margin(self, benchmark: str, metric: str, unit: str, *, grouped: bool, of_class: bool) -> float:
        """The margin of a number: the most particular one that is given."""
        family = MetricKey.parse(metric).name
        given = {**MARGINS, **self.margins}
        level = [f"{unit}/class"] if of_class else [f"{unit}/group"] if grouped else []
        for key in (f"{benchmark}.{metric}", f"{benchmark}.{family}", metric, family, *level, unit):
            if key in given:
                return float(given[key])
        return float("nan")

    def record(self) -> dict[str, Any]:
        """Plain values, JSON-able."""
        return {**asdict(self), "margins": dict(self.margins), "family": list(self.family)}
