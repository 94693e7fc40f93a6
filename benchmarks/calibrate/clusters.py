"""Shares and disparities where items share pictures: Tango and MOVER on counts divided by their design effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibrate.regime import Band, Cell, Regime
from qbench.analysis.hits import count_cells
from qbench.stats.decide import equivalent
from qbench.stats.mover import mover_difference
from qbench.stats.tango import tango_interval

MARGIN = 0.02


@dataclass(frozen=True)
class World:
    """Pictures with up to `most` persons of two groups, a share of whose flips is the picture's own."""

    pictures: int
    most: int
    flip: float
    shared: float

    def label(self) -> str:
        """In a phrase."""
        pictures = f"{self.pictures:,} pictures of 1–{self.most} persons"
        return f"{pictures}, {100 * self.flip:g} % flip, {self.shared:g} shared"


def simulate(rng: np.random.Generator, world: World, loss: float) -> tuple[np.ndarray, ...]:
    """Change, group and picture of each person; the second group loses `loss` more."""
    persons = rng.integers(1, world.most + 1, world.pictures)
    image = np.repeat(np.arange(world.pictures), persons)
    group = (rng.random(len(image)) < 0.35).astype(np.int64)
    common = np.repeat(rng.random(world.pictures) < world.shared, persons)
    draw = np.where(common, np.repeat(rng.random(world.pictures), persons), rng.random(len(image)))
    half = np.maximum(world.flip, np.where(group == 1, loss, 0.0)) / 2
    shift = np.where(group == 1, loss / 2, 0.0)
    x = np.where(draw < half - shift, 1, np.where(draw > 1 - half - shift, -1, 0)).astype(np.int8)
    return x, group, image


def intervals(
    x: np.ndarray, group: np.ndarray, image: np.ndarray, confidence: float, *, ignore: bool = False
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The interval of the change of all, and of the difference between the groups."""
    found = []
    for cell, cells in ((np.zeros_like(group), 1), (group, 2)):
        counts = count_cells(x, cell, cells, image)
        deff = np.ones(cells) if ignore else counts.deff
        gain, loss, n = counts.gain / deff, counts.loss / deff, counts.n / deff
        low, high = tango_interval(gain, loss, n, confidence)
        change = (gain - loss) / n
        if cells == 1:
            found.append((float(low[0]), float(high[0])))
        else:
            ends = mover_difference(change[0], low[0], high[0], change[1], low[1], high[1])
            found.append((float(ends[0]), float(ends[1])))
    return found[0], found[1]


def run(rng: np.random.Generator, replicates: int, worlds: list[World]) -> list[Cell]:
    """No change, and a change of the difference by the margin."""
    cells = []
    for world in worlds:
        inside, alone, alarm, same = 0, 0, 0, 0
        for _ in range(replicates):
            data = simulate(rng, world, 0.0)
            whole, difference = intervals(*data, 0.95)
            inside += whole[0] <= 0 <= whole[1]
            alarm += not difference[0] <= 0 <= difference[1]
            naive, _ = intervals(*data, 0.95, ignore=True)
            alone += naive[0] <= 0 <= naive[1]
            _, narrow = intervals(*simulate(rng, world, MARGIN), 0.9)
            same += bool(equivalent(*narrow, MARGIN))
        cells.append(
            Cell(
                world.label(),
                replicates,
                coverage=inside / replicates,
                false_alarm=alarm / replicates,
                false_equivalent=same / replicates,
                beside={"persons taken as independent, coverage": alone / replicates},
            )
        )
    return cells


ENOUGH = [World(600, 4, 0.05, 0.3), World(600, 4, 0.05, 0.8), World(1500, 2, 0.03, 0.5), World(400, 8, 0.10, 1.0)]
FEW = [World(150, 4, 0.02, 0.8), World(60, 4, 0.05, 0.3), World(400, 3, 0.005, 1.0)]
ABOUT = (
    "Coverage is of the change of all persons, the false alarm that of the difference between two groups of 65 % and "
    "35 %; the margin of the difference is 2 points. Counts are divided by their design effect before they go into "
    "Tango's and MOVER's intervals; with fewer than 20 flips it is at least the mean cluster size."
)
REGIMES = [
    Regime(
        name="clusters",
        title="Shares and disparities of persons who share pictures",
        about=ABOUT,
        band=Band((0.935, 0.965), (0.035, 0.065), 0.05),
        replicates=2_000,
        run=lambda rng, replicates: run(rng, replicates, ENOUGH),
    ),
    Regime(
        name="clusters-few",
        title="The same, few flips",
        about="As before. The band has no upper bound.",
        band=Band((0.935, np.nan), (np.nan, 0.06), 0.05),
        replicates=2_000,
        run=lambda rng, replicates: run(rng, replicates, FEW),
    ),
]
