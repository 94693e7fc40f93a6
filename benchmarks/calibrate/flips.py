"""The table of flips: its tests and its interval, where persons share images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibrate.regime import Band, Cell, Regime
from qbench.statistics.hits import count_cells
from qbench.stats.flips import flip_rate_interval, flip_rates_differ, mcnemar, share_test

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Images of persons of some groups; the persons of an image flip together in a share of the images.

    Attributes
    ----------
    images, least, most : int
        How many images, and how many persons an image has.
    flip, shared : float
        The share of persons who flip, as many each way; the share of images whose persons all change alike.
    shares : tuple of float
        Of the groups.
    together : bool
        Whether all persons of an image are of one group.
    """

    images: int
    least: int
    most: int
    flip: float
    shared: float
    shares: tuple[float, ...]
    together: bool = True

    @property
    def label(self) -> str:
        """In a phrase."""
        persons = f"{self.least}" if self.least == self.most else f"{self.least}–{self.most}"
        of = "one group" if self.together else "several groups"
        images = f"{self.images:,} images of {persons} persons of {of}"
        return f"{images}, {len(self.shares)} groups, {100 * self.flip:g} % flip, {self.shared:g} shared"

    def draw(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.int8], Ints, Ints]:
        """Change, group and image of each person."""
        persons = rng.integers(self.least, self.most + 1, self.images)
        image = np.repeat(np.arange(self.images), persons)
        groups = len(self.shares)
        group = (
            rng.choice(groups, self.images, p=self.shares)[image]
            if self.together
            else rng.choice(groups, len(image), p=self.shares)
        )
        common = (rng.random(self.images) < self.shared)[image]
        draw = np.where(common, rng.random(self.images)[image], rng.random(len(image)))
        x = np.where(draw < self.flip / 2, 1, np.where(draw > 1 - self.flip / 2, -1, 0))
        return x.astype(np.int8), group, image


def simulate(world: World, rng: np.random.Generator, replicates: int) -> Cell:
    """Count in one world, in which all groups flip at the same rate and as many each way."""
    groups = len(world.shares)
    names = ("covered", "share", "share alone", "groups", "groups alone")
    counts = dict.fromkeys(names, 0)
    for _ in range(replicates):
        x, group, image = world.draw(rng)
        y, everyone = np.abs(x), np.zeros_like(group)
        change, flips, by_group = (
            count_cells(v, cell, cells, image)
            for v, cell, cells in ((x, everyone, 1), (y, everyone, 1), (y, group, groups))
        )
        low, high = flip_rate_interval(flips.gain / flips.deff, flips.n / flips.deff)
        counts["covered"] += int(low[0] <= world.flip <= high[0])
        counts["share"] += int(share_test(change.gain, change.loss, change.n, change.deff)[0][0] <= 0.05)
        counts["share alone"] += int(mcnemar(change.gain, change.loss)[0][0] <= 0.05)
        counts["groups"] += flip_rates_differ(by_group.gain, by_group.n, by_group.deff, draws=499) <= 0.05
        counts["groups alone"] += flip_rates_differ(by_group.gain, by_group.n, draws=499) <= 0.05
    share = {name: value / replicates for name, value in counts.items()}
    return Cell(
        world.label,
        replicates,
        coverage=share["covered"],
        false_alarm=max(share["share"], share["groups"]),
        beside={
            "p_mcnemar": share["share"],
            "p_groups": share["groups"],
            "p_mcnemar, persons independent": share["share alone"],
            "p_groups, persons independent": share["groups alone"],
        },
    )


WORLDS = (
    World(400, 3, 3, 0.1, 0.8, (0.5, 0.3, 0.2)),
    World(2000, 3, 3, 0.03, 1.0, (0.6, 0.4)),
    World(1500, 1, 3, 0.04, 0.5, (0.5, 0.3, 0.2), together=False),
    World(3000, 1, 3, 0.02, 0.8, (0.5, 0.45, 0.05)),
    World(200, 1, 4, 0.05, 0.5, (0.5, 0.4, 0.1)),
    World(200, 3, 3, 0.03, 1.0, (0.6, 0.4)),
    World(2000, 1, 1, 0.02, 0.0, (0.5, 0.45, 0.05)),
)


def run(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds."""
    return [simulate(w, own, replicates) for w, own in zip(WORLDS, rng.spawn(len(WORLDS)), strict=True)]


REGIMES = [
    Regime(
        name="flips",
        title="The table of flips",
        about=(
            "All groups flip at the same rate, and as many answers become right as wrong. The coverage is that of "
            "Wilson's interval of the flip rate of all persons. The false alarm is that of the test which rejects "
            "more often: `p_mcnemar` (as many each way) or `p_groups` (the same rate in all groups), which are "
            "both shown, and shown again as if the persons of an image were independent. All use counts divided "
            "by their design effect; where few persons flip, or groups meet in the same images, that is cautious, "
            "so that the claim has no other bound."
        ),
        band=Band((0.935, math.nan), (math.nan, 0.06)),
        replicates=4000,
        run=run,
    )
]
