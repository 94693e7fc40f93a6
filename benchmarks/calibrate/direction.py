"""Whether a gap grew: how often a direction is named where the skew of a group is as large after as before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from calibrate.regime import Band, Cell, Regime
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
        Whether the gap turns round, and is as large as before; else nothing changes.
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

    def top_share(self, lead: float) -> float:
        """Share of the first group in the top of an infinite gallery, where it is ahead by `lead`."""
        first, second = self.shares
        spread = math.sqrt(1 + self.noise**2)

        def above(cut: float) -> tuple[float, float]:
            return first * stats.norm.sf((cut - lead) / spread), second * stats.norm.sf(cut / spread)

        cut = optimize.brentq(lambda t: sum(above(t)) - self.k / self.n, -10, 10)
        return above(cut)[0] / (self.k / self.n)

    def leads(self) -> tuple[Floats, Floats]:
        """The lead of the first group in each query, before and after: ``|skew|`` is the same in both."""
        before = -self.lag * np.linspace(0.5, 1.5, self.queries)
        if not self.turned:
            return before, before
        wanted = self.shares[0] if self.gallery else 0.5
        after = [self._mirrored(self.top_share(lead), wanted) for lead in before]
        return before, np.array(after)

    def _mirrored(self, share: float, wanted: float) -> float:
        """The lead that gives a share as far above the wanted one as `share` is below it, in logarithms."""
        return optimize.brentq(lambda lead: self.top_share(lead) * share - wanted**2, -3, 3)


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
    """Count how often a real change is called a growth or a reduction, of the middle query and of the mean."""
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
        known = np.abs(total) > np.abs(change)

        def named(clear: npt.NDArray[np.bool_], real: npt.NDArray[np.bool_] = real) -> float:
            return float(np.mean(real & clear))

        cells.append(
            Cell(
                f"{world.label}: {kind}",
                replicates,
                false_alarm=named(np.abs(total) > 3 * sum_se),
                beside={
                    "with 2 standard errors": named(np.abs(total) > 2 * sum_se),
                    "without a standard error": named(known),
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
)


def run(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds."""
    each = zip(WORLDS, rng.spawn(len(WORLDS)), strict=True)
    return [cell for world, own in each for cell in simulate(world, own, replicates)]


REGIMES = [
    Regime(
        name="direction",
        title="Whether a gap grew",
        about=(
            "The gallery has two groups, and the skew of one of them is as large after as before: either it turns "
            "round, so that the change is real but neither a growth nor a reduction, or nothing changes. False "
            "alarm: the change is called real (at 5 %) and a direction, amplified or reduced, is named. `qbench` "
            "names it where before + after is more than three of its standard errors from zero. The further "
            "columns show the same with two standard errors; the same without a standard error, where the gap "
            "only has to keep its sign; how often the change is called real; and how large the estimated standard "
            "error of before + after is, compared with its true spread."
        ),
        band=Band(alarm=(math.nan, 0.05)),
        replicates=2000,
        run=run,
    )
]
