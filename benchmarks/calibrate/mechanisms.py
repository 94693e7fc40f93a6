"""What goes with the direction of the changes over checkpoints, and how far the answers of groups drift."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibrate.regime import Band, Cell, Regime, furthest
from qbench.stats.group_means import group_means
from qbench.stats.mixed import contrast

Floats = npt.NDArray[np.float64]
QUANTIZERS = 3
PREDICTORS = Band(coverage=(0.935, math.nan), alarm=(math.nan, 0.06))
DRIFT = Band(coverage=(0.93, 0.965), alarm=(math.nan, 0.065))


@dataclass(frozen=True)
class Checkpoints:
    """`k` checkpoints of three sources and three sizes, under three quantizers.

    Errors of one image are correlated by `rho` between checkpoints and by `within` between quantizers of one
    checkpoint. `tau` is the standard deviation of the true changes of checkpoints, and of a quantizer in a checkpoint,
    in standard errors.
    """

    k: int
    tau: float
    rho: float
    within: float = 0.5
    unequal: bool = False
    images: int = 1000

    @property
    def label(self) -> str:
        """In a phrase."""
        more = ", int4 varies four times as much" if self.unequal else ""
        return f"k = {self.k}, τ = {self.tau:g}, ρ = {self.rho:g}{more}"


def designs(k: int) -> tuple[Floats, Floats]:
    """Sources as columns and a size, and the contrast of the first source with the others at the same size."""
    source, size = np.arange(k) % 3, (np.arange(k) // 3).astype(np.float64)
    design = np.column_stack([source == 0, source == 1, source == 2, size - size.mean()]).astype(np.float64)
    return design, np.array([1.0, -0.5, -0.5, 0.0])


def simulate_predictors(world: Checkpoints, rng: np.random.Generator, replicates: int) -> Cell:
    """Count where neither size nor source nor quantizer goes with the change."""
    k, q = world.k, QUANTIZERS
    design, source = designs(k)
    of_size, ones = np.array([0.0, 0.0, 0.0, 1.0]), np.ones((k, 1))
    mean, third = np.full(q, 1 / q), np.array([-0.5, -0.5, 1.0])
    spread = np.array([1.0, 1.0, 2.0]) if world.unequal else np.ones(q)
    size = np.kron(rng.uniform(0.6, 1.6, k), spread)
    same = np.kron(np.eye(k), np.full((q, q), world.within))
    alike = np.kron(np.ones((k, k)) - np.eye(k), world.rho * (0.5 * np.eye(q) + 0.5))
    actual = np.outer(size, size) * (same + alike + (1 - world.within) * np.eye(k * q))
    half = np.linalg.cholesky(actual)
    n = k * q
    covered, alarms = np.zeros(3), np.zeros(3)
    for _ in range(replicates):
        lower = np.tril(rng.standard_normal((n, n)), -1)
        lower += np.diag(np.sqrt(rng.chisquare(world.images - 1 - np.arange(n))))
        estimate = half @ lower / math.sqrt(world.images - 1)
        s = estimate @ estimate.T
        true = np.repeat(rng.standard_normal(k), q) + rng.standard_normal(n)
        y = world.tau / math.sqrt(2) * true + half @ rng.standard_normal(n)
        for i, (weights, x, coefficients) in enumerate(
            ((mean, design, of_size), (mean, design, source), (third, ones, np.ones(1)))
        ):
            of_each = np.kron(np.eye(k), weights)
            found = contrast(of_each @ y, of_each @ s @ of_each.T, x, coefficients)
            covered[i] += not (found.low > 0 or found.high < 0)
            alarms[i] += found.p < 0.05
    names = ("size", "source", "quantizer")
    rates = (alarms / replicates).tolist()
    return Cell(
        world.label,
        replicates,
        furthest((covered / replicates).tolist(), PREDICTORS.coverage),
        furthest(rates, PREDICTORS.alarm),
        beside={f"false alarm, {name}": rate for name, rate in zip(names, rates, strict=True)},
    )


@dataclass(frozen=True)
class Drifts:
    """Items in three groups of `sizes` images; `most` items in an image, which share half of their drift's variance.

    A drift is gamma distributed with this `shape`: 1 is exponential, 4 is moderately skewed. `unequal`: the groups have
    one mean and different variances. `mixed`: items of one image may be of different groups.
    """

    sizes: tuple[int, int, int]
    shape: float
    most: int = 1
    unequal: bool = False
    mixed: bool = False

    @property
    def label(self) -> str:
        """In a phrase."""
        more = f", 1–{self.most} items per image" if self.most > 1 else ""
        more += ", groups meet in images" if self.mixed else ""
        more += ", unequal variances" if self.unequal else ""
        return f"{', '.join(f'{x:,}' for x in self.sizes)} images, shape {self.shape:g}{more}"


def simulate_drift(world: Drifts, rng: np.random.Generator, replicates: int) -> Cell:
    """Count for groups whose mean drift is 1."""
    covered, alarm, plain = np.zeros(3), 0, 0
    own = np.repeat(np.arange(3), world.sizes)
    for _ in range(replicates):
        count = rng.integers(1, world.most + 1, len(own))
        image = np.repeat(np.arange(len(own)), count)
        group = own[image]
        if world.mixed:
            group = np.where(rng.random(len(group)) < 0.5, group, rng.choice(own, len(group)))
        shape = np.full(len(group), world.shape) * np.where(world.unequal & (group == 0), 4.0, 1.0)
        shared = rng.gamma(world.shape / 2, 1, len(own))[image] if world.most > 1 else 0.0
        part = shape / 2 if world.most > 1 else shape
        x = (shared + rng.gamma(part)) / (part + (world.shape / 2 if world.most > 1 else 0.0))
        found = group_means(x, group, image, 3)
        covered += (found.low <= 1) & (found.high >= 1)
        alarm += found.p < 0.05
        plain += group_means(x, group, np.arange(len(x)), 3).p < 0.05
    return Cell(
        world.label,
        replicates,
        furthest((covered / replicates).tolist(), DRIFT.coverage),
        alarm / replicates,
        beside={"false alarm, items taken as independent": plain / replicates},
    )


CHECKPOINTS = (
    *(Checkpoints(9, tau, rho) for tau, rho in ((0.0, 0.0), (1.0, 0.0), (0.0, 0.3), (1.0, 0.3), (0.5, 0.1))),
    Checkpoints(9, 1.0, 0.3, unequal=True),
    Checkpoints(12, 0.5, 0.2),
)
DRIFTS = (
    Drifts((300, 300, 300), 4.0),
    Drifts((40, 400, 2000), 4.0),
    Drifts((40, 400, 2000), 4.0, unequal=True),
    Drifts((100, 400, 1000), 1.0),
    Drifts((150, 300, 600), 4.0, most=4),
    Drifts((150, 300, 600), 4.0, most=4, mixed=True),
)


def run_predictors(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds of checkpoints."""
    found = zip(CHECKPOINTS, rng.spawn(len(CHECKPOINTS)), strict=True)
    return [simulate_predictors(world, own, replicates) for world, own in found]


def run_drift(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds of drifts."""
    return [simulate_drift(w, own, replicates) for w, own in zip(DRIFTS, rng.spawn(len(DRIFTS)), strict=True)]


REGIMES = [
    Regime(
        name="predictors",
        title="What goes with the direction of the changes over checkpoints",
        about=(
            "Checkpoints of three sources and three sizes under three quantizers, on the same images. The errors are "
            "correlated by ρ between checkpoints and by 0.5 between the quantizers of one checkpoint, and are "
            "0.6 to 1.6 typical standard errors; half of the variance τ² of the true changes is that of checkpoints, "
            "half that of a quantizer in a checkpoint. Neither size nor source nor quantizer goes with the change. "
            "Coverage and false alarm are those of the factor that is furthest from the claim: the slope over the "
            "size, the first source against the others, and the third quantizer against the others."
        ),
        band=PREDICTORS,
        replicates=4_000,
        run=run_predictors,
    ),
    Regime(
        name="drift",
        title="Drift by group",
        about=(
            "Three groups whose answers drift by the same mean. Drifts are skewed (gamma distributed: shape 1 is "
            "exponential), and items of one image share half of the variance. Coverage is that of the group that is "
            "furthest from the claim; the false alarm is that of the test whether the groups drift alike."
        ),
        band=DRIFT,
        replicates=4_000,
        run=run_drift,
    ),
]
