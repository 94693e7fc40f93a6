"""Whatever is in the outcomes of a run folder: the installed statistics judge them, or there is a message."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.errors import InputError
from qbench.results import load
from qbench.results.analysis import analyse_again
from qbench.runfolder.integrity import SEAL
from tests.unit.conftest import RunFolder
from tests.unit.runfolder.test_mutations import failures, mutations

MODEL, ITEMS, QUERIES = "openai/ViT-B-32", 12, ("a good person", "an evil person")
STATISTICS = {
    **dict.fromkeys(("accuracy", "recall"), "share"),
    **{name: name for name in ("mean_disparity", "mean_abs_disparity", "disparity")},
    **{name: name for name in ("max_skew", "min_skew", "skew", "ndkl")},
}
"""Metric → its statistic; the cells of the fixture declare none."""
COUNT = 40


def judged_run(folder: Path) -> Path:
    """A small run whose metrics have the statistics that they really have, as written before there were digests."""
    run = RunFolder(folder)
    for benchmark in ("facet", "fairface"):
        for quantizer in ("fp32", "hf-int8"):
            name = run.add(MODEL, quantizer, benchmark, classes=2, items=ITEMS)
            info = run.records[name]["benchmark_info"]
            info["metrics"] = [
                {**metric, "statistic": {"name": STATISTICS[metric["name"]]}}
                if metric["name"] in STATISTICS
                else metric
                for metric in info["metrics"]
            ]
            if benchmark == "fairface":
                _rank(run, name, seed=len(quantizer))
    run.run["spec"]["analysis"] = {"resamples": 19}
    return run.write()


def _rank(run: RunFolder, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = np.concatenate([rng.permutation(ITEMS) for _ in QUERIES])
    run.rankings[name] = pd.DataFrame({"query": np.repeat(QUERIES, ITEMS), "item": places})
    run.records[name]["facts"] = {"queries": list(QUERIES), "target": "uniform"}
    metrics = run.metrics[name]
    short = metrics["metric"].str.replace("@1000", "@5")  # the gallery has 12 items
    run.metrics[name] = metrics.assign(metric=short, value=metrics["value"].fillna(0.1))


def test_mutated_outcomes_are_judged_or_refused_with_a_message(tmp_path: Path) -> None:
    folder = judged_run(tmp_path / "run")
    assert set(load(folder).effects["statistic"]) > {"share", "disparity", "max_skew", "ndkl"}
    every = mutations(folder, random.Random(13))
    of_cells = (found for found in every if found.name.startswith("cells/") and "noise" not in found.name)
    assert failures(folder, itertools.islice(of_cells, COUNT), lambda _: analyse_again(load(folder), {})) == []


def test_facts_that_a_statistic_needs(tmp_path: Path) -> None:
    """A cell of a ranking that does not say its queries."""
    folder = judged_run(tmp_path / "run")
    for path in folder.glob("cells/fairface/*/*/cell.json"):
        values = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in values.items() if k != SEAL} | {"facts": {}}))
    with pytest.raises(
        InputError, match=r"cannot judge max_skew@10 from these outcomes: KeyError: 'queries'"
    ) as caught:
        analyse_again(load(folder), {})
    assert caught.value.where == f"{MODEL} · hf-int8 · fairface"
