"""Means of signed disparities over classes: MOVER of the two groups' weighted counts, images as units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from calibrate.people import Design, Rates, design, flips, heavy_tailed, loses, nothing, same_loss
from calibrate.regime import Band, Cell, Regime, furthest
from qbench.stats.decide import equivalent
from qbench.stats.linear import linear_change
from qbench.stats.mover import mover_difference
from qbench.stats.student import quantile
from qbench.stats.tango import tango_interval

MARGIN = 0.01
MARGIN_OF_GAPS = 0.02
LARGE = 2800
"""Persons of the larger group where groups are unequal."""


@dataclass(frozen=True)
class World:
    """Persons and how they flip."""

    label: str
    people: Design
    flip: tuple[float, float]
    shared: float = 0.0

    def expected(self) -> float:
        """Flips that are expected among the persons that count."""
        stratum, a = self.people.strata()
        counted = a[stratum] != 0
        return float(np.sum(np.where(self.people.side > 0, *self.flip)[counted]))


def run(rng: np.random.Generator, world: World, rates: Rates, replicates: int, margin: float) -> dict[str, float]:
    """Shares of replicates for one truth; the disparity changes alike in all classes."""
    stratum, a = world.people.strata()
    n = np.maximum(np.bincount(stratum, minlength=len(a)), 1)
    used = np.flatnonzero(a[: len(a) // 2])
    found = np.empty((replicates, 4))  # estimate, standard error, df, standard error of persons taken as independent
    counts = np.empty((replicates, 2, 4))
    rho = np.empty(replicates)
    classes = np.empty((replicates, len(used)))
    for i in range(replicates):
        x = flips(rng, world.people, rates, world.shared)
        change = linear_change(x, stratum, a, world.people.image)
        sums, squares = np.bincount(stratum, x, len(a)), np.bincount(stratum, x * x, len(a))
        variance = (squares / n - (sums / n) ** 2) / np.maximum(n - 1, 1)
        found[i] = change.estimate, change.se, change.df, math.sqrt(float(a**2 @ variance))
        counts[i] = [(group.n, group.gain, group.loss, group.deff) for group in change.counts]
        rho[i] = change.rho
        mean = sums / n
        classes[i] = mean[used] - mean[used + len(a) // 2]
    estimate, se, df, alone = found.T
    truth, half = rates.change(), quantile(0.975, df) * se
    low, high = difference(counts, rho)
    return {
        "coverage": float(np.mean((low <= truth) & (truth <= high))),
        "excludes 0": float(np.mean((low > 0) | (high < 0))),
        "equivalent": float(np.mean(equivalent(low, high, margin))),
        "normal": float(np.mean(equivalent(estimate - half, estimate + half, margin))),
        "alone": float(np.mean(np.abs(estimate - truth) <= 1.959964 * alone)),
        "alone, equivalent": float(np.mean(equivalent(estimate - 1.96 * alone, estimate + 1.96 * alone, margin))),
        "t over classes": over_classes(classes),
    }


def difference(counts: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MOVER's intervals ``(r,)`` of two groups' counts ``(r, 2, 4)``."""
    n, gain, loss = (counts[..., k] / counts[..., 3] for k in range(3))
    low, high = tango_interval(gain, loss, n)
    sides = (x[:, side] for side in (0, 1) for x in ((gain - loss) / n, low, high))
    return mover_difference(*sides, rho=rho)


def over_classes(classes: np.ndarray) -> float:
    """How often the study's paired t-test within a checkpoint, one difference a class, rejects."""
    if classes.shape[1] < 2:
        return math.nan
    spread = classes.std(1, ddof=1)
    t = classes.mean(1)[spread > 0] / spread[spread > 0] * math.sqrt(classes.shape[1])
    return float(np.sum(2 * stats.t.sf(np.abs(t), classes.shape[1] - 1) <= 0.05) / len(classes))


def cell(rng: np.random.Generator, world: World, replicates: int, band: Band) -> Cell:
    """All truths of a world."""
    nulls = [run(rng, world, rates(world.flip), replicates, MARGIN) for rates in (nothing, same_loss)]
    margin = run(rng, world, loses(world.flip, MARGIN), replicates, MARGIN)
    return Cell(
        f"{world.label}; {world.expected():.0f} flips",
        replicates,
        coverage=furthest([x["coverage"] for x in (*nulls, margin)], band.coverage),
        false_alarm=furthest([x["excludes 0"] for x in nulls], band.alarm),
        false_equivalent=margin["equivalent"],
        beside={
            "persons taken as independent, coverage": min(x["alone"] for x in (*nulls, margin)),
            "t over classes, false alarm": max(x["t over classes"] for x in nulls),
        },
    )


def unequal_cell(rng: np.random.Generator, world: World, replicates: int) -> Cell:
    """Nothing changes, the smaller group loses the margin, and it loses half as much again."""
    null, margin, more = (
        run(rng, world, loses(world.flip, loss), replicates, MARGIN_OF_GAPS)
        for loss in (0.0, MARGIN_OF_GAPS, 1.5 * MARGIN_OF_GAPS)
    )
    return Cell(
        world.label,
        replicates,
        coverage=furthest([x["coverage"] for x in (null, margin, more)], BAND.coverage),
        false_alarm=null["excludes 0"],
        false_equivalent=margin["equivalent"],
        beside={
            'plain standard error, false "equivalent"': margin["alone, equivalent"],
            'standard error with flips added, false "equivalent"': margin["normal"],
            '"equivalent" where nothing changes': null["equivalent"],
            "a loss of 3 points is found": more["excludes 0"],
        },
    )


def enough(rng: np.random.Generator) -> list[World]:
    """Worlds in which at least 20 flips are expected."""
    photographs = heavy_tailed(rng, 40, 60, 0.3, 10)
    small = heavy_tailed(rng, 35, 20, 0.4, 3)
    absent = [(a, b if i % 3 else 0) for i, (a, b) in enumerate(heavy_tailed(rng, 30, 80, 0.25, 5))]
    return [
        World("40 classes, one person per image, 1 % flip", design(rng, photographs, 1), (0.01, 0.01)),
        World("40 classes, 1–4 persons, 5 % flip, 0.3 shared", design(rng, photographs, 4), (0.05, 0.05), 0.3),
        World("40 classes, 1–4 persons, 3 % flip, 0.8 shared", design(rng, photographs, 4), (0.03, 0.03), 0.8),
        World("40 classes, 1–4 persons, 2 % and 6 % flip, 0.8 shared", design(rng, photographs, 4), (0.02, 0.06), 0.8),
        World("12 classes of 300 and 8 persons, 10 % flip", design(rng, [(300, 8)] * 12, 1), (0.1, 0.1)),
        World("30 classes, a group absent from 10, 2 % flip", design(rng, absent, 2), (0.02, 0.02), 0.3),
        World("35 small classes, 10 % flip", design(rng, small, 1), (0.1, 0.1)),
        World("12 classes of 400 and 200 persons, 0.5 % flip", design(rng, [(400, 200)] * 12, 1), (0.005, 0.005)),
        World("one class of 1,000 and 600 persons, 5 %, 0.8 shared", design(rng, [(1000, 600)], 4), (0.05, 0.05), 0.8),
    ]


def few(rng: np.random.Generator) -> list[World]:
    """Worlds in which fewer are."""
    photographs = heavy_tailed(rng, 30, 25, 0.3, 4)
    return [
        World("30 classes, one person per image, 0 % flip", design(rng, photographs, 1), (0.0, 0.0)),
        World("30 classes, one person per image, 0.2 % flip", design(rng, photographs, 1), (0.002, 0.002)),
        World("30 classes, one person per image, 0.5 % flip", design(rng, photographs, 1), (0.005, 0.005)),
        World("30 classes, one person per image, 1 % flip", design(rng, photographs, 1), (0.01, 0.01)),
        World("30 classes, 1–4 persons, 0.5 % flip, 0.3 shared", design(rng, photographs, 4), (0.005, 0.005), 0.3),
        World("30 classes, 1–4 persons, 1 % flip, 0.8 shared", design(rng, photographs, 4), (0.01, 0.01), 0.8),
        World("30 classes, 0.5 % and 2 % flip", design(rng, photographs, 1), (0.005, 0.02)),
        World("5 classes of 200 and 10 persons, 1 % flip", design(rng, [(200, 10)] * 5, 1), (0.01, 0.01)),
    ]


def unequal(rng: np.random.Generator) -> list[World]:
    """Worlds in which one group is small and the other large."""
    worlds = []
    for n in (60, 112, 180, 400):
        for flip in (0.005, 0.01, 0.02, 0.05):
            label = f"{n} and {LARGE:,} persons, {100 * flip:g} % flip"
            worlds.append(World(label, design(rng, [(n, LARGE)], 1), (flip, flip)))
            if flip != 0.01:
                together = design(rng, [(n, LARGE)], 5)
                worlds.append(World(f"{label}, 1–5 persons per image, 0.8 shared", together, (flip, flip), 0.8))
            if n in (112, 400) and flip in (0.005, 0.02):
                parts = heavy_tailed(rng, 8, (n + LARGE) // 8, n / (n + LARGE), 3)
                people = design(rng, parts, 1)
                few, many = (int(np.sum(people.side == side)) for side in (-1, 1))
                label = f"8 classes of {few} and {many:,} persons in all, {100 * flip:g} % flip"
                worlds.append(World(label, Design(people.label, -people.side, people.image), (flip, flip)))
    return worlds


BAND = Band((0.935, math.nan), (math.nan, 0.06), 0.025)
ABOUT = """The true cases are: no change; the same loss in both groups; and a change of the mean disparity by
the margin of 1 point. The interval is MOVER's, of Tango's intervals of the two groups' weighted counts, in
which the persons of one image are one unit. Where weights are unequal, or a group flips less than 20 times,
it is cautious, so that the claim has no other bound. For comparison, the table shows the normal interval
of the variance of persons taken as independent, and the study's paired t-test over the classes of one
checkpoint, which asks whether the classes move together."""
UNEQUAL = """The true cases are: no change; the small group loses 2 points more than the large one, which is the margin;
and it loses 3 points more. The interval is that of the previous sections. The next columns show the normal interval of
the closed form, and the same with four flips added to a group that has fewer than 20 (what `linear_change` gives as
standard error, for numbers that are not made of right and wrong answers); then how often "equivalent" is said
where nothing changes, and how often a loss of 3 points is found. Few of these data can show that nothing changed,
whatever the method: no flip among 180 persons still allows a loss of 2.1 points. The gate leaves such gaps out in
advance."""
REGIMES = [
    Regime(
        "mean-signed",
        "Mean signed disparity over classes, at least 20 expected flips",
        ABOUT,
        BAND,
        1_000,
        lambda rng, r: [cell(rng, world, r, BAND) for world in enough(rng)],
    ),
    Regime(
        "mean-signed-few",
        "Mean signed disparity over classes, fewer flips or none",
        ABOUT,
        BAND,
        1_000,
        lambda rng, r: [cell(rng, world, r, BAND) for world in few(rng)],
    ),
    Regime(
        "gaps-unequal",
        "Gaps between a small group and a large one",
        UNEQUAL,
        BAND,
        2_000,
        lambda rng, r: [unequal_cell(rng, world, r) for world in unequal(rng)],
    ),
]
