"""Whether a gap grew: how often a direction is named that is not true."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from calibrate.regime import Band, Cell, Regime
from qbench.statistics.direction import CLEAR, clear_sign
from qbench.statistics.hits import correlation, count_cells, mean_variance
from qbench.stats.mover import disparity_p
from qbench.stats.ranked import RankedChange
from qbench.stats.skew import skew_change

Floats = npt.NDArray[np.float64]
Z95 = 1.959964


@dataclass(frozen=True)
class World:
    """Two groups whose scores are normal; the first one is less attractive before and more attractive after.

    Attributes
    ----------
    label : str
        In a phrase.
    shares : tuple of float
        Of the groups in the population.
    lag : float
        How much less attractive the first group is before, in standard deviations of the scores.
    n, k : int
        Size of the gallery, and of the rankings' tops.
    queries : int
        How many, each with a lag of its own size.
    noise : float
        Size of what a variant adds to the scores.
    gallery : bool
        Whether the target is the gallery's own shares.
    turned : bool
        Whether the gap turns round, and is as large as before; else it keeps its sign.
    growth : float
        How much larger each query's skew is after, in absolute value: 0 where the gap only turns round or stays.
    """

    label: str
    shares: tuple[float, float] = (0.5, 0.5)
    lag: float = 0.1
    n: int = 2000
    k: int = 200
    queries: int = 8
    noise: float = 0.1
    gallery: bool = False
    turned: bool = True
    growth: float = 0.0

    def top_share(self, lead: float) -> float:
        """Share of the first group in the top of an infinite gallery, where it is ahead by `lead`."""
        first, second = self.shares
        spread = math.sqrt(1 + self.noise**2)

        def above(cut: float) -> tuple[float, float]:
            return first * stats.norm.sf((cut - lead) / spread), second * stats.norm.sf(cut / spread)

        cut = optimize.brentq(lambda t: sum(above(t)) - self.k / self.n, -10, 10)
        return above(cut)[0] / (self.k / self.n)

    def leads(self) -> tuple[Floats, Floats]:
        """The lead of the first group in each query, before and after."""
        before = -self.lag * np.linspace(0.5, 1.5, self.queries)
        wanted = self.shares[0] if self.gallery else 0.5
        after = [self._lead_of(math.log(self.top_share(lead) / wanted), wanted) for lead in before]
        return before, np.array(after)

    def _lead_of(self, skew: float, wanted: float) -> float:
        """The lead of a query after, whose skew before is `skew` (below zero)."""
        goal = skew - self.growth
        share = wanted * math.exp(-goal if self.turned else goal)
        return optimize.brentq(lambda lead: self.top_share(lead) - share, -3, 3)


def judged(world: World, leads: tuple[Floats, Floats], rng: np.random.Generator) -> tuple[RankedChange, Floats]:
    """One gallery of the world: what is said of the first group's skew, and before + after of each query."""
    group = (rng.random(world.n) >= world.shares[0]).astype(np.int64)
    weight = np.sqrt(np.linspace(0.05, 0.5, world.queries))[:, None]  # what queries have in common
    score = weight * rng.normal(size=world.n) + np.sqrt(1 - weight**2) * rng.normal(size=(world.queries, world.n))
    orders = [
        np.argsort(-(score + world.noise * rng.normal(size=score.shape) + lead[:, None] * (group == 0)), axis=1)
        for lead in leads
    ]
    target = np.bincount(group, minlength=2) / world.n if world.gallery else np.full(2, 0.5)
    found = skew_change(*orders, group, target, world.k, target_is_gallery=world.gallery)
    before = np.array([np.log(max((group[o[: world.k]] == 0).sum(), 1) / world.k / target[0]) for o in orders[0]])
    return found.groups[0], 2 * before + found.groups[0].change


def simulate(world: World, rng: np.random.Generator, replicates: int) -> list[Cell]:
    """Count how often a real change is given a wrong word, of the middle query and of the mean.

    Where no gap grew or shrank, both words are wrong; where it grew, only that it was reduced is.
    """
    leads = world.leads()
    middle = world.queries // 2
    rows: dict[str, list[tuple[float, float, float, float]]] = {"one query": [], "mean over queries": []}
    for _ in range(replicates):
        found, total = judged(world, leads, rng)
        rows["one query"].append((found.change[middle], found.se[middle], total[middle], found.sum_se[middle]))
        rows["mean over queries"].append((found.mean, found.mean_se, float(total.mean()), found.mean_sum_se))
    cells = []
    for kind, values in rows.items():
        change, se, total, sum_se = np.array(values).T
        real = np.abs(change) > Z95 * se
        wrong = real & (change * total < 0) if world.growth else real
        right = real & (change * total > 0) & (np.abs(total) > CLEAR * sum_se)

        def named(clear: npt.NDArray[np.bool_], wrong: npt.NDArray[np.bool_] = wrong) -> float:
            return float(np.mean(wrong & clear))

        cells.append(
            Cell(
                f"{world.label}: {kind}",
                replicates,
                false_alarm=named(np.abs(total) > CLEAR * sum_se),
                beside={
                    "with 2 standard errors": named(np.abs(total) > 2 * sum_se),
                    "without a standard error": named(np.abs(total) > np.abs(change)),
                    "growth is named": float(right.mean()) if world.growth else math.nan,
                    "change is real": float(real.mean()),
                    "standard error of before + after, estimated / true": float(
                        math.sqrt(np.mean(sum_se**2)) / total.std(ddof=1)
                    ),
                },
            )
        )
    return cells


WORLDS = (
    World("gap turns round, uniform target"),
    World("gap turns round, gallery as target", shares=(0.3, 0.7), gallery=True),
    World("small gap turns round, uniform target", lag=0.05),
    World("gap of a rare group turns round, gallery as target", shares=(0.06, 0.94), lag=0.15, gallery=True),
    World("small top, gap turns round, uniform target", n=600, k=40, lag=0.3),
    World("nothing changes, uniform target", turned=False),
    World("nothing changes, gallery as target", shares=(0.3, 0.7), gallery=True, turned=False),
    World("grows by 0.04, uniform target", turned=False, growth=0.04),
    World("grows by 0.04, hardly any gap before", lag=0.02, turned=False, growth=0.04),
    World("grows by 0.04 and turns round", lag=0.02, growth=0.04),
    World("grows by 0.04, rare group, gallery as target", shares=(0.06, 0.94), gallery=True, turned=False, growth=0.04),
    World("grows by 0.04, large gallery", n=8000, k=800, lag=0.05, turned=False, growth=0.04),
)


def run(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds."""
    each = zip(WORLDS, rng.spawn(len(WORLDS)), strict=True)
    return [cell for world, own in each for cell in simulate(world, own, replicates)]


@dataclass(frozen=True)
class Persons:
    """The persons of one class in two groups, several in an image; the gap between the groups turns round or stays.

    Attributes
    ----------
    images, most : int
        How many images, and how many persons in an image at most.
    together : bool
        Whether all persons of an image are of one group.
    shared : float
        The share of images whose persons are all right or all wrong together.
    gap : float
        The share of right answers of the first group minus that of the second, before.
    turned : bool
        Whether the gap turns round and is as large as before; else only `flip` changes.
    flip : float
        The share of answers that flip, both ways alike, where the gap stays.
    """

    images: int = 400
    most: int = 5
    together: bool = True
    shared: float = 1.0
    gap: float = 0.06
    turned: bool = True
    flip: float = 0.05

    @property
    def label(self) -> str:
        """In a phrase."""
        groups = "of one group" if self.together else "of both groups"
        what = f"gap of {100 * self.gap:g} points " + ("turns round" if self.turned else "stays")
        return f"{self.images:,} images of 1–{self.most} persons {groups}, {self.shared:g} shared: {what}"

    def draw(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.int8], ...]:
        """Right answers before and after (0 or 1), group and image of each person."""
        persons = rng.integers(1, self.most + 1, self.images)
        image = np.repeat(np.arange(self.images), persons)
        group = rng.integers(0, 2, self.images)[image] if self.together else rng.integers(0, 2, len(image))
        common = (rng.random(self.images) < self.shared)[image]

        def uniform() -> Floats:
            return np.where(common, rng.random(self.images)[image], rng.random(len(image)))

        # The same draw before and after: an answer changes where its threshold passes the draw, or where it flips.
        ability, half = uniform(), np.where(group == 0, 0.5, -0.5) * self.gap
        before = ability < 0.7 + half
        after = ability < 0.7 + (-half if self.turned else half)
        flips = np.zeros(len(image), dtype=bool) if self.turned else uniform() < self.flip
        return before.astype(np.int8), (after ^ flips).astype(np.int8), group, image


def of_persons(world: Persons, rng: np.random.Generator, replicates: int) -> Cell:
    """Count how often a direction is named for the disparity of the class."""
    first, second = np.array([0]), np.array([1])
    total, level, alone, rho = np.empty((4, replicates))
    counted = np.empty((6, replicates))  # gains, losses and items of both groups, divided by their design effect
    for i in range(replicates):
        before, after, group, image = world.draw(rng)
        x = (after - before).astype(np.int8)
        counts = count_cells(x, group, 2, image)
        counted[:, i] = (np.stack([counts.gain, counts.loss, counts.n]) / counts.deff).T.ravel()
        rho[i] = correlation(x, group, 2, image, first, second)[0]
        both = (after + before).astype(np.int8)
        level[i] = math.sqrt(mean_variance(both, group, 2, image).sum())
        alone[i] = math.sqrt(mean_variance(both, group, 2, np.arange(len(image))).sum())
        total[i] = both[group == 0].mean() - both[group == 1].mean()
    real = disparity_p(*counted, rho=rho) <= 0.05
    zero = np.zeros(replicates)
    return Cell(
        world.label,
        replicates,
        false_alarm=float(np.mean(real & (clear_sign(zero, total, level) != 0))),
        beside={
            "persons taken as independent": float(np.mean(real & (clear_sign(zero, total, alone) != 0))),
            "change is real": float(real.mean()),
            "standard error of before + after, estimated / true": float(
                math.sqrt(np.mean(level**2)) / total.std(ddof=1)
            ),
        },
    )


PERSONS = (
    Persons(),
    Persons(shared=0.5),
    Persons(together=False),
    Persons(images=150, most=3, gap=0.15),
    Persons(images=1500, most=3, gap=0.03),
    Persons(turned=False),
)


def run_persons(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds of persons."""
    return [of_persons(w, own, replicates) for w, own in zip(PERSONS, rng.spawn(len(PERSONS)), strict=True)]


REGIMES = [
    Regime(
        name="direction",
        title="Whether a gap grew",
        about=(
            "The gallery has two groups, and the skew of one of them is as large after as before (it turns "
            "round, so that the change is real but neither a growth nor a reduction, or nothing changes), or it "
            "grows by 0.04 in every query. False alarm: the change is called real (at 5 %) and a direction, "
            "amplified or reduced, is named that is not true: either of them where the gap is as large as before, "
            "“reduced” where it grew. `qbench` names a direction where before + after is more than three of its "
            "standard errors from zero. The further columns show the same with two standard errors; the same "
            "without a standard error, where the gap only has to keep its sign; how often the growth is named; "
            "how often the change is called real; and how large the estimated standard error of before + after "
            "is, compared with its true spread."
        ),
        band=Band(alarm=(math.nan, 0.05)),
        replicates=2000,
        run=run,
    ),
    Regime(
        name="direction-classes",
        title="Whether the disparity of a class grew",
        about=(
            "Persons of two groups share images, and the answers to the persons of an image are right or wrong "
            "together in a share of the images. The gap between the groups turns round and is as large as "
            "before, or it stays and answers flip both ways alike. False alarm: the change of the disparity is "
            "called real (at 5 %, MOVER) and a direction is named. The standard error of before + after takes "
            "images as units; the further columns show the same with persons taken as independent, how often the "
            "change is called real, and how large the estimated standard error is, compared with its true spread."
        ),
        band=Band(alarm=(math.nan, 0.05)),
        replicates=4000,
        run=run_persons,
    ),
]
