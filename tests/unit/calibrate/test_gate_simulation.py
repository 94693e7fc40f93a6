"""The simulated study of the gate: its changes are those of the statistics, and the gate decides them."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.analysis.judge import judge
from qbench.api import Outcome
from qbench.policy.model import read_policy
from qbench.results.statistics import declared_statistics
from qbench.statistics.ledger import Comparison, Ledger
from qbench.statistics.settings import Settings
from qbench_benchmarks import FACET

BENCHMARKS = str(Path(__file__).parents[3] / "benchmarks")
sys.path.insert(0, BENCHMARKS)
gate_simulation, gate_power, gate_runs, gate_worlds = (
    importlib.import_module(f"gate_{name}") for name in ("simulation", "power", "runs", "worlds")
)
sys.path.remove(BENCHMARKS)
ATTRIBUTES, Items, simulate = gate_runs.ATTRIBUTES, gate_runs.Items, gate_runs.simulate
Answers, decide = gate_simulation.Answers, gate_simulation.decide
SMALL = gate_worlds.World(flips=0.02, loss={"gender=fem": 0.04}, benchmarks=(FACET,), persons=3000, **gate_worlds.ALONE)


@pytest.fixture
def few_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_runs, "CLASSES", 3)


@pytest.mark.usefixtures("few_classes")
def test_simulated_changes_are_those_of_the_statistics() -> None:
    rng = np.random.default_rng(2)
    items = Items(FACET, SMALL, rng)
    before = items.before(rng)
    after = items.after(rng, before)
    found = items.changes(before, after).set_index(["metric", "attribute", "group"])
    groups = {
        attribute.name: np.array([*attribute.groups, "na"], dtype=object)[code]
        for attribute, (_, code, _) in zip(ATTRIBUTES["facet"], items.partitions[1:], strict=True)
    }
    labels = np.array(["a", "b", "c"], dtype=object)[items.label]
    table = pd.DataFrame({"item": range(3000), "image": items.image.astype(str), "label": labels, **groups})
    rows = [(*name, "", 0.0) for name in found.index]
    pairs = [name for name in found.index if name[0] == "mean_disparity"]
    rows += [("disparity", attribute, group, label, 0.0) for _, attribute, group in pairs for label in "abc"]
    ledger = Ledger(
        pd.DataFrame(rows, columns=["metric", "attribute", "group", "class", "change"]).assign(n=found["n"].iloc[0])
    )
    declared = declared_statistics((info.name, info.statistic) for info in FACET.metrics)
    comparison = Comparison(
        names={"model": "m", "quantizer": "q", "benchmark": "facet"},
        before=Outcome(items=table.assign(correct=before == 0)),
        after=Outcome(items=table.assign(correct=after == 0)),
        statistics=declared.made,
        declared=declared.names,
        attributes={attribute.name: attribute for attribute in ATTRIBUTES["facet"]},
    )
    judge(ledger, comparison, Settings())
    wanted = ledger.table().set_index(["metric", "attribute", "group"]).loc[found.index]
    wanted = wanted[wanted["class"] == ""]
    shares, means = found["method"] == "tango", found["method"] == "mover"
    assert shares.sum() == 9
    assert means.sum() == 7
    for name in ("n1", "gain1", "loss1", "deff1"):
        assert found.loc[shares, name].to_numpy() == pytest.approx(wanted.loc[shares.to_numpy(), name].to_numpy())
    for name in (
        "se",
        "df",
        "sum_se",
        *(f"{name}{side}" for name in ("n", "gain", "loss", "deff") for side in (1, 2)),
        "rho",
    ):
        assert found.loc[means, name].to_numpy() == pytest.approx(wanted.loc[means.to_numpy(), name].to_numpy())
    influences = items.influences(before, after)
    assert len(influences) == len(found)
    for row, mine in enumerate(influences):  # the images are numbered otherwise there
        theirs = ledger.influence[row]
        np.testing.assert_allclose(np.sort(mine[mine != 0]), np.sort(theirs[theirs != 0]), atol=1e-12)


def test_the_means_over_checkpoints_are_those_of_the_changes_and_decide() -> None:
    models, rng = tuple("abcdef"), np.random.default_rng(4)
    world = replace(SMALL, loss={"": 0.06}, models=models, means=True)
    run = simulate(world, rng)
    assert run.means is not None
    mean = run.means.set_index(["metric", "attribute", "group"]).loc[("accuracy", "", "")]
    changes = run.effects.query("metric == 'accuracy' and attribute == ''")["change"]
    assert (mean["checkpoints"], mean["mean"]) == (6, pytest.approx(changes.mean()))
    assert mean["se"] == pytest.approx(changes.std() / np.sqrt(6), rel=0.5)
    (answer,) = decide([run.effects], world, read_policy(), run.means).quantizers
    assert (answer.checkpoints, answer.rows[0].metric, answer.rows[0].status) == (6, "accuracy", "fail")
    line = gate_simulation.means_line("w", [decide([run.effects], world, read_policy(), run.means)])
    assert line.startswith("| w | 1 | 100.0 % | 100.0 % | 0.0 % |")


def test_the_sizes_of_power_are_held_against_the_simulated_changes() -> None:
    world = replace(SMALL, loss={}, persons=6000)
    effects = [simulate(world, np.random.default_rng(i)).effects for i in range(2)]
    lines = gate_power.against_power(effects, world, read_policy(), np.random.default_rng(0))
    assert lines
    assert all(line.startswith("| facet ") and line.count("|") == 6 for line in lines)
    assert gate_power.expected_share(1.0) == pytest.approx(0.8)
    assert gate_power.expected_share(0.5) < 0.5


def test_the_gate_fails_what_loses_far_more_than_its_limit_and_nothing_else() -> None:
    worlds = {"loss": replace(SMALL, loss={"gender=fem": 0.1}, persons=8000), "none": replace(SMALL, loss={})}
    found = {
        name: Answers.of(decide([simulate(world, np.random.default_rng(1)).effects], world, read_policy()), 1)
        for name, world in worlds.items()
    }
    assert found["loss"].runs_fail == 1
    assert "facet accuracy gender fem" in found["loss"].failed
    assert found["none"].runs_fail == 0
