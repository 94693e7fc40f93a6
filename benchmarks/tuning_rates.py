"""How often `qbench tune` confirms a configuration that does not pass: see docs/tuning.md.

Run: ``python benchmarks/tuning_rates.py [--selections 1000] [--seed 1]`` (a minute on one core). A search tries several
configurations, none of which is within the limits: a group or all persons lose exactly the limit. Each person has a
margin by which the model is right; the baseline and each configuration see it with noise of their own, so that the
configurations share the persons and the errors of one baseline. The first configuration of which all numbers lie within
their limits on the first half is selected, as the gate decides; it is judged in the same way on the second half.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from qbench.gate.loss import losses_of
from qbench.results.statistics import installed_statistics
from qbench.statistics.dispatch import bounds as bounds_of

SIZES = (800, 600, 400, 200)
"""Persons of each group in each half."""
LIMITS = np.array([0.02, *[0.05] * len(SIZES)])
"""Of the accuracy over all persons, and of that of each group."""
EASE, NOISE = 0.7, 0.05
"""A margin has a mean of `EASE` and a standard deviation of 1; the noise flips about 2 % of the answers."""
AT_ONCE = 50
CONFIDENCE = 0.95


@dataclass(frozen=True)
class World:
    """What all configurations of a search lose: each group its share of right answers."""

    name: str
    losses: tuple[float, ...]
    configurations: int


ALL, GROUP = (0.02,) * len(SIZES), (0.0, 0.0, 0.05, 0.0)
WORLDS = tuple(
    World(name, losses, configurations)
    for name, losses in (
        ("all persons lose the limit of 2 points", ALL),
        ("a group of 400 loses its limit of 5 points", GROUP),
    )
    for configurations in (5, 25, 100)
)


def shift_of(loss: float) -> float:
    """How far margins have to move so that exactly this share of answers is lost."""
    spread = float(np.hypot(1, NOISE))
    return float(EASE - spread * norm.ppf(norm.cdf(EASE / spread) - loss))


def passing(rng: np.random.Generator, world: World, searches: int, configurations: int) -> npt.NDArray[np.bool_]:
    """Draw one half of each search: which configurations pass, ``(searches, configurations)``."""
    persons = sum(SIZES)
    shift = np.repeat([shift_of(loss) for loss in world.losses], SIZES).astype(np.float32)
    margin = rng.normal(EASE, 1, (searches, 1, persons)).astype(np.float32)
    before = margin + NOISE * rng.standard_normal(margin.shape, dtype=np.float32) > 0
    noise = rng.standard_normal((searches, configurations, persons), dtype=np.float32)
    after = margin - shift + NOISE * noise > 0
    gained, lost = (_by_group(flipped) for flipped in (after & ~before, before & ~after))
    return (_upper_losses(gained, lost) < LIMITS).all(axis=-1)


def _by_group(flipped: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Numbers of flips, ``(searches, configurations, 1 + groups)``: over all, and in each group."""
    starts = np.cumsum([0, *SIZES[:-1]])
    groups = np.add.reduceat(flipped, starts, axis=-1, dtype=np.int64)
    return np.concatenate([groups.sum(-1, keepdims=True), groups], axis=-1)


def _upper_losses(gained: npt.NDArray[np.int64], lost: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The upper ends of the gate's intervals of the losses, in the shape of the counts."""
    n = np.broadcast_to([sum(SIZES), *SIZES], gained.shape)
    counts = pd.DataFrame({"n1": n.ravel(), "gain1": gained.ravel(), "loss1": lost.ravel()})
    different, which = np.unique(counts.to_numpy(), axis=0, return_inverse=True)
    rows = pd.DataFrame(different, columns=list(counts))
    rows = rows.assign(  # a share needs no value, and no error of one
        **{"deff1": 1.0, "statistic": "share", "method": "tango", "better": "higher", "df": np.inf},
        **dict.fromkeys(("baseline_value", "value", "sum_se", "abs_change", "se"), np.nan),
        change=(rows["gain1"] - rows["loss1"]) / rows["n1"],
    )
    bounds = partial(bounds_of, statistics=installed_statistics())
    upper = losses_of(rows).interval(bounds, np.full(len(rows), CONFIDENCE))[1]
    return np.asarray(upper[which.ravel()].reshape(gained.shape), dtype=np.float64)


def rates(rng: np.random.Generator, world: World, selections: int) -> tuple[int, int]:
    """Numbers of searches until so many selected a configuration, and of selections that were confirmed."""
    searches = selected = confirmed = 0
    while selected < selections:
        found = np.flatnonzero(passing(rng, world, AT_ONCE, world.configurations).any(axis=1))
        found = found[: selections - selected]
        searches += int(found[-1]) + 1 if selected + len(found) == selections else AT_ONCE
        selected += len(found)
        confirmed += int(passing(rng, world, len(found), 1).sum())
    return searches, confirmed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--selections", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"`python benchmarks/{Path(__file__).name} --selections {given.selections} --seed {given.seed}`\n")
    print("| none passes: | configurations | searches | one is selected | of these confirmed, wrongly |")
    print("|---|---|---|---|---|")
    for at, world in enumerate(WORLDS):
        searches, confirmed = rates(np.random.default_rng([given.seed, at]), world, given.selections)
        cells = (world.name, world.configurations, f"{searches:,}", f"{given.selections:,}", confirmed)
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
