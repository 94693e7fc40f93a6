"""How often an ablation finds a planted part, and how often it finds one where there is none: see docs/ablation.md.

Run: ``python benchmarks/ablation_rates.py [--runs 200] [--seed 1]`` (a minute on two cores). A run has 24 parts and
4,000 persons in seven groups. Each person has a margin by which the model is right; the baseline and each variant see
it with noise of their own. Where no part moves the margins, nothing is planted: the answers before and after are then
exchangeable, and all parts share the errors of one baseline. Each part's accuracy over all and its recall of each group
are judged as `qbench ablate` does.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis.ablation import judge_parts
from qbench.api.statistics import share_test
from qbench.statistics.settings import Settings

SHARES = (0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05)
"""Of the groups."""
PARTS, PERSONS, EASE, NOISE = 24, 4000, 0.7, 0.05
"""A margin has a mean of `EASE` and a standard deviation of 1, and about 76 % of the answers are right."""
DENSITY = float(np.exp(-(EASE**2) / 2) / np.sqrt(2 * np.pi))
"""Of the margins at zero: the loss of accuracy for a small shift."""


@dataclass(frozen=True)
class World:
    """What one part does: the share of right answers that it loses, over all or in one group only."""

    name: str
    loss: float = 0.0
    group: int | None = None


WORLDS = (
    World("nothing"),
    World("one part loses 1 point", 0.01),
    World("one part loses 1.5 points", 0.015),
    World("one part loses 2 points", 0.02),
    World("one part loses 3 points", 0.03),
    World("one part loses 8 points in a group of 8 % of the persons", 0.08, 5),
)


def simulate(rng: np.random.Generator, world: World, parts: int = PARTS, persons: int = PERSONS) -> pd.DataFrame:
    """Draw one run: the gains and losses of each part, over all and by group, as rows of changes."""
    group = np.repeat(np.arange(len(SHARES)), np.round(np.array(SHARES) * persons).astype(int))
    margin = rng.normal(EASE, 1.0, len(group))
    shift = np.zeros((parts, len(group)))
    hit = np.ones(len(group), dtype=bool) if world.group is None else group == world.group
    shift[parts // 2, hit] = world.loss / DENSITY
    before = margin + rng.normal(0, NOISE, len(group)) > 0
    after = margin - shift + rng.normal(0, NOISE, shift.shape) > 0
    gains, losses = (_by_group(flipped, group) for flipped in (after & ~before, before & ~after))
    rows = pd.DataFrame(
        {
            "part": np.repeat(np.arange(parts), len(SHARES) + 1).astype(str),
            "group": np.tile(["", *map(str, range(len(SHARES)))], parts),
            "n1": np.tile([len(group), *np.bincount(group)], parts),
            "gain1": gains.ravel(),
            "loss1": losses.ravel(),
        }
    )
    p, _ = share_test(rows["gain1"], rows["loss1"], rows["n1"], np.ones(len(rows)))
    return rows.assign(
        **{"model": "m", "quantizer": "q", "direction": "only", "benchmark": "b", "metric": "accuracy"},
        **{"attribute": np.where(rows["group"] == "", "", "group"), "flags": "", "null": ""},
        change=(rows["gain1"] - rows["loss1"]) / rows["n1"],
        p=p,
    )


def _by_group(flipped: npt.NDArray[np.bool_], group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Numbers of flips of each part: over all, and in each group."""
    inside = np.stack([flipped[:, group == g].sum(1) for g in range(len(SHARES))], axis=1)
    return np.concatenate([inside.sum(1, keepdims=True), inside], axis=1)


def found_parts(changes: pd.DataFrame) -> set[str]:
    """The parts that are found in one run."""
    judged = judge_parts(changes, Settings())
    return set(judged[judged["found"]]["part"])


def rates(rng: np.random.Generator, world: World, runs: int) -> tuple[int, int]:
    """In how many runs the planted part is found, and in how many any other part is."""
    planted = {str(PARTS // 2)} if world.loss else set()
    found = [found_parts(simulate(rng, world)) for _ in range(runs)]
    return sum(bool(parts & planted) for parts in found), sum(bool(parts - planted) for parts in found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| planted | runs | the planted part is found | another part is found |\n|---|---|---|---|")
    for world in WORLDS:
        right, wrong = rates(np.random.default_rng(arguments.seed), world, arguments.runs)
        print(f"| {world.name} | {arguments.runs} | {right if world.loss else '–'} | {wrong} |", flush=True)


if __name__ == "__main__":
    main()
