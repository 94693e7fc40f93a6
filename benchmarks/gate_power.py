"""What `qbench power` expects of simulated runs, beside what was simulated: see ``gate_simulation.py``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from gate_runs import ATTRIBUTES, METHODS, NUMBER, Items, infos_of, margins_of
from gate_worlds import World
from scipy import stats

from qbench.api import Benchmark
from qbench.gate.designs import Design
from qbench.gate.power import power
from qbench.metrics.interface import INDEX
from qbench.policy.model import Policy
from qbench.statistics.sample_size import POWER
from qbench.vocabulary import MetricRole
from qbench_benchmarks import FACET, FAIRFACE


def against_power(runs: Sequence[pd.DataFrame], world: World, policy: Policy, rng: np.random.Generator) -> list[str]:
    """For each number that 80 % of runs almost or just decide: what `qbench power` expects, and what was simulated.

    Parameters
    ----------
    runs : sequence of pandas.DataFrame
        Of a world without an effect.
    rng : numpy.random.Generator
        That of the first run, whose persons the gaps are sized by.
    """
    effects = pd.concat(runs, ignore_index=True)
    limit = np.array(margins_of(effects, infos_of(world.benchmarks)))
    low, high = METHODS.bounds(effects, np.full(len(effects), METHODS.confidence))
    shown = effects.assign(limit=limit, shown=(low > -limit) & (high < limit)).groupby(NUMBER)
    simulated, items = shown["shown"].mean(), shown["n1"].mean()
    designs = [design_of(world, record, effects, rng) for record in world.benchmarks if record is not FAIRFACE]
    lines = []
    for row in power(policy, designs, flips=[world.flips]).rows:
        number = (row.benchmark, row.metric, row.attribute, row.group)
        needed, there = row.needed[0].to_pass, row.there if row.role is MetricRole.GAP else items[number]
        if needed and there and 0.5 < there / needed < 2:
            expected = expected_share(there / needed)
            counts = f"{there:,.0f} | {needed:,} | {100 * expected:.1f} % | {100 * simulated[number]:.1f} %"
            lines.append(f"| {row.name} | {counts} |")
    return lines


def expected_share(ratio: float) -> float:
    """The share of runs that show no change to be within the limit, with `ratio` times what 80 % of runs need."""
    z = stats.norm.ppf(1 - (1 - METHODS.confidence) / 2)
    return float(2 * stats.norm.cdf((z + stats.norm.ppf((1 + POWER) / 2)) * math.sqrt(ratio) - z) - 1)


def design_of(world: World, record: Benchmark, effects: pd.DataFrame, rng: np.random.Generator) -> Design:
    """A benchmark as `qbench power` knows it before a run; of FACET with the persons that `rng` draws."""
    mine = effects[effects["benchmark"] == record.name]
    made = mine[list(INDEX)].drop_duplicates().astype("str")
    persons = Items(record, world, rng).persons if record is FACET else None
    return Design(
        benchmark=record.name,
        metrics=record.metrics,
        attributes=ATTRIBUTES[record.name],
        items=persons,
        count=None if persons is None else len(persons),
        min_group=FACET.options().min_group if record is FACET else 1,
        made=made,
    )
