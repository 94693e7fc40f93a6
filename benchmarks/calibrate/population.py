"""The mean change over checkpoints that share their images, and verdicts on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibrate.regime import Band, Cell, Regime
from qbench.stats.paired import paired_t
from qbench.stats.population import population

Floats = npt.NDArray[np.float64]
NINE = Band(coverage=(0.935, 0.965), alarm=(0.035, 0.065), equivalent=0.055)
THREE = Band(coverage=(0.93, math.nan), alarm=(math.nan, 0.07), equivalent=0.055)
MARGIN = 2.0
"""In standard errors of one checkpoint."""


@dataclass(frozen=True)
class World:
    """Checkpoints: `k` of them, errors correlated by `rho`, true changes of standard deviation `tau` standard errors.

    `tail` is whether true changes have long tails (Student's t, 4 degrees of freedom), `images` how many there are to
    estimate the covariance from, `flips` whether errors are of few flipped answers instead of normal ones, and
    `sources` how many sources share half the variance of the true changes (0: none does).
    """

    k: int
    tau: float
    rho: float
    tail: bool = False
    images: int = 1000
    flips: bool = False
    sources: int = 0

    @property
    def label(self) -> str:
        """In a phrase."""
        more = ", long tails" if self.tail else ""
        more += f", {self.sources} sources" if self.sources else ""
        more += f", flips of {self.images} images" if self.flips else ""
        more += f", {self.images} images" if self.images != 1000 and not self.flips else ""
        return f"k = {self.k}, τ = {self.tau:g}, ρ = {self.rho:g}{more}"


def draw(world: World, rng: np.random.Generator, size: Floats) -> tuple[Floats, Floats]:
    """Changes ``(k,)`` without their mean, and their estimated covariance ``(k, k)``."""
    k = world.k
    true = rng.standard_normal(k)
    if world.tail:
        true = rng.standard_t(4, k) / math.sqrt(2)
    if world.sources:
        of = np.arange(k) % world.sources
        true = math.sqrt(0.5) * (true + rng.standard_normal(world.sources)[of])
    if world.flips:
        # the same images flip for all checkpoints with probability rho, else each flips others
        rate, n = 0.05, world.images
        common = np.where(rng.random(n) < rate, rng.integers(0, 2, n) * 2 - 1, 0)
        own = np.where(rng.random((k, n)) < rate, rng.integers(0, 2, (k, n)) * 2 - 1, 0)
        x = np.where(rng.random((k, n)) < math.sqrt(world.rho), common, own) / math.sqrt(rate * n)
        error = x.sum(axis=1)
        x = x - x.mean(axis=1, keepdims=True)
        covariance = x @ x.T * n / (n - 1)
        return world.tau * true + error, covariance
    actual = np.outer(size, size) * ((1 - world.rho) * np.eye(k) + world.rho)
    half = np.linalg.cholesky(actual)
    # Bartlett: the covariance as estimated from that many images
    lower = np.tril(rng.standard_normal((k, k)), -1) + np.diag(np.sqrt(rng.chisquare(world.images - 1 - np.arange(k))))
    estimate = half @ lower / math.sqrt(world.images - 1)
    return world.tau * true + half @ rng.standard_normal(k), estimate @ estimate.T


def simulate(world: World, rng: np.random.Generator, replicates: int) -> Cell:
    """Count in one world."""
    size = np.ones(world.k) if world.flips else rng.uniform(0.6, 1.6, world.k)
    names = ("covered", "alarm", "equivalent", "t", "negligible", "consistent", "inconsistent", "predicted")
    counts = dict.fromkeys(names, 0)
    for _ in range(replicates):
        y, s = draw(world, rng, size)
        none = population(y, s, margin=MARGIN, least=3)
        counts["covered"] += none.low <= 0 <= none.high
        counts["alarm"] += none.p < 0.05
        counts["t"] += paired_t(np.zeros(world.k), y).p < 0.05
        # the same data about a mean of minus the margin, or of the margin: all intervals move with it
        inside = none.high < 0 and none.low > -2 * MARGIN
        counts["equivalent"] += inside
        counts["negligible"] += inside and none.pi_high < 0 and none.pi_low > -2 * MARGIN
        counts["consistent"] += none.verdict == "consistent"
        counts["inconsistent"] += world.tau == 0 and none.q_p < 0.05
        one_more = world.tau * rng.standard_normal()
        counts["predicted"] += none.pi_low <= one_more <= none.pi_high
    share = {name: value / replicates for name, value in counts.items()}
    return Cell(
        world.label,
        replicates,
        share["covered"],
        share["alarm"],
        share["equivalent"],
        band=THREE if world.k < 6 else None,
        beside={
            "false alarm, plain t": share["t"],
            "false negligible": share["negligible"],
            "false consistent": share["consistent"],
            "false alarm of Q": share["inconsistent"] if world.tau == 0 else math.nan,
            "coverage of the 90 % prediction": share["predicted"] if not (world.tail or world.sources) else math.nan,
        },
    )


def simulate_gate(world: World, rng: np.random.Generator, replicates: int) -> Cell:
    """Count a gate's claims on the mean change of one quantizer, where the true mean is the limit, and elsewhere."""
    size = np.ones(world.k) if world.flips else rng.uniform(0.6, 1.6, world.k)
    counts = dict.fromkeys(("beyond", "within", "passes", "fails"), 0)
    for _ in range(replicates):
        y, s = draw(world, rng, size)
        none = population(y, s)
        # the same data about a mean of the limit (all is shifted by it), of zero, and of twice the limit
        counts["beyond"] += none.low > 0
        counts["within"] += none.high < 0
        counts["passes"] += none.high < MARGIN
        counts["fails"] += none.low > -MARGIN
    share = {name: value / replicates for name, value in counts.items()}
    return Cell(
        world.label,
        replicates,
        false_alarm=share["beyond"],
        false_equivalent=share["within"],
        beside={"within, where nothing changes": share["passes"], "beyond, at twice the limit": share["fails"]},
    )


WORLDS = (
    *(World(9, tau, rho) for tau, rho in ((0.0, 0.0), (1.0, 0.0), (0.5, 0.1), (0.0, 0.3), (1.0, 0.3))),
    *(World(3, tau, rho) for tau, rho in ((0.0, 0.0), (0.0, 0.3), (1.0, 0.3))),
    World(6, 0.5, 0.2),
    World(9, 1.0, 0.3, tail=True),
    World(9, 0.0, 0.3, images=200),
    World(9, 0.0, 0.2, images=400, flips=True),
)
GATE = (
    *(World(k, tau, rho) for k in (6, 9) for tau, rho in ((0.0, 0.0), (1.0, 0.0), (0.0, 0.3), (1.0, 0.3), (0.5, 0.1))),
    *(World(k, 0.0, 0.2, images=400, flips=True) for k in (6, 9)),
)
SOURCES = (World(9, 0.5, 0.3, sources=3), World(9, 1.0, 0.3, sources=3))


def run(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds with independent checkpoints."""
    return [simulate(w, own, replicates) for w, own in zip(WORLDS, rng.spawn(len(WORLDS)), strict=True)]


def run_gate(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """The worlds of a gate's claims."""
    return [simulate_gate(w, own, replicates) for w, own in zip(GATE, rng.spawn(len(GATE)), strict=True)]


def run_sources(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """Worlds in which checkpoints of a source are alike."""
    return [simulate(w, own, replicates) for w, own in zip(SOURCES, rng.spawn(len(SOURCES)), strict=True)]


REGIMES = [
    Regime(
        name="population",
        title="The mean change over checkpoints",
        about=(
            "k checkpoints are measured on the same images. Their errors have the correlation ρ and differ in "
            "size (0.6 to 1.6 typical standard errors), and their true changes have the standard deviation τ, in "
            "the same unit. The covariance is estimated from 1,000 images, unless the row says something else. "
            "The margin is two units. The other columns show the paired t-test; the verdict *negligible* where "
            "the true mean change is the margin; the verdict *consistent* where it is zero; and Cochran's Q where"
            " all true changes are the same. Verdicts are shown as they would be if they were also given for "
            "fewer than six checkpoints."
        ),
        band=NINE,
        replicates=10_000,
        run=run,
    ),
    Regime(
        name="population-gate",
        title="The mean change over checkpoints, against the limit of a gate",
        about=(
            "As in the previous section. A gate has one answer for each quantizer: “beyond the limit” where the "
            "lower end of the 95 % interval of the mean loss is above the limit, “within the limit” where the upper "
            "end is below it. False alarm: “beyond” where the true mean is the limit; false “equivalent”: “within” "
            "where it is the limit. Each is one-sided, with a nominal rate of 2.5 %. The other columns show how often "
            "the right answer is given, with a limit of two units: “within” where nothing changes, and “beyond” where "
            "the mean is twice the limit."
        ),
        band=Band(alarm=(math.nan, 0.0325), equivalent=0.0325),
        replicates=10_000,
        run=run_gate,
    ),
    Regime(
        name="population-sources",
        title="The mean change over checkpoints, where checkpoints of one source are similar",
        about=(
            "As in the previous section, but half the variance of the true changes belongs to three sources of "
            "three checkpoints each. No formula can detect this in nine checkpoints, and nothing is claimed. "
            "Instead, reports show the mean without each source in turn."
        ),
        band=Band(),
        replicates=10_000,
        run=run_sources,
    ),
]
