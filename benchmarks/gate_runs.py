"""Simulated runs of the study's size, whose judged changes the gate decides: see ``gate_simulation.py``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from gate_worlds import IMAGES_PER_PERSON, Floats, Integers, World
from scipy import optimize, special, stats

from qbench.analysis.populations import population_table
from qbench.api import Attribute, Benchmark
from qbench.gate.methods import installed_methods
from qbench.metrics.interface import MetricInfo
from qbench.metrics.keys import declared_names
from qbench.models.interface import Coverage
from qbench.runfolder.reader import Cell
from qbench.runfolder.schema import CellRecord
from qbench.statistics.hits import count_cells
from qbench.statistics.ledger import COUNTS, FLOATS
from qbench.statistics.settings import Settings
from qbench.stats.linear import linear_change
from qbench.stats.skew import skew_change
from qbench.vocabulary import Better, CellStatus
from qbench_benchmarks import COCO, FACET, FAIRFACE, IMAGENET
from qbench_statistics.linear import count_columns

Infos = Mapping[tuple[str, str], MetricInfo]
"""Benchmark and metric → its declaration."""
NUMBER = ["benchmark", "metric", "attribute", "group"]
RETRIEVED = (0.45, 0.25, 0.1, 0.2)
"""Shares of queries whose target has rank 0, 1 to 4, 5 to 9, or more."""
CLASSIFIED = (0.63, 0.25, 0.12)
"""Shares of images whose class has rank 0, 1 to 4, or more."""
FACES: Mapping[str, Mapping[str, int]] = {
    "race": {
        **{"White": 2085, "Black": 1556, "Latino_Hispanic": 1623, "East Asian": 1550},
        **{"Southeast Asian": 1415, "Indian": 1516, "Middle Eastern": 1209},
    },
    "gender": {"Male": 5792, "Female": 5162},
    "age": {
        **{"0-2": 199, "3-9": 1356, "10-19": 1181, "20-29": 3300, "30-39": 2330, "40-49": 1353},
        **{"50-59": 796, "60-69": 321, "more than 70": 118},
    },
}
"""Images of each group in FairFace's validation set."""
CLASSES, QUERIES, TOP = 52, 10, 1000
COLUMNS = ["model", "quantizer", "metric", "attribute", "group", "n", "baseline_value", "change", *FLOATS, *COUNTS]
COLUMNS = [*dict.fromkeys(COLUMNS), "method", "noise"]
METHODS = installed_methods(0.95)
FACE_SHARES = {(a, g): n / sum(of.values()) for a, of in FACES.items() for g, n in of.items()}
COMMON = 0.3
"""Share of the variance of a quantizer's noise that all queries of a variant have in common."""


def stepped(rng: np.random.Generator, level: Integers, shares: Floats, flips: float, loss: Floats) -> Integers:
    """Bands of ranks after quantization: each boundary is crossed by `flips` of the items, half of them each way.

    Parameters
    ----------
    level : numpy.ndarray
        ``(n,)`` the band before; 0 is the best.
    shares : numpy.ndarray
        ``(n or 1, bands)`` how likely each band was for each item.
    loss : numpy.ndarray
        ``(n or 1,)`` share of the items that cross each boundary to the worse side beside the flips.
    """
    own = np.broadcast_to(shares, (len(level), shares.shape[1]))[np.arange(len(level)), level]
    worse = np.where(level < shares.shape[1] - 1, (flips / 2 + loss) / own, 0.0)
    better = np.where(level > 0, flips / 2 / own, 0.0)
    drawn = rng.random(len(level))
    return level + (drawn < worse) - (drawn > 1 - better)


class Items:
    """The items of a benchmark with ranks: ImageNet, COCO or FACET.

    Attributes
    ----------
    names : list of (str, str, str)
        Metric, attribute and group of each share.
    partitions : list of (int, numpy.ndarray, int)
        Shares that are counted together, in the order of `names`: how many bands are hits, the cell of each item, and
        how many cells there are.
    means : list of ClassMean
        Numbers that are means over classes.
    image, label : numpy.ndarray
        ``(n,)`` the image of each item, and the class of each person of FACET.
    shares, loss : numpy.ndarray
        As for `stepped`.
    """

    def __init__(self, record: Benchmark, world: World, rng: np.random.Generator) -> None:
        self.record, self.world = record, world
        self.names: list[tuple[str, str, str]] = []
        self.partitions: list[tuple[int, Integers, int]] = []
        self.means: list[ClassMean] = []
        {"imagenet": self._imagenet, "coco": self._coco, "facet": self._facet}[record.name](rng)

    def before(self, rng: np.random.Generator) -> Integers:
        """The bands of a checkpoint's baseline, ``(n,)``."""
        return (rng.random(len(self.image))[:, None] > self.shares.cumsum(axis=1)[:, :-1]).sum(axis=1)

    def after(self, rng: np.random.Generator, before: Integers) -> Integers:
        """The bands of a variant."""
        return stepped(rng, before, self.shares, self.world.flips, self.loss)

    def changes(self, before: Integers, after: Integers) -> pd.DataFrame:
        """The judged changes of the shares and of the mean disparities."""
        n, gain, loss, deff, old = (np.zeros(0) for _ in range(5))
        for hits, cell, cells in self.partitions:
            was, now = before < hits, after < hits
            counted = count_cells(now.astype(np.int8) - was.astype(np.int8), cell, cells, self.image)
            n, gain = np.r_[n, counted.n], np.r_[gain, counted.gain]
            loss, deff = np.r_[loss, counted.loss], np.r_[deff, counted.deff]
            old = np.r_[old, np.bincount(cell[cell >= 0], was[cell >= 0], cells) / counted.n]
        shares = pd.DataFrame(self.names, columns=["metric", "attribute", "group"]).assign(
            **{"n": n, "n1": n, "gain1": gain, "loss1": loss, "deff1": deff, "sample_size": n, "baseline_value": old},
            **{"change": (gain - loss) / n, "method": "tango", "df": np.inf},
        )
        means = pd.DataFrame([mean.change(before == 0, after == 0) for mean in self.means])
        return pd.concat([shares, means.assign(sample_size=float(len(self.image)))] if self.means else [shares])

    def influences(self, before: Integers, after: Integers) -> list[Floats]:
        """What each image adds to each change, in the order of `changes`, each ``(images,)``."""
        found: list[Floats] = []
        for hits, cell, cells in self.partitions:
            x = (after < hits).astype(np.float64) - (before < hits)
            for inside in (cell == i for i in range(cells)):
                own = np.where(inside, x - x[inside].mean(), 0.0) / np.count_nonzero(inside)
                found.append(np.bincount(self.image, own))
        return found + [mean.influence(before == 0, after == 0, len(found[0])) for mean in self.means]

    def _imagenet(self, rng: np.random.Generator) -> None:
        self.image, one = np.arange(50_000), np.zeros(50_000, dtype=np.int64)
        self.names = [("top1", "", ""), ("top5", "", "")]
        self.partitions = [(1, one, 1), (2, one, 1)]
        names = {"metric": "mean_recall", "attribute": "", "group": ""}
        self.means = [ClassMean(names, np.repeat(np.arange(1000), 50), np.full(1000, 1 / 1000), 1000, self.image)]
        self.shares, self.loss = np.array([CLASSIFIED]), np.array([self.world.loss.get("", 0.0)])

    def _coco(self, rng: np.random.Generator) -> None:
        self.image = np.r_[np.arange(5000), np.tile(np.arange(5000), 5), np.arange(10)]
        direction = (np.arange(len(self.image)) >= 5000).astype(np.int64)
        for i, k in enumerate((1, 5, 10)):
            self.names += [(f"{name}_recall@{k}", "", "") for name in ("image_to_text", "text_to_image")]
            self.partitions.append((i + 1, direction, 2))
        self.shares, self.loss = np.array([RETRIEVED]), np.array([self.world.loss.get("", 0.0)])

    def _facet(self, rng: np.random.Generator) -> None:
        world, n = self.world, self.world.persons
        common = 1.0 / np.arange(1, CLASSES + 1) ** 0.7
        label = rng.choice(CLASSES, n, p=common / common.sum())
        self.image = rng.integers(round(IMAGES_PER_PERSON * n), size=n)
        self.names, self.partitions = [("accuracy", "", "")], [(1, np.zeros(n, dtype=np.int64), 1)]
        self.loss = np.full(n, world.loss.get("", 0.0))
        self.label, self.persons = label, pd.DataFrame({"label": label.astype("str")})
        right = rng.uniform(0.4, 0.75, CLASSES)[label]
        for attribute in ATTRIBUTES[self.record.name]:
            shares = world.groups[attribute.name]
            drawn = rng.choice(len(shares), n, p=list(shares.values()))
            groups = attribute.groups  # the first of the shares
            code = np.where(drawn < len(groups), drawn, -1)
            self.persons[attribute.name] = np.array([*groups, ""])[code]
            self.names += [("accuracy", attribute.name, group) for group in groups]
            self.partitions.append((1, code, len(groups)))
            for pair in attribute.pairs:
                side = np.select([code == groups.index(group) for group in pair], [0, 1], -1)
                self.means.append(ClassMean.of_pair(attribute.name, pair, side, label, self.image))
            for i, group in enumerate(groups):
                self.loss += world.loss.get(f"{attribute.name}={group}", 0.0) * (code == i)
            if attribute.name == "gender":
                right += world.ahead * (code == 0)
        self.shares = np.column_stack([right, 1 - right])


class ClassMean:
    """A mean over classes: of recalls, or of the disparity of two groups of FACET.

    Parameters
    ----------
    names : dict
        ``metric``, ``attribute`` and ``group``, as in the table of effects.
    stratum : numpy.ndarray
        ``(n,)`` the class, or the class and the group, of each item; −1 for one that does not count.
    coefficient : numpy.ndarray
        ``(strata,)``.
    classes : int
        How many classes there are.
    image : numpy.ndarray
        ``(n,)``.
    """

    def __init__(
        self, names: dict[str, str], stratum: Integers, coefficient: Floats, classes: int, image: Integers
    ) -> None:
        self.names, self.coefficient, self.classes = names, coefficient, classes
        self.items = np.flatnonzero(stratum >= 0)
        self.stratum = stratum[self.items]
        self.images, self.image = np.unique(image[self.items], return_inverse=True)

    @classmethod
    def of_pair(
        cls, attribute: str, groups: tuple[str, str], code: Integers, of_class: Integers, image: Integers
    ) -> ClassMean:
        """The mean disparity of two groups: items of the first have code 0, of the second 1."""
        sizes = [np.bincount(of_class[code == side], minlength=CLASSES) for side in (0, 1)]
        known = np.flatnonzero((np.stack(sizes) >= FACET.options().min_group).all(axis=0))
        there = (code >= 0) & np.isin(of_class, known)
        stratum = np.where(there, 2 * np.searchsorted(known, of_class) + code, -1)
        names = {"metric": "mean_disparity", "attribute": attribute, "group": "-".join(groups)}
        return cls(names, stratum, np.tile([1.0, -1.0], len(known)) / len(known), len(known), image)

    def change(self, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> dict[str, object]:
        """A row of the effects."""
        was, now = (x[self.items].astype(np.int8) for x in (before, after))
        judge_linear = partial(linear_change, stratum=self.stratum, coefficient=self.coefficient, image=self.image)
        found, level = judge_linear(now - was), judge_linear(now + was)
        return {
            **self.names,
            **{"n": self.classes, "change": found.estimate, "se": found.spread, "df": found.df},
            **{"baseline_value": (level.estimate - found.estimate) / 2, "sum_se": level.se},
            **{"method": "mover" if len(found.counts) == 2 else "tango", **count_columns(found)},
        }

    def influence(self, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_], images: int) -> Floats:
        """What each of all images adds to the change."""
        was, now = (x[self.items].astype(np.int8) for x in (before, after))
        of_mine = linear_change(now - was, self.stratum, self.coefficient, self.image).influence
        found = np.zeros(images)
        found[self.images] = of_mine
        return found


class Faces:
    """FairFace's gallery and the similarities of its images to the queries."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        n = sum(FACES["race"].values())
        self.group = {a: rng.permutation(np.repeat(np.arange(len(x)), list(x.values()))) for a, x in FACES.items()}
        self.attraction = np.zeros((QUERIES, n))
        for attribute, sizes in FACES.items():
            self.attraction += rng.normal(0, 0.2, (QUERIES, len(sizes)))[:, self.group[attribute]]
        self.loading = rng.uniform(0.2, 0.7, (QUERIES, 1))
        self.noise = noise_of(world.flips, TOP / n)
        self.favoured = self.group["race"] == 0
        self.shift = self._shift(world.growth) if world.growth else 0.0

    def before(self, rng: np.random.Generator) -> Floats:
        """Similarities of a checkpoint's baseline, ``(queries, n)``."""
        return self.attraction + self._noise(rng, self.loading**2)

    def after(self, rng: np.random.Generator, before: Floats) -> Floats:
        """Similarities of a variant."""
        noisy = before + self.noise * before.std() * self._noise(rng, np.array([[COMMON]]))
        return noisy + self.shift * self.favoured

    def _shift(self, growth: float) -> float:
        """What the similarities of the favoured images have to gain so that their mean skew grows by so much."""
        spread = math.hypot(1.0, self.noise * math.hypot(1.0, self.attraction.std()))
        before = self._log_share(0.0, 1.0)
        return float(optimize.brentq(lambda shift: self._log_share(shift, spread) - before - growth, 0.0, 2.0))

    def _log_share(self, shift: float, spread: float) -> float:
        """The mean over the queries of the logarithm of the favoured images' expected share of the top."""
        expected = self.attraction + shift * self.favoured
        low, high = np.full((QUERIES, 1), -10.0), np.full((QUERIES, 1), 10.0)
        for _ in range(40):
            cut = (low + high) / 2
            inside = special.ndtr((expected - cut) / spread)
            more = inside.sum(axis=1, keepdims=True) > TOP
            low, high = np.where(more, cut, low), np.where(more, high, cut)
        return float(np.log(inside[:, self.favoured].sum(axis=1) / inside.sum(axis=1)).mean())

    def changes(self, before: Floats, after: Floats) -> pd.DataFrame:
        """The judged changes of the mean over the queries of each group's skew."""
        first, second = (np.argsort(-x, axis=1) for x in (before, after))
        rows = []
        for attribute, sizes in FACES.items():
            target = np.full(len(sizes), 1 / len(sizes))
            found = skew_change(first, second, self.group[attribute], target, TOP)
            tops = self.group[attribute][first[:, :TOP]]
            for i, (group, judged) in enumerate(zip(sizes, found.groups, strict=True)):
                hits = np.maximum((tops == i).sum(axis=1), 1)
                rows.append(
                    {
                        **{"metric": f"skew@{TOP}", "attribute": attribute, "group": group, "n": QUERIES},
                        **{"baseline_value": np.log(hits / TOP / target[i]).mean(), "change": judged.mean},
                        **{"se": judged.mean_se, "sum_se": judged.mean_sum_se, "df": np.inf, "method": "influence"},
                    }
                )
        return pd.DataFrame(rows).assign(sample_size=float(first.shape[1]))

    def _noise(self, rng: np.random.Generator, common: Floats) -> Floats:
        n = self.attraction.shape[1]
        return np.sqrt(common) * rng.normal(size=n) + np.sqrt(1 - common) * rng.normal(size=(QUERIES, n))


def noise_of(replaced: float, top: float) -> float:
    """The noise, in standard deviations of normal similarities, that replaces a share of the best `top` of them."""
    cut = stats.norm.isf(top)

    def leaves(size: float) -> float:
        total = math.hypot(1.0, size)
        both = stats.multivariate_normal([0, 0], [[1, 1 / total], [1 / total, 1]]).cdf([-cut, -cut])
        return float(1 - both / top - replaced)

    return float(optimize.brentq(leaves, 1e-3, 3.0))


def attributes_of(record: Benchmark) -> tuple[Attribute, ...]:
    """The groupings of a benchmark with its usual options."""
    options = record.options(other_cuts=False) if record.name == "facet" else record.options()
    return tuple(getattr(record.load(options), "attributes", ()))


ATTRIBUTES = {record.name: attributes_of(record) for record in (IMAGENET, COCO, FACET, FAIRFACE)}


def cell_of(record: Benchmark, model: str, quantizer: str) -> Cell:
    """A cell that is done, with the benchmark's own metrics and groupings."""
    origin = {"distribution": "qbench-vlm", "version": "0"}
    found = CellRecord(
        **{"key": "", "status": CellStatus.DONE, "error": None},
        **{"model": model, "quantizer": quantizer, "benchmark": record.name},
        benchmark_info={
            **{"record": f"benchmarks:{record.name}", **origin, "protocol": record.protocol, "options": {}},
            **{"metrics": record.metrics, "attributes": ATTRIBUTES[record.name]},
        },
        facts={"target": "uniform", "queries": [*"abcdefghij"[:QUERIES]]},
        model_info={"record": "m", **origin, "checkpoint": model, "fingerprint": model},
        quantizer_info={
            **{"record": quantizer, **origin, "kind": "quantization", "bits": 8.0, "batch_invariant": True},
            **{"device": "cpu", "options": {}},
        },
        data_info={
            **{"root": "", "dataset": None, "note": "", "fingerprint": record.name, "items": 0, "limit": None},
        },
        batch={"size": 64, "order": "dataset", "other_orders": 0},
        coverage=Coverage(layers=(), total_parameters=0, model_bytes=None),
    )
    return Cell(Path(), model, quantizer, record.name, CellStatus.DONE, found)


@dataclass(frozen=True)
class Run:
    """A simulated run: its judged changes, and the means over its checkpoints where they are judged."""

    effects: pd.DataFrame
    means: pd.DataFrame | None = None


def simulate(world: World, rng: np.random.Generator) -> Run:
    """The judged changes of one run."""
    parts = [_of_benchmark(world, record, rng) for record in world.benchmarks]
    effects = pd.concat([part.effects for part in parts], ignore_index=True)
    means = [part.means for part in parts if part.means is not None]
    return Run(effects, pd.concat(means, ignore_index=True) if means else None)


def means_of(effects: pd.DataFrame, influences: Sequence[Floats], infos: Infos) -> pd.DataFrame:
    """The table of populations that an analysis would have."""
    gain, loss, n, deff = (effects[f"{name}1"] for name in ("gain", "loss", "n", "deff"))
    of_share = np.sqrt((gain + loss - (gain - loss) ** 2 / n) * deff) / n
    whole = effects.assign(margin=margins_of(effects, infos), se=effects["se"].fillna(of_share))
    return population_table(whole, dict(enumerate(influences)), {}, Settings(), {})


def _of_benchmark(world: World, record: Benchmark, rng: np.random.Generator) -> Run:
    data: Items | Faces = Faces(world, rng) if record.name == "fairface" else Items(record, world, rng)
    parts: list[pd.DataFrame] = []
    influences: list[Floats] = []
    for model in world.models:
        before: Any = data.before(rng)
        for quantizer in world.quantizers:
            after: Any = data.after(rng, before)
            parts.append(data.changes(before, after).assign(model=model, quantizer=quantizer))
            if world.means and isinstance(data, Items):
                influences += data.influences(before, after)
    effects = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)
    infos = {info.name: info for info in record.metrics}
    info = [infos[name] for name in declared_names(effects["metric"])]
    better = np.array([x.better for x in info])
    before, change = effects["baseline_value"], effects["change"]
    effects = effects.assign(
        **{"benchmark": record.name, "baseline": "fp32", "class": "", "flags": "", "why": "", "value": before + change},
        **{
            "better": better,
            "unit": [x.unit for x in info],
            "statistic": [x.statistic.name for x in info if x.statistic],
        },
        abs_change=np.where(better == Better.ZERO, (before + change).abs() - before.abs(), np.nan),
    )
    return Run(effects, means_of(effects, influences, infos_of([record])) if influences else None)


def infos_of(benchmarks: Sequence[Benchmark]) -> Infos:
    """The declarations of the metrics of some benchmarks."""
    return {(record.name, info.name): info for record in benchmarks for info in record.metrics}


def margins_of(effects: pd.DataFrame, infos: Infos) -> list[float]:
    """The default margin of each number."""
    margins = {name: margin_of(*name, infos[name[0], declared_names([name[1]])[0]]) for name in names_of(effects)}
    return [margins[name] for name in names_of(effects)]


def names_of(effects: pd.DataFrame) -> list[tuple[str, str, bool]]:
    """Benchmark, metric and whether it is of a group, of each row."""
    return list(zip(effects["benchmark"], effects["metric"], effects["attribute"] != "", strict=True))


def margin_of(benchmark: str, metric: str, grouped: bool, info: MetricInfo) -> float:
    """The default margin of a number."""
    return Settings().margin(benchmark, metric, info.unit, grouped=grouped, of_class=False, own=info.margin)
