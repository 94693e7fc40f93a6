"""How often the gate is wrong, and what it can decide, in simulated runs of the study's size.

Run: ``python benchmarks/gate_simulation.py [--world NAME] [--runs 40] [--seed 1] [--keep FOLDER]``.

A run has nine checkpoints and three quantizers on ImageNet (50,000 images), COCO (5,000 images, 25,010 captions), FACET
(49,551 persons) and FairFace (10,954 images). The answers are simulated: no model and no image is needed. Everything
after the answers is the code of `qbench` itself: the statistics that the benchmarks declare, `qbench.gate.select` and
`qbench.gate.evaluate.judge` with the built-in policy. With ``--keep``, the judged changes are stored and used again, so
that another version of the gate decides the same runs. In the worlds whose means over the checkpoints are judged too, a
second table says what the gate answers for each quantizer. With ``--power``, a third one compares the sizes of `qbench
power` with how often the simulated changes were shown to be within their limits.

The runs are simulated by ``gate_runs.py``, in the worlds of ``gate_worlds.py``; ``gate_power.py`` has the comparison
with `qbench power`. The built-in policy's primary questions about a variant in these runs are listed in docs/gate.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from gate_power import against_power
from gate_runs import FACE_SHARES, METHODS, Run, cell_of, infos_of, margins_of, simulate
from gate_worlds import WORLDS, World

from qbench.gate.comparison import Compared
from qbench.gate.evaluate import judge
from qbench.gate.result import GateResult
from qbench.policy.model import Policy, read_policy
from qbench.vocabulary import RowStatus

SINGLE = 10
"""So many times as many runs are drawn of worlds whose runs have one variant."""


def decide(runs: Sequence[pd.DataFrame], world: World, policy: Policy, means: pd.DataFrame | None = None) -> GateResult:
    """The gate's answer to all runs at once, their models named ``run/model``: no family has more than a variant.

    The table of populations `means` is that of a single run.
    """
    frames = [effects.assign(model=f"{i}/" + effects["model"]) for i, effects in enumerate(runs)]
    effects = pd.concat(frames, ignore_index=True)
    cells = [
        cell_of(record, f"{i}/{model}", quantizer)
        for record in world.benchmarks
        for i in range(len(runs))
        for model in world.models
        for quantizer in world.quantizers
    ]
    compared = Compared(
        effects=effects.assign(margin=margins_of(effects, infos_of(world.benchmarks))),
        **{"cells": cells, "unpaired": {}, "run": "simulated", "baseline": "fp32", "warnings": [], "notes": []},
    )
    known = {"methods": METHODS, "shares": lambda benchmark: FACE_SHARES, "populations": means}
    return judge(compared, policy, today=date(2026, 1, 1), **known)


@dataclass(frozen=True)
class Answers:
    """What the gate said of the runs of a world, as shares.

    Attributes
    ----------
    runs : int
        How many there are.
    runs_fail, variants_fail, variants_pass : float
        A run fails if one of its variants does; a variant passes if all its rows pass or are left out in advance.
    decided : float
        Rows that pass or fail, among those that are not left out.
    left_out : float
        Rows that are left out in advance.
    open, failed : Counter of str
        Numbers that are inconclusive, or that fail, in how many variants.
    variants : int
        How many variants there are.
    """

    runs: int
    runs_fail: float
    variants_fail: float
    variants_pass: float
    decided: float
    left_out: float
    open: Counter[str]
    failed: Counter[str]
    variants: int

    @classmethod
    def of(cls, result: GateResult, runs: int) -> Answers:
        """Count one result of `decide`."""
        rows = Counter(row.status for row in result.rows)
        judged = rows.total() - rows[RowStatus.LEFT_OUT]
        fail = [variant for variant in result.variants if RowStatus.FAIL in variant.counts]
        passed = [variant for variant in result.variants if set(variant.counts) <= {RowStatus.PASS, RowStatus.LEFT_OUT}]
        return cls(
            runs=runs,
            runs_fail=len({variant.model.partition("/")[0] for variant in fail}) / runs,
            variants_fail=len(fail) / len(result.variants),
            variants_pass=len(passed) / len(result.variants),
            decided=(rows[RowStatus.PASS] + rows[RowStatus.FAIL]) / judged,
            left_out=rows[RowStatus.LEFT_OUT] / rows.total(),
            open=_named(result, RowStatus.INCONCLUSIVE),
            failed=_named(result, RowStatus.FAIL),
            variants=len(result.variants),
        )

    def line(self, name: str) -> str:
        """A line of the table."""
        shares = (self.runs_fail, self.variants_fail, self.variants_pass, self.decided, self.left_out)
        return f"| {name} | {self.runs} | {' | '.join(f'{100 * x:.1f} %' for x in shares)} |"

    def details(self) -> Iterator[str]:
        """The numbers that are inconclusive, and that fail, most often."""
        for kind, counted in (("inconclusive", self.open), ("failed", self.failed)):
            for name, count in counted.most_common(12):
                yield f"    {kind}: {name}: {100 * count / self.variants:.1f} % of variants"


def _named(result: GateResult, status: RowStatus) -> Counter[str]:
    rows = [row for row in result.rows if row.status is status]
    return Counter(" ".join(filter(None, (row.benchmark, row.metric, row.attribute, row.group))) for row in rows)


def streams(name: str, seed: int, runs: int) -> list[np.random.Generator]:
    """The random numbers of each run of a world."""
    return np.random.default_rng([seed, *name.encode()]).spawn(runs)


def means_line(name: str, results: Sequence[GateResult]) -> str:
    """A line of the table of means over checkpoints, of the results of single runs."""
    answers = [answer for result in results for answer in result.quantizers]
    rows = Counter(row.status for answer in answers for row in answer.rows)
    passed = [answer for answer in answers if set(answer.counts) == {RowStatus.PASS}]
    failed = [answer for answer in answers if RowStatus.FAIL in answer.counts]
    runs_fail = sum(any(RowStatus.FAIL in answer.counts for answer in result.quantizers) for result in results)
    shares = (
        runs_fail / len(results),
        len(failed) / len(answers),
        len(passed) / len(answers),
        (rows[RowStatus.PASS] + rows[RowStatus.FAIL]) / rows.total(),
    )
    return f"| {name} | {len(results)} | {' | '.join(f'{100 * x:.1f} %' for x in shares)} |"


def runs_of(name: str, world: World, runs: int, seed: int, keep: Path | None) -> Iterator[Run]:
    """The judged changes of each run, stored ones first."""
    for i, rng in enumerate(streams(name, seed, runs)):
        slug = "".join(c if c.isalnum() else "-" for c in name)
        file = None if keep is None else keep / f"{slug}-{seed}-{i}.parquet"
        means = None if file is None or not world.means else file.with_suffix(".means.parquet")
        if file is not None and file.exists():
            yield Run(pd.read_parquet(file), None if means is None else pd.read_parquet(means))
            continue
        run = simulate(world, rng)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if means is not None and run.means is not None:
                run.means.to_parquet(means)
            run.effects.to_parquet(file)
        yield run


def main() -> None:
    """Print the table."""
    say = partial(print, flush=True)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", action="append", choices=list(WORLDS), help="one of these only; repeatable")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", type=Path, help="a policy in place of the built-in one")
    parser.add_argument("--keep", type=Path, help="folder for the judged changes")
    parser.add_argument(
        "--power", action="store_true", help="compare with `qbench power`; for worlds without an effect"
    )
    parser.add_argument("--rows", action="store_true", help="list the rows that were not decided, and that failed")
    given = parser.parse_args()
    policy = read_policy(given.policy)
    say("| world | runs | runs that fail | variants that fail | variants that pass | rows decided | rows left out |")
    say("|---|---|---|---|---|---|---|")
    of_means: list[str] = []
    compared: list[str] = []
    for name in given.world or WORLDS:
        world = WORLDS[name]
        count = given.runs * (SINGLE if len(world.models) == 1 else 1)
        runs = list(runs_of(name, world, count, given.seed, given.keep))
        effects = [run.effects for run in runs]
        answers = Answers.of(decide(effects, world, policy), len(runs))
        say(answers.line(name))
        for line in answers.details() if given.rows else ():
            say(line)
        if world.means:
            of_means.append(means_line(name, [decide([run.effects], world, policy, run.means) for run in runs]))
        if given.power and not world.loss and not world.growth:
            compared += against_power(effects, world, policy, streams(name, given.seed, count)[0])
    if of_means:
        say("\n| world | runs | runs that fail | quantizers that fail | quantizers that pass | means decided |")
        say("\n".join(["|---|---|---|---|---|---|", *of_means]))
    if compared:
        say("\n| number | there | needed for 80 % | expected | simulated |")
        say("\n".join(["|---|---|---|---|---|", *compared]))


if __name__ == "__main__":
    main()
