"""Whether more than a fifth of the accuracy is lost: the flag ``accuracy-lost``, for single and for shared images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibrate.regime import Band, Cell, Regime
from qbench.results.flags import LOST
from qbench.stats.validity import accuracy_loss


@dataclass(frozen=True)
class World:
    """Items that the baseline gets right with probability `before`, and what quantization does to them.

    Attributes
    ----------
    items : int
        How many.
    before : float
        Accuracy of the baseline.
    gained : float
        Share of the incorrect answers that become correct.
    persons : int
        Items of each image; all of an image share their answers half of the time.
    """

    items: int
    before: float
    gained: float = 0.0
    persons: int = 1

    def label(self) -> str:
        """In a phrase."""
        shared = f", {self.persons} persons per image" if self.persons > 1 else ""
        gains = ", some answers are gained" if self.gained else ""
        return f"{self.items:,} items, {100 * self.before:g} % correct before{gains}{shared}"

    def uniform(self, rng: np.random.Generator) -> np.ndarray:
        """Uniform numbers of the items, the same within half of the images."""
        own = rng.random(self.items)
        image = np.arange(self.items) // self.persons
        shared = rng.random(image[-1] + 1)[image]
        together = (rng.random(image[-1] + 1) < 0.5)[image] & (self.persons > 1)
        return np.where(together, shared, own)

    def draw(self, rng: np.random.Generator, loss: float) -> tuple[np.ndarray, np.ndarray]:
        """Answers before and after; the accuracy falls by the share `loss` of what it was."""
        gains = self.gained * (1 - self.before)
        losses = loss * self.before + gains
        u = self.uniform(rng)
        before = u < self.before
        after = (before & (u >= losses)) | (~before & (u < self.before + gains))
        return before, after

    def flagged(self, rng: np.random.Generator, loss: float, replicates: int) -> tuple[float, float]:
        """How often the flag is raised by the interval, and would be by the point."""
        image = np.arange(self.items) // self.persons
        found = [accuracy_loss(*self.draw(rng, loss), image, LOST) for _ in range(replicates)]
        return float(np.mean([x.low > LOST for x in found])), float(np.mean([x.loss > LOST for x in found]))


WORLDS = (
    World(50, 0.9),
    World(100, 0.3),
    World(100, 0.6),
    World(100, 0.6, gained=0.1),
    World(100, 0.9),
    World(300, 0.1),
    World(300, 0.6, gained=0.1),
    World(1000, 0.1, gained=0.02),
    World(1000, 0.6),
    World(300, 0.6, persons=3),
    World(1500, 0.3, gained=0.05, persons=3),
)


def run(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds."""
    cells = []
    for world, own in zip(WORLDS, rng.spawn(len(WORLDS)), strict=True):
        at, point = world.flagged(own, LOST, replicates)
        less, less_point = world.flagged(own, 0.15, replicates)
        cells.append(
            Cell(
                world.label(),
                replicates,
                false_alarm=at,
                beside={
                    "decided on the point": point,
                    "true loss of 15 %": less,
                    "the same, decided on the point": less_point,
                    "true loss of a half: found": world.flagged(own, 0.5, replicates)[0],
                },
            )
        )
    return cells


REGIMES = [
    Regime(
        name="accuracy-lost",
        title="Whether more than a fifth of the accuracy is lost",
        about=(
            "The accuracy falls by exactly a fifth of what it was. False alarm: the flag `accuracy-lost` is raised, "
            "because the lower end of the 98 % score interval of the relative loss is above a fifth (one-sided 1 % by "
            "the formula; what it is above that comes from few items). The further columns show the same decided on "
            "the point, a true loss of 15 %, and how often a loss of a half is found."
        ),
        band=Band(alarm=(math.nan, 0.025)),
        replicates=4000,
        run=run,
    ),
]
