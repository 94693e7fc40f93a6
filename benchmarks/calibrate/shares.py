"""Single shares and disparities of single classes: Tango's limits, MOVER, and the permutation of groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibrate.group_permutation import group_permutation
from calibrate.regime import Band, Cell, Regime, furthest
from qbench.stats.decide import equivalent, minimum_detectable_cell
from qbench.stats.flips import mcnemar
from qbench.stats.mover import disparity_interval, disparity_p
from qbench.stats.tango import tango_interval, tango_p

MARGIN = 0.01


@dataclass(frozen=True)
class World:
    """Two groups of items, and the shares of them that flip."""

    n1: int
    n2: int
    flip1: float
    flip2: float

    def label(self) -> str:
        """In a phrase."""
        flips = sorted({self.flip1, self.flip2})
        return f"{self.n1:,} and {self.n2:,} items, " + " and ".join(f"{100 * f:g} %" for f in flips) + " flip"


def counts(
    rng: np.random.Generator, replicates: int, n: int, flip: float, change: float
) -> tuple[np.ndarray, np.ndarray]:
    """Gains and losses of a group whose share changes by `change`; as many more flip as that takes."""
    flip = max(flip, abs(change))
    drawn = rng.multinomial(n, [(flip + change) / 2, (flip - change) / 2, 1 - flip], replicates)
    return drawn[:, 0], drawn[:, 1]


def share(rng: np.random.Generator, n: int, flip: float, replicates: int, band: Band) -> Cell:
    """One group: no change, a change of half of all flips, and a loss of the margin."""
    inside = []
    for change in (0.0, -flip / 2):
        low, high = tango_interval(*counts(rng, replicates, n, flip, change), n)
        inside.append(float(np.mean((low <= change) & (change <= high))))
    gain, loss = counts(rng, replicates, n, flip, 0.0)
    at_margin = counts(rng, replicates, n, flip, -MARGIN)
    low, high = tango_interval(*at_margin, n)
    return Cell(
        f"{n:,} items, {100 * flip:g} % flip",
        replicates,
        coverage=furthest(inside, band.coverage),
        false_alarm=float(np.mean(mcnemar(gain, loss)[0] <= 0.05)),
        false_equivalent=float(np.mean(equivalent(low, high, MARGIN))),
        beside={"false pass of a gate": float(np.mean(tango_p(*at_margin, n, -MARGIN)[1] <= 0.025))},
    )


def false_by_wald(g1, l1, n1, g2, l2, n2) -> float:
    """How often the usual interval, estimate ± 1.96 standard errors, lies inside the margin."""
    d = (g1 - l1) / n1 - (g2 - l2) / n2
    variance = ((g1 + l1) / n1 - ((g1 - l1) / n1) ** 2) / n1 + ((g2 + l2) / n2 - ((g2 - l2) / n2) ** 2) / n2
    half = 1.959964 * np.sqrt(variance)
    return float(np.mean(equivalent(d - half, d + half, MARGIN)))


def disparity(rng: np.random.Generator, world: World, replicates: int, band: Band) -> Cell:
    """Two groups: no change; the same loss in both; a change of the disparity by the margin."""
    common = -min(world.flip1, world.flip2) / 2
    inside, alarms, permuted = [], [], []
    for change1, change2 in ((0.0, 0.0), (common, common), (-MARGIN, 0.0)):
        g1, l1 = counts(rng, replicates, world.n1, world.flip1, change1)
        g2, l2 = counts(rng, replicates, world.n2, world.flip2, change2)
        table = (g1, l1, world.n1, g2, l2, world.n2)
        truth = change1 - change2
        _, low, high = disparity_interval(*table)
        inside.append(float(np.mean((low <= truth) & (truth <= high))))
        if truth == 0:
            alarms.append(float(np.mean(disparity_p(*table) <= 0.05)))
            permuted.append(float(np.mean(group_permutation(*table) <= 0.05)))
        else:
            false = float(np.mean(equivalent(low, high, MARGIN)))
            wald = false_by_wald(*table)
    return Cell(
        world.label(),
        replicates,
        coverage=furthest(inside, band.coverage),
        false_alarm=furthest(alarms, band.alarm),
        false_equivalent=false,
        beside={"permutation, false alarm": max(permuted), 'Wald, false "equivalent"': wald},
    )


SHARES = [(200, 0.1), (500, 0.05), (1000, 0.02), (3000, 0.01), (5000, 0.005), (20_000, 0.03)]
FEW_SHARES = [(1, 0.1), (8, 0.05), (40, 0.05), (100, 0.02), (300, 0.01), (400, 0.0)]
ENOUGH = [
    World(150, 60, 0.1, 0.1),
    World(300, 100, 0.05, 0.05),
    World(5000, 60, 0.1, 0.1),
    World(400, 400, 0.1, 0.1),
    World(800, 300, 0.02, 0.02),
    World(1000, 200, 0.02, 0.06),
    World(1500, 1500, 0.01, 0.01),
    World(3000, 1000, 0.005, 0.005),
    World(6000, 2500, 0.03, 0.01),
    World(2000, 100, 0.01, 0.08),
]
FEW = [
    World(1, 8, 0.1, 0.1),
    World(50, 5, 0.1, 0.1),
    World(10, 10, 0.02, 0.02),
    World(12, 40, 0.01, 0.01),
    World(90, 30, 0.01, 0.01),
    World(30, 30, 0.05, 0.05),
    World(2000, 12, 0.02, 0.02),
    World(300, 100, 0.01, 0.03),
    World(500, 50, 0.005, 0.05),
    World(700, 700, 0.005, 0.005),
    World(400, 400, 0.0, 0.0),
]


def detectable(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """Power at the minimum detectable change: how often the interval excludes 0."""
    cells = []
    for world in (
        World(90, 30, 0.01, 0.01),
        World(300, 100, 0.05, 0.05),
        World(900, 300, 0.01, 0.01),
        World(3000, 1000, 0.05, 0.05),
    ):
        change = float(minimum_detectable_cell(world.flip1, world.n1, world.n2))
        g1, l1 = counts(rng, replicates, world.n1, world.flip1, 0.0)
        g2, l2 = counts(rng, replicates, world.n2, world.flip2, change)
        table = (g1, l1, world.n1, g2, l2, world.n2)
        _, low, high = disparity_interval(*table)
        power = float(np.mean((low > 0) | (high < 0)))
        permuted = float(np.mean(group_permutation(*table) <= 0.05))
        beside = {"detectable change": change, "power of the interval": power, "power of the permutation": permuted}
        cells.append(Cell(world.label(), replicates, beside=beside))
    return cells


BAND = Band((0.935, 0.965), (0.035, 0.065), 0.05)
BAND_FEW = Band((0.935, math.nan), (math.nan, 0.06), 0.05)
TRUTHS = """The true cases are: no change; the same loss in both groups (half of the smaller flip rate); and a
change of the disparity by the margin of 1 point. Coverage and false alarm are those of the case
that is furthest outside the claim, or nearest to its limits."""
REGIMES = [
    Regime(
        "share",
        "A share, enough flips",
        """Tango's score interval; false alarms are those of McNemar's exact mid-p test. The true cases are: no
change; a loss of half the flip rate; and a loss of the margin of 1 point. In the last case, the
gate's test of non-inferiority must not pass, either.""",
        BAND,
        20_000,
        lambda rng, r: [share(rng, n, flip, r, BAND) for n, flip in SHARES],
    ),
    Regime(
        "share-few",
        "A share, few flips or none",
        """As in the previous section. The claim has no upper bound for the coverage: counts are discrete, and
with almost no flips most data sets are identical.""",
        BAND_FEW,
        20_000,
        lambda rng, r: [share(rng, n, flip, r, BAND_FEW) for n, flip in FEW_SHARES],
    ),
    Regime(
        "cell",
        "Disparity of a class, at least 5 expected flips in the smaller group and 20 in all",
        f"""{TRUTHS} The interval is MOVER on two Tango intervals, and the p-value is its inversion. For
comparison, the table shows the studentised permutation of the group labels (exact, mid-p), which
rejects too often where a small group flips more.""",
        BAND,
        10_000,
        lambda rng, r: [disparity(rng, world, r, BAND) for world in ENOUGH],
    ),
    Regime(
        "cell-few",
        "Disparity of a class, fewer flips or none",
        f"{TRUTHS} The methods are those of the previous section.",
        BAND_FEW,
        10_000,
        lambda rng, r: [disparity(rng, world, r, BAND_FEW) for world in FEW],
    ),
    Regime(
        "detectable",
        "Power at the minimum detectable change of a class's disparity",
        """The share of the smaller group changes by the minimum detectable change, which should be found in 80
% of the data sets.""",
        Band(),
        10_000,
        detectable,
    ),
]
