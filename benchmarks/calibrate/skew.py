"""Skew@k, MaxSkew@k and NDKL: galleries drawn from a population whose rankings are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from calibrate.regime import Band, Cell, Regime
from qbench.stats.ndkl import ndkl_change
from qbench.stats.ranked import RankedChange
from qbench.stats.skew import SkewChange, skew_change

Floats = npt.NDArray[np.float64]
GROUP = Band(coverage=(0.935, 0.965), alarm=(0.035, 0.065), equivalent=0.05)
WIDE = Band(coverage=(0.935, math.nan), alarm=(math.nan, 0.06), equivalent=0.05)
MAX = Band(coverage=(0.94, 0.985), alarm=(math.nan, 0.06), equivalent=0.05)
NDKL = Band(coverage=(0.94, 0.99), alarm=(math.nan, 0.06), equivalent=0.05)
MAX_MEAN, NDKL_MEAN = "MaxSkew, mean over queries", "NDKL, mean over queries"
RARE = 0.1
Z95 = 1.959964


@dataclass(frozen=True)
class World:
    """How scores come about.

    Attributes
    ----------
    label : str
        In a phrase.
    shares : tuple of float
        Of the groups in the population.
    n, queries, k : int
        Size of the gallery and of the rankings' tops.
    shift : float
        How much the second variant favours group 0 and disfavours group 1, in standard deviations of the scores.
    noise : float
        Size of what a variant adds to the scores of the original weights.
    common : float
        Share of that noise's variance that all queries of a variant have in common.
    persons : int
        An image has one to so many items, whose scores have half their variance in common.
    gallery : bool
        Whether the target is the gallery's own shares.
    """

    label: str
    shares: tuple[float, ...] = (0.24, 0.2, 0.17, 0.14, 0.11, 0.08, 0.06)
    n: int = 2000
    queries: int = 10
    k: int = 200
    shift: float = 0.0
    noise: float = 0.15
    common: float = 0.3
    persons: int = 1
    gallery: bool = False


@dataclass
class Count:
    """What is counted of one kind of number in one world."""

    band: Band
    covered: list[float] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)
    equivalent: list[float] = field(default_factory=list)

    def add(self, change: Floats, se: Floats, truth: Floats) -> None:
        """Count one replicate; several numbers of it are averaged."""
        change, truth = np.atleast_1d(change), np.atleast_1d(truth)
        self.covered.append(float((np.abs(change - truth) <= Z95 * se).mean()))
        zero = truth == 0
        if zero.all():
            self.alarms.append(float((np.abs(change) > Z95 * se).mean()))
        else:
            inside = np.abs(change) + Z95 * se < np.abs(truth)
            self.equivalent.append(float(inside[~zero].mean()))

    def cell(self, label: str) -> Cell:
        """The shares."""
        mean = [float(np.mean(x)) if x else math.nan for x in (self.covered, self.alarms, self.equivalent)]
        return Cell(label, len(self.covered), *mean, band=self.band)


class Population:
    """A world with the attractions of its groups and queries drawn."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world = world
        groups = len(world.shares)
        self.attraction = rng.normal(0, 0.25, (world.queries, groups)).astype(np.float32)
        self.spread = rng.uniform(0.8, 1.25, groups).astype(np.float32)
        self.loading = rng.uniform(0.2, 0.7, world.queries).astype(np.float32)
        self.shift = np.zeros((world.queries, groups), dtype=np.float32)
        self.shift[:, 0], self.shift[:, 1] = world.shift, -world.shift
        self.shift *= rng.uniform(0.5, 1.5, (world.queries, 1)).astype(np.float32)

    def draw(self, rng: np.random.Generator, n: int, query: int | None = None):
        """Groups, images and the scores of both variants, ``(queries, n)``."""
        world = self.world
        at = slice(None) if query is None else slice(query, query + 1)
        queries = world.queries if query is None else 1
        groups = rng.choice(len(world.shares), n, p=world.shares)

        def normal(*shape):
            return rng.standard_normal(shape, dtype=np.float32)

        image = np.arange(n)
        item, own, weight = normal(n), normal(queries, n), self.loading[at, None]
        if world.persons > 1:
            image = np.repeat(np.arange(n), rng.integers(1, world.persons + 1, n))[:n]
            half = np.float32(math.sqrt(0.5))
            item, own = half * (item + normal(n)[image]), half * (own + normal(queries, n)[:, image])
        score = self.attraction[at][:, groups] + self.spread[groups] * (weight * item + np.sqrt(1 - weight**2) * own)
        both = []
        for _ in range(2):
            shared, alone = (np.float32(world.noise * math.sqrt(x)) for x in (world.common, 1 - world.common))
            noise, each = normal(n), normal(queries, n)
            if world.persons > 1:
                noise, each = noise[image], each[:, image]
            both.append(score + shared * noise + alone * each)
        both[1] += self.shift[at][:, groups]
        return groups, image, both

    def truth(self, rng: np.random.Generator, size: int = 500_000) -> tuple[Floats, Floats]:
        """Changes in the population: of each query's and group's skew, and of each query's MaxSkew."""
        world, count = self.world, len(self.world.shares)
        skews = np.zeros((world.queries, count))
        largest = np.zeros(world.queries)
        if world.shift:
            wanted = np.array(world.shares) if world.gallery else np.full(count, 1 / count)
            for q in range(world.queries):
                groups, _, scores = self.draw(rng, size, q)
                top = size - round(size * world.k / world.n)
                ends = [groups[np.argpartition(s[0], top)[top:]] for s in scores]
                old, new = (np.log(np.bincount(e, minlength=count) / len(e) / wanted) for e in ends)
                skews[q], largest[q] = new - old, new.max() - old.max()
        return skews, largest


def judged(population: Population, rng: np.random.Generator) -> tuple[SkewChange, RankedChange]:
    """One gallery of the world, and what is said of it."""
    world, count = population.world, len(population.world.shares)
    groups, image, scores = population.draw(rng, world.n)
    before, after = (np.argsort(-s, axis=1) for s in scores)
    target = np.bincount(groups, minlength=count) / world.n if world.gallery else np.full(count, 1 / count)
    images = image if world.persons > 1 else None
    skews = skew_change(before, after, groups, target, world.k, target_is_gallery=world.gallery, image=images)
    return skews, ndkl_change(before, after, groups, target, target_is_gallery=world.gallery, image=images)


def simulate(world: World, rng: np.random.Generator, replicates: int) -> list[Cell]:
    """Count in one world."""
    population = Population(world, rng)
    skews, largest = population.truth(rng)
    # Groups of which too few images move have another claim: told apart by galleries that are not counted.
    pilot = [judged(population, rng)[0] for _ in range(10)]
    mean_few = np.mean([[g.mean_few for g in x.groups] for x in pilot], axis=0) > RARE
    one_few = np.mean([[g.few[0] for g in x.groups] for x in pilot], axis=0) > RARE
    max_few = np.mean([x.max.mean_few for x in pilot]) > RARE
    parts = [
        ("Skew of a group, mean over queries", ~mean_few, GROUP, False),
        ("Skew of a group of which few move, mean over queries", mean_few, WIDE, False),
        ("Skew of a group, one query", ~one_few, GROUP, True),
        ("Skew of a group of which few move, one query", one_few, WIDE, True),
    ]
    counts = {kind: Count(band) for kind, which, band, _ in parts if which.any()}
    counts[MAX_MEAN], counts[NDKL_MEAN] = Count(WIDE if max_few else MAX), Count(NDKL)
    ndkls: list[RankedChange] = []
    for _ in range(replicates):
        found, ndkl = judged(population, rng)
        for kind, which, _, one in parts:
            used = [x for x, yes in zip(found.groups, which, strict=True) if yes]
            if used:
                change = np.array([x.change[0] if one else x.mean for x in used])
                se = np.array([x.se[0] if one else x.mean_se for x in used])
                counts[kind].add(change, se, (skews[0] if one else skews.mean(axis=0))[which])
        counts[MAX_MEAN].add(found.max.mean, found.max.mean_se, largest.mean())
        ndkls.append(ndkl)
    # NDKL of a finite gallery has no counterpart in the population: its truth is the mean over all galleries.
    truth = float(np.mean([x.mean for x in ndkls])) if world.shift else 0.0
    for x in ndkls:
        counts[NDKL_MEAN].add(x.mean, x.mean_se, truth)
    return [c.cell(f"{world.label}: {kind}") for kind, c in counts.items()]


WORLDS = (
    World("no change"),
    World("no change, heavy noise common to all queries, against the gallery", noise=0.4, common=0.8, gallery=True),
    World("two groups shifted", shift=0.1),
    World("two groups shifted, against the gallery", shift=0.1, noise=0.3, gallery=True),
    World("no change, two equal groups, k of 5 %", shares=(0.5, 0.5), k=100),
    World("no change, one to four persons per image", persons=4, k=300),
    World("no change, tiny groups, small top", shares=(0.6, 0.3, 0.06, 0.04), n=600, k=40, noise=0.1),
)


def run(rng: np.random.Generator, replicates: int) -> list[Cell]:
    """All worlds."""
    each = zip(WORLDS, rng.spawn(len(WORLDS)), strict=True)  # a stream a world, whichever others there are
    return [cell for world, own in each for cell in simulate(world, own, replicates)]


REGIMES = [
    Regime(
        name="rankings",
        title="Changes of Skew@k, MaxSkew@k and NDKL",
        about=(
            "Galleries of 600 or 2,000 items and 10 queries. (The full study has 10,954 items and up to 300 "
            "queries; smaller galleries allow enough replicates.) The groups differ in their mean similarity and "
            "in its spread. The second variant has noise of its own, part of which is common to all queries, and "
            "in some worlds it favours one group over another. Where nothing changes, the true value is zero; "
            "otherwise it is the value for a gallery of half a million items, and for NDKL the mean over all "
            "galleries. The rates are over the groups of a world. The margin of false “equivalent” is the true "
            "change. If fewer than 20 images of a group enter or leave the first k places (in at least one "
            "gallery of ten), a wider interval is claimed for the group. The units are the images of the gallery;"
            " the queries are fixed."
        ),
        band=GROUP,
        replicates=2000,
        run=run,
    )
]
