"""The size of disparities: the test that swaps before and after, and unbiased squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibrate.people import Design, design, heavy_tailed
from calibrate.regime import Band, Cell, Regime, furthest
from qbench.stats.decide import equivalent
from qbench.stats.permutation import swap_absolute
from qbench.stats.squares import squared_disparity

DRAWS = 99  # 5 % of 99 + 1 is a whole number, so that a test at 5 % is exact


@dataclass(frozen=True)
class World:
    """Persons, their recall by class and group before, and how many flip.

    Attributes
    ----------
    gap : float
        Standard deviation over classes of the true disparity before.
    flip : float
        Share of right answers that are lost, and as many gained, where nothing changes.
    shared : float
        Probability that a person does what the image does.
    """

    label: str
    people: Design
    gap: float
    flip: float
    shared: float = 0.0


def recalls(rng: np.random.Generator, world: World) -> np.ndarray:
    """The true recall before of each person's class and group; drawn once a world."""
    classes = int(world.people.label.max()) + 1
    level, gap = rng.uniform(0.45, 0.75, classes), rng.normal(0, world.gap, classes)
    of_class = np.clip(np.stack([level - gap / 2, level + gap / 2]), 0.08, 0.92)
    return of_class[(world.people.side > 0).astype(int), world.people.label]


def answers(
    rng: np.random.Generator, world: World, recall: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Before and after, with the given true recalls; persons of an image alike with probability `shared`."""
    people, n = world.people, len(recall)

    def uniform() -> np.ndarray:
        draw = rng.random(n)
        if not world.shared:
            return draw
        of_image = rng.random(int(people.image.max()) + 1)[people.image]
        return np.where(rng.random(n) < world.shared, of_image, draw)

    before = uniform() < recall
    # gains and losses at which the true recall becomes `after`; half of `flip` each where it stays
    gained, lost = world.flip / 2 + np.maximum(after - recall, 0), world.flip / 2 + np.maximum(recall - after, 0)
    turned = np.where(before, lost / recall, gained / (1 - recall))
    return before.astype(float), np.where(uniform() < turned, ~before, before).astype(float)


def true_squares(people: Design, recall: np.ndarray) -> float:
    """Mean squared true disparity over classes."""
    classes = int(people.label.max()) + 1
    of = [np.array([recall[(people.label == c) & (people.side == g)][0] for c in range(classes)]) for g in (1, -1)]
    return float(np.mean((of[0] - of[1]) ** 2))


def swap(rng: np.random.Generator, world: World, replicates: int, band: Band) -> Cell:
    """The swap test where nothing changed, and where all persons lose 4 points, which is no null of it."""
    recall = recalls(rng, world)
    people, alarms = world.people, []
    for after in (recall, recall - 0.04):
        rejected = 0
        for i in range(replicates):
            f, q = answers(rng, world, recall, after)
            test = swap_absolute(f, q, people.label, people.side, people.image, draws=DRAWS, seed=i)
            rejected += test.p <= 0.05
        alarms.append(rejected / replicates)
    beside = {"where nothing changed": alarms[0], "where all lose 4 points": alarms[1]}
    return Cell(
        f"{world.label}; {expected(world):.0f} flips",
        replicates,
        false_alarm=furthest(alarms, band.alarm),
        beside=beside,
    )


def expected(world: World) -> float:
    """Flips where nothing changes."""
    return world.flip * len(world.people.label)


def squares(rng: np.random.Generator, world: World, replicates: int, band: Band) -> Cell:
    """Unbiased squares: no change, and gaps that grow by a quarter, whose true change is also the margin."""
    recall = recalls(rng, world)
    people = world.people
    centre = np.zeros(len(recall))
    for c in range(int(people.label.max()) + 1):
        mine = people.label == c
        centre[mine] = np.mean([recall[mine & (people.side == g)][0] for g in (1, -1)])
    grown = np.clip(centre + 1.25 * (recall - centre), 0.05, 0.95)
    margin = true_squares(people, grown) - true_squares(people, recall)
    inside, alarm, false, claimed = [], math.nan, math.nan, []
    for after, truth in ((recall, 0.0), (grown, margin)):
        found = np.empty((replicates, 2))
        for i in range(replicates):
            f, q = answers(rng, world, recall, after)
            x = squared_disparity(f, q, people.label, people.side, people.image)
            found[i] = x.low, x.high
        known = np.isfinite(found[:, 0])
        low, high = found[known].T
        claimed.append(float(known.mean()))
        inside.append(float(np.mean((low <= truth) & (truth <= high))))
        if truth == 0:
            alarm = float(np.mean((low > 0) | (high < 0)))
        else:
            false = float(np.mean(equivalent(low, high, margin)))
    return Cell(
        f"{world.label}; {expected(world):.0f} flips",
        replicates,
        coverage=furthest(inside, band.coverage),
        false_alarm=alarm,
        false_equivalent=false,
        beside={"data sets with an interval": min(claimed)},
    )


def swap_worlds(rng: np.random.Generator) -> list[World]:
    """Few to many flips, one to four persons an image, with and without true disparity."""
    photographs, small = heavy_tailed(rng, 25, 50, 0.3, 8), heavy_tailed(rng, 25, 12, 0.4, 3)
    return [
        World("25 classes, disparities of 8 points, 5 % flip", design(rng, photographs, 1), 0.08, 0.05),
        World("25 classes, disparities of 8 points, 2 % flip", design(rng, photographs, 1), 0.08, 0.02),
        World("25 classes, no disparity, 5 % flip", design(rng, photographs, 1), 0.0, 0.05),
        World("25 classes, 8 points, 1–4 persons, 0.5 shared, 5 % flip", design(rng, photographs, 4), 0.08, 0.05, 0.5),
        World("25 small classes, 8 points, 10 % flip", design(rng, small, 1), 0.08, 0.1),
        World("4 classes of 200 and 30 persons, 15 points, 5 % flip", design(rng, [(200, 30)] * 4, 1), 0.15, 0.05),
    ]


def swap_few_worlds(rng: np.random.Generator) -> list[World]:
    """Hardly any flips."""
    small = heavy_tailed(rng, 20, 12, 0.4, 3)
    return [
        World("20 small classes, 8 points, 2 % flip", design(rng, small, 1), 0.08, 0.02),
        World("20 small classes, 8 points, 0.5 % flip", design(rng, small, 1), 0.08, 0.005),
    ]


def squares_worlds(rng: np.random.Generator) -> list[World]:
    """Classes with at least 30 persons of each group, and disparity to be amplified."""
    photographs = heavy_tailed(rng, 15, 110, 0.35, 30)
    return [
        World("15 classes, disparities of 10 points, 5 % flip", design(rng, photographs, 1), 0.1, 0.05),
        World("15 classes, disparities of 10 points, 1 % flip", design(rng, photographs, 1), 0.1, 0.01),
        World("15 classes, 10 points, 1–4 persons, 0.5 shared, 5 % flip", design(rng, photographs, 4), 0.1, 0.05, 0.5),
        World("20 classes of 30 and 30 persons, 15 points, 5 % flip", design(rng, [(30, 30)] * 20, 1), 0.15, 0.05),
        World("8 classes of 300 and 60 persons, 12 points, 3 % flip", design(rng, [(300, 60)] * 8, 1), 0.12, 0.03),
    ]


BAND_SWAP = Band(alarm=(0.04, 0.06))
BAND_SWAP_FEW = Band(alarm=(math.nan, 0.06))
BAND_SQUARES = Band((0.925, 0.965), (0.035, 0.075), 0.06)
REGIMES = [
    Regime(
        "mean-absolute",
        "Mean absolute disparity: the swap test",
        f"""Before and after are swapped in whole images ({DRAWS} draws here, more in use). No interval is
claimed, because noise biases the mean of absolute values. The true cases are: nothing changes; and
every person loses 4 points of recall, so that the disparities stay the same and the recall does
not, which the null hypothesis of this test does not include.""",
        BAND_SWAP,
        10_000,
        lambda rng, r: [swap(rng, world, r, BAND_SWAP) for world in swap_worlds(rng)],
    ),
    Regime(
        "mean-absolute-few",
        "Mean absolute disparity: the swap test, few flips",
        "As in the previous section.",
        BAND_SWAP_FEW,
        10_000,
        lambda rng, r: [swap(rng, world, r, BAND_SWAP_FEW) for world in swap_few_worlds(rng)],
    ),
    Regime(
        "squares",
        "Mean squared disparity: unbiased squares",
        """An interval is given only if there are at least 30 persons of each group in each class and a
disparity that is clearly above the noise. The true cases are: no change, and every disparity grows
by a quarter; this change is then also the margin.""",
        BAND_SQUARES,
        10_000,
        lambda rng, r: [squares(rng, world, r, BAND_SQUARES) for world in squares_worlds(rng)],
        """an "equivalent" from this interval is false more often than in 2.5 % of cases, because the estimate
and the standard error are too low in the same data sets. Therefore qbench does not use it for this
verdict.""",
    ),
]
