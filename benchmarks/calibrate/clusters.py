"""Shares and disparities where items share images: Tango and MOVER on counts divided by their design effect,
and MOVER with the correlation of two groups' changes through the images they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibrate.regime import Band, Cell, Regime
from qbench.statistics.hits import correlation, count_cells
from qbench.stats.decide import equivalent
from qbench.stats.mover import mover_difference
from qbench.stats.tango import tango_interval

MARGIN = 0.02


@dataclass(frozen=True)
class World:
    """Images with up to `most` persons of two groups, a share of whose flips is the image's own."""

    images: int
    most: int
    flip: float
    shared: float

    def label(self) -> str:
        """In a phrase."""
        images = f"{self.images:,} images of 1–{self.most} persons"
        return f"{images}, {100 * self.flip:g} % flip, {self.shared:g} shared"


def simulate(rng: np.random.Generator, world: World, loss: float) -> tuple[np.ndarray, ...]:
    """Change, group and image of each person; the second group loses `loss` more."""
    persons = rng.integers(1, world.most + 1, world.images)
    image = np.repeat(np.arange(world.images), persons)
    group = (rng.random(len(image)) < 0.35).astype(np.int64)
    common = np.repeat(rng.random(world.images) < world.shared, persons)
    draw = np.where(common, np.repeat(rng.random(world.images), persons), rng.random(len(image)))
    half = np.maximum(world.flip, np.where(group == 1, loss, 0.0)) / 2
    shift = np.where(group == 1, loss / 2, 0.0)
    x = np.where(draw < half - shift, 1, np.where(draw > 1 - half - shift, -1, 0)).astype(np.int8)
    return x, group, image


def counted(rng: np.random.Generator, world: World, loss: float, replicates: int) -> np.ndarray:
    """``(replicates, 3, 5)``, of all persons and of both groups.

    Gains, losses, items, design effect; and the correlation of both groups, which only they have.
    """
    found = np.zeros((replicates, 3, 5))
    for row in found:
        x, group, image = simulate(rng, world, loss)
        for place, cell, cells in ((slice(0, 1), np.zeros_like(group), 1), (slice(1, 3), group, 2)):
            counts = count_cells(x, cell, cells, image)
            row[place, :4] = np.stack([counts.gain, counts.loss, counts.n, counts.deff], axis=1)
        row[1:, 4] = correlation(x, group, 2, image, np.array([0]), np.array([1]))
    return found


def limits(found: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, lower and upper limit of counts divided by their design effect."""
    gain, loss, n = (found[..., k] / found[..., 3] for k in range(3))
    return (gain - loss) / n, *tango_interval(gain, loss, n, confidence)


def difference(found: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """MOVER's interval of the first group's change minus the second's."""
    change, low, high = limits(found[:, 1:], confidence)
    sides = (x[:, side] for side in (0, 1) for x in (change, low, high))
    return mover_difference(*sides, rho=found[:, 1, 4])


def run(rng: np.random.Generator, replicates: int, worlds: list[World]) -> list[Cell]:
    """No change, and a change of the difference by the margin."""
    cells = []
    for world in worlds:
        null, moved = (counted(rng, world, loss, replicates) for loss in (0.0, MARGIN))
        _, low, high = limits(null[:, 0], 0.95)
        alone = null[:, 0].copy()
        alone[:, 3] = 1.0
        _, naive_low, naive_high = limits(alone, 0.95)
        apart = null.copy()
        apart[..., 4] = 0.0
        first, last = difference(null, 0.95)
        apart_first, apart_last = difference(apart, 0.95)
        cells.append(
            Cell(
                world.label(),
                replicates,
                coverage=float(np.mean((low <= 0) & (high >= 0))),
                false_alarm=float(np.mean((first > 0) | (last < 0))),
                false_equivalent=float(np.mean(equivalent(*difference(moved, 0.95), MARGIN))),
                beside={
                    "persons taken as independent, coverage": float(np.mean((naive_low <= 0) & (naive_high >= 0))),
                    "groups taken as independent, false alarm": float(np.mean((apart_first > 0) | (apart_last < 0))),
                },
            )
        )
    return cells


ENOUGH = [World(600, 4, 0.05, 0.3), World(600, 4, 0.05, 0.8), World(1500, 2, 0.03, 0.5), World(400, 8, 0.10, 1.0)]
FEW = [World(150, 4, 0.02, 0.8), World(60, 4, 0.05, 0.3), World(400, 3, 0.005, 1.0)]
ABOUT = (
    "The coverage is that of the interval for the change of all persons; the false alarm is that for the "
    "difference between two groups of 65 % and 35 %; the margin of this difference is 2 points. Counts are "
    "divided by their design effect before Tango's and MOVER's intervals are computed; with fewer than 20 flips, "
    "the design effect is at least the mean cluster size. MOVER uses the correlation of the two groups' changes "
    "through the images that show persons of both."
)
REGIMES = [
    Regime(
        name="clusters",
        title="Shares and disparities of persons who share images",
        about=ABOUT,
        band=Band((0.935, 0.965), (0.035, 0.065), 0.05),
        replicates=10_000,
        run=lambda rng, replicates: run(rng, replicates, ENOUGH),
    ),
    Regime(
        name="clusters-few",
        title="Shares and disparities of persons who share images, few flips",
        about="As in the previous section. The claim has no upper bound for the coverage.",
        band=Band((0.935, np.nan), (np.nan, 0.06), 0.05),
        replicates=10_000,
        run=lambda rng, replicates: run(rng, replicates, FEW),
    ),
]
