"""The worlds whose runs are simulated: see ``gate_simulation.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qbench.api import Benchmark
from qbench_benchmarks import COCO, FACET, FAIRFACE, IMAGENET

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
MODELS = [f"{source}/{size}" for source in ("openai", "laion", "datacomp") for size in ("B-32", "B-16", "L-14")]
QUANTIZERS = ("int8", "int4", "nf4")
PERSONS, IMAGES_PER_PERSON = 49_551, 0.64
GROUPS: Mapping[str, Mapping[str, float]] = {
    "gender": {"masc": 0.67, "fem": 0.21, "na": 0.12},
    "age": {"young": 0.2, "middle": 0.54, "older": 0.05, "na": 0.21},
    "skin_tone": {"light": 0.45, "medium": 0.35, "dark": 0.06, "na": 0.14},
}
"""Shares of FACET's groups, about as in Gustafson et al. 2023."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What is simulated.

    Attributes
    ----------
    flips : float
        Share of the answers that change where nothing is lost, as many gained as lost; and share of the top k that is
        replaced.
    loss : mapping
        ``attribute=group`` of FACET, or empty for every item of every benchmark → the share of the answers that is lost
        beside the flips.
    benchmarks : tuple of Benchmark
        What a run has.
    models, quantizers : tuple of str
        The variants of a run.
    persons : int
        Persons of FACET.
    groups : mapping
        Attribute → group → share of FACET's persons.
    growth : float
        By how many nats the mean skew of FairFace's largest race grows.
    ahead : float
        How much more often masc persons are recognised than fem ones before anything is lost.
    means : bool
        Whether the means over the checkpoints are judged too. FairFace has none here.
    """

    flips: float
    loss: Mapping[str, float] = field(default_factory=dict)
    benchmarks: tuple[Benchmark, ...] = (IMAGENET, COCO, FACET, FAIRFACE)
    models: tuple[str, ...] = tuple(MODELS)
    quantizers: tuple[str, ...] = QUANTIZERS
    persons: int = PERSONS
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: GROUPS)
    growth: float = 0.0
    ahead: float = 0.03
    means: bool = False


HALVES = {**GROUPS, "gender": {"masc": 0.5, "fem": 0.5}}
ALONE: dict[str, tuple[str, ...]] = {"models": MODELS[:1], "quantizers": QUANTIZERS[:1]}  # type: ignore[dict-item]
WORLDS: Mapping[str, World] = {
    "no effect, 0.5 % flips": World(flips=0.005),
    "no effect, 2 % flips": World(flips=0.02),
    "no effect, 5 % flips": World(flips=0.05),
    "one group at its limit, 2 % flips": World(flips=0.02, loss={"gender=fem": 0.02}),
    "every accuracy at its limit, 2 % flips": World(flips=0.02, loss={"": 0.01}),
    "FairFace alone, one skew at its limit, 2 % flips": World(flips=0.02, growth=0.1, benchmarks=(FAIRFACE,), **ALONE),
    "fem lose 3 points, 2 % flips": World(flips=0.02, loss={"gender=fem": 0.03}),
    "FACET alone, 10,000 of 20,000 persons lose 3 points, 2 % flips": World(
        flips=0.02, loss={"gender=fem": 0.03}, benchmarks=(FACET,), persons=20_000, groups=HALVES, **ALONE
    ),
    "FACET alone, 5,000 of 10,000 persons lose 3 points, 2 % flips": World(
        flips=0.02, loss={"gender=fem": 0.03}, benchmarks=(FACET,), persons=10_000, groups=HALVES, **ALONE
    ),
    "FACET alone, means over nine checkpoints, no effect, 2 % flips": World(
        flips=0.02, benchmarks=(FACET,), persons=10_000, groups=HALVES, means=True
    ),
    "FACET alone, means over nine checkpoints, all at the limit, 2 % flips": World(
        flips=0.02, loss={"": 0.01}, benchmarks=(FACET,), persons=10_000, groups=HALVES, means=True
    ),
}
