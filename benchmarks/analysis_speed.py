"""How long the statistics of rankings take at the size of a full study, and how much memory.

Run: ``python benchmarks/analysis_speed.py`` (a minute or two on one core; ``--share 0.1`` for a tenth of the queries).
The data are made up: 10,954 images, 300 queries, three attributes of 9, 7 and 2 groups, nine checkpoints with a
baseline and three quantized variants each, k = 1,000. Every number of an analysis comes about as it does there; what is
not in it is reading rankings from disk.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from qbench.stats.bootstrap import bootstrap_change
from qbench.stats.ndkl import ndkl_change, ndkl_levels
from qbench.stats.population import covariance, population
from qbench.stats.ranked import RankedChange
from qbench.stats.skew import skew_change

T = TypeVar("T")
IMAGES, QUERIES, K = 10_954, 300, 1000
CHECKPOINTS, VARIANTS = 9, 3
MADE, LEVELS = "(made-up rankings)", "NDKL: one variant, one attribute"
SKEW, DIFFERENCE = "Skew, MaxSkew, MinSkew: one comparison, one attribute", "NDKL: the difference"
GROUPS = {"age": 9, "race": 7, "gender": 2}


class Clock:
    """Seconds by kernel: of the processor, and of the wall."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    def time(self, name: str, work: Callable[..., T], *given: object, **more: object) -> T:
        """Call `work` and add up how long it took."""
        wall, processor = time.perf_counter(), time.process_time()
        found = work(*given, **more)
        entry = self.seconds[name]
        entry[0] += 1
        entry[1] += time.process_time() - processor
        entry[2] += time.perf_counter() - wall
        return found

    def table(self) -> str:
        """As Markdown."""
        rows = ["| kernel | calls | processor s | wall s |", "|---|---|---|---|"]
        total = np.zeros(2)
        for name, (calls, processor, wall) in self.seconds.items():
            rows.append(f"| {name} | {calls:.0f} | {processor:.1f} | {wall:.1f} |")
            if not name.startswith("("):
                total += processor, wall
        rows.append(f"| all but what is in brackets | | {total[0]:.1f} | {total[1]:.1f} |")
        return "\n".join(rows)


def run(queries: int) -> Clock:
    """Analyse a made-up study."""
    rng, clock = np.random.default_rng(0), Clock()
    groups = {name: rng.integers(0, count, IMAGES) for name, count in GROUPS.items()}
    numbers: dict[tuple[int, str, str], list[RankedChange]] = defaultdict(list)
    even = {name: np.full(count, 1 / count) for name, count in GROUPS.items()}
    for _ in range(CHECKPOINTS):
        score = rng.standard_normal((queries, IMAGES), dtype=np.float32)
        before = clock.time(MADE, _ranked, score)
        levels = {name: clock.time(LEVELS, ndkl_levels, before, groups[name], even[name]) for name in GROUPS}
        for variant in range(VARIANTS):
            after = clock.time(MADE, _ranked, score + np.float32(0.1) * rng.standard_normal(score.shape, np.float32))
            for name in GROUPS:
                given = groups[name], even[name]
                skew = clock.time(SKEW, skew_change, before, after, *given, K)
                new = clock.time(LEVELS, ndkl_levels, after, *given)
                ndkl = clock.time(DIFFERENCE, ndkl_change, levels[name], new, *given)
                for metric, change in (("max", skew.max), ("min", skew.min), ("ndkl", ndkl)):
                    numbers[variant, name, metric].append(_mean_only(change))
                for g, change in enumerate(skew.groups):
                    numbers[variant, name, f"skew {g}"].append(_mean_only(change))
    for changes in numbers.values():
        clock.time("population: one number", _population, changes)
    x = np.where(rng.random((IMAGES, 100)) < 0.03, rng.choice([-1.0, 1.0], (IMAGES, 100)), 0.0) / IMAGES
    clock.time("bootstrap of 100 means, 2,000 resamples", bootstrap_change, lambda w: w @ x, np.arange(IMAGES))
    return clock


def _ranked(score: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    return np.argsort(-score, axis=1)


def _mean_only(x: RankedChange) -> RankedChange:
    nothing = np.zeros(0)
    return RankedChange(nothing, nothing, np.zeros(0, dtype=bool), x.mean, x.mean_se, x.mean_few, x.influence, x.reason)


def _population(changes: list[RankedChange]) -> object:
    errors = covariance(np.array([x.influence for x in changes]), [x.mean_se for x in changes])
    return population([x.mean for x in changes], errors, margin=0.05)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Speed of the statistics of rankings at the size of a full study.")
    parser.add_argument("--share", type=float, default=1.0, help="of the queries")
    queries = max(2, round(QUERIES * parser.parse_args().share))
    clock = run(queries)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "linux" else 2**30)
    print(f"{IMAGES:,} images, {queries} queries, {CHECKPOINTS} × {VARIANTS} comparisons, {len(GROUPS)} attributes\n")
    print(clock.table())
    print(f"\nPeak memory: {peak:.2f} GiB")


if __name__ == "__main__":
    main()
