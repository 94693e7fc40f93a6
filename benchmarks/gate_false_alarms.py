"""How often the gate is wrong, and how often it can answer: simulated runs, as the table of docs/gate.md.

Run: ``python benchmarks/gate_false_alarms.py [--runs 1000] [--seed 1]`` (minutes on two cores). A run has several
groups; each person's answer gets lost or won with set probabilities. Its rows are decided as `qbench check` decides
those of a rule for each group of one variant, by Tango's intervals: failures adjusted by Holm's method, passes not.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qbench.gate.holm import TREE, proven_losses
from qbench.gate.loss import losses_of
from qbench.results.statistics import installed_statistics
from qbench.statistics.dispatch import bounds as bounds_of

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 0.02
SIZES = {
    "12 groups of 100 to 2,000": (2000, 1500, 1200, 1000, 800, 600, 500, 400, 300, 200, 150, 100),
    "3 groups of 4,000": (4000, 4000, 4000),
    "1 group of 300": (300,),
}
WORLDS = [
    (sizes, flips, loss) for sizes in SIZES for flips, loss in ((0.01, 0.0), (0.05, 0.0), (0.05, 0.02), (0.05, 0.04))
]
"""Sizes, share of answers that flip, true loss of every group."""


def simulate(rng: np.random.Generator, runs: int, sizes: tuple[int, ...], flips: float, loss: float) -> pd.DataFrame:
    """Draw flips of ``(runs × groups,)`` rows, as effects."""
    import pandas as pd

    n = np.tile(np.array(sizes), runs)
    chances = [(flips + loss) / 2, (flips - loss) / 2, 1 - flips]
    lost, gained, _ = rng.multinomial(n, chances).T
    frame = pd.DataFrame({"n1": n, "gain1": gained, "loss1": lost, "deff1": 1.0, "change": (gained - lost) / n})
    return frame.assign(statistic="share", method="tango", better="higher", abs_change=np.nan, se=np.nan, df=np.inf)


def rates(
    rng: np.random.Generator, runs: int, sizes: tuple[int, ...], flips: float, loss: float, holm: bool
) -> list[float]:
    """Shares of runs in which a group fails, a group passes, all pass; and of rows that are inconclusive."""
    frame = simulate(rng, runs, sizes, flips, loss)
    bounds = partial(bounds_of, statistics=installed_statistics())
    limit, groups = np.full(len(frame), LIMIT), np.tile(np.arange(len(sizes)), runs)
    names = frame.assign(
        **(dict.fromkeys(TREE, "") | {"group": groups, "weight": 1.0, "family": np.repeat(np.arange(runs), len(sizes))})
    )
    losses = losses_of(frame)
    proven = proven_losses(losses, limit, bounds, confidence=0.95, names=names, holm=holm)
    within = losses.interval(bounds, np.full(len(frame), 0.95))[1] < limit
    failed, passed = (x.reshape(runs, -1) for x in (proven > limit, within))
    inconclusive = 1 - failed.mean() - passed.mean()
    return [
        float(x)
        for x in (failed.any(axis=1).mean(), passed.any(axis=1).mean(), passed.all(axis=1).mean(), inconclusive)
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"`python benchmarks/{Path(__file__).name} --runs {given.runs} --seed {given.seed}`; limit: 2.0 points.\n")
    print("| groups | flips | true loss | adjust | a group fails | a group passes | all pass | rows inconclusive |")
    print("|---|---|---|---|---|---|---|---|")
    for at, (sizes, flips, loss) in enumerate(WORLDS):
        for adjust in ("holm", "none"):
            found = rates(
                np.random.default_rng([given.seed, at]), given.runs, SIZES[sizes], flips, loss, adjust == "holm"
            )
            cells = (
                sizes,
                f"{100 * flips:.0f} %",
                f"{100 * loss:.0f} points",
                adjust,
                *(f"{100 * x:.1f} %" for x in found),
            )
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
