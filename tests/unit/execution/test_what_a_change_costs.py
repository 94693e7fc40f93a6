"""A changed spec costs what depends on the change, and nothing else: seen in the log of the run, and at the model."""

import json
from dataclasses import dataclass

import pytest

from qbench.api import Benchmark, MetricInfo, Prompts
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from tests.unit.execution.conftest import PLUGIN, Task


@dataclass(frozen=True)
class Options:
    ks: tuple[int, ...] = (1,)
    word: str = "dark"
    broken: str = ""


class Worded(Task):
    """As the benchmark of the fakes, with an option that decides a text and one that decides numbers only."""

    def prompts(self, items):
        found = super().prompts(items)
        return Prompts(
            texts=("bright", self.options.word), targets=found.targets, target_of=found.target_of, pool=False
        )


@pytest.fixture
def costs(registry, spec, cache, tmp_path, log):
    """Run a spec after `first`; which cells had which stage, and what the models were asked: kind → how many."""
    metric = MetricInfo(name="accuracy", better="higher", unit="share", summary="")
    record = Benchmark(name="worded", summary="", protocol="1", metrics=(metric,), load=Worded, options=Options)
    registry.entries["qbench_benchmarks"].append(Entry(plugin=PLUGIN, record=record))
    other = {"name": "toys", "dataset": "drawn"}

    def run(**changes):
        options = changes.pop("options", {})
        wanted = spec(benchmarks=[{"name": "worded", "dataset": "drawn", "options": options}, other], **changes)
        log.clear()
        (tmp_path / "run" / "run.log.jsonl").unlink(missing_ok=True)
        execute(wanted, tmp_path / "run", registry=registry, cache=cache)
        lines = map(json.loads, (tmp_path / "run" / "run.log.jsonl").read_text(encoding="utf-8").splitlines())
        stages = {stage: set() for stage in ("decode", "answer", "score", "drift")}
        for line in lines:
            assert line["level"] == "info", line
            if line["stage"] in stages and line["what"] == "is done":
                stages[line["stage"]].add(line["cell"])
        asked = {kind: sum(x[1] for x in log if x[0] == kind) for kind in ("images", "texts")}
        return stages, asked

    run()
    return run


BOTH = {"toy/one · base · worded", "toy/one · half · worded"}


def test_no_change_costs_nothing(costs):
    stages, asked = costs()
    assert not any(stages.values())
    assert not any(asked.values())


def test_a_metric_option_costs_scores_and_asks_no_model(costs):
    stages, asked = costs(options={"ks": (1, 5)})
    assert stages["score"] == BOTH
    assert stages["drift"] == {"toy/one · half · worded"}, "a table of the cell, from embeddings that are there"
    assert not stages["decode"]
    assert not any(asked.values())


@pytest.mark.parametrize(
    "analysis", [{"margins": {"accuracy": 0.02}}, {"confidence": 0.9}, {"resamples": 999}, {"seed": 3}]
)
def test_a_setting_of_the_analysis_costs_no_unit(costs, analysis):
    stages, asked = costs(analysis=analysis)
    assert not any(stages.values())
    assert not any(asked.values())


def test_a_prompt_costs_texts_and_no_image(costs):
    stages, asked = costs(options={"word": "dim"})
    assert stages["score"] == BOTH
    assert not stages["decode"]
    assert asked == {"images": 0, "texts": 2 * 2}


def test_another_quantizer_costs_its_own_cells(costs):
    stages, asked = costs(quantizers=["base", {"name": "half", "label": "again"}])
    assert stages["score"] == {"toy/one · again · worded", "toy/one · again · toys"}
    assert not any(asked.values()), "a label decides no answer"
