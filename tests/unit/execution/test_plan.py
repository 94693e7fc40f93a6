"""A spec becomes a plan of records and options; what it cannot become is the user's error."""

from dataclasses import replace
from pathlib import Path

import pytest

from qbench.errors import InputError
from qbench.execution.forecast import forecast
from qbench.execution.plan import make_plan, narrowed
from qbench.execution.run import execute
from qbench.metrics.interface import Unavailable
from qbench.results import load
from tests.unit.execution.conftest import Task


def test_every_combination_is_a_cell(spec, registry):
    plan = make_plan(spec(models=["toy/one", "toy/two"]), registry)
    assert plan.cells == 4
    assert [m.label for m in plan.models] == ["toy/one", "toy/two"]


def test_one_model_of_a_spec_has_the_benchmarks_that_ask_it(spec, registry):
    toys = {"name": "toys", "dataset": "drawn"}
    named = spec(
        models=["toy/one", "toy/two"],
        benchmarks=[{**toys, "label": label, "models": models} for label, models in (("a", ["toy/one"]), ("b", []))],
    )
    assert narrowed(named, registry) == named
    for model, labels in (("toy/one", ["a", "b"]), ("toy/two", ["b"])):
        plan = make_plan(narrowed(named, registry, model=model), registry)
        assert ([m.label for m in plan.models], [b.label for b in plan.benchmarks]) == ([model], labels)
    with pytest.raises(InputError, match=r"no model 'toy/three'\nIt has: toy/one, toy/two"):
        narrowed(named, registry, model="toy/three")
    with pytest.raises(InputError, match="'toy/two' is not asked about the benchmark 'a'"):
        narrowed(named, registry, model="toy/two", benchmark="a")


def test_one_quantizer_of_a_spec_has_the_baseline_beside_it_and_one_benchmark_is_alone(spec, registry):
    toys = [{"name": "toys", "dataset": "drawn", "label": label} for label in ("a", "b")]
    several = spec(quantizers=["base", "half", "bad"], benchmarks=toys)
    plan = make_plan(narrowed(several, registry, quantizer="half", benchmark="b"), registry)
    assert [[x.label for x in of] for of in (plan.quantizers, plan.benchmarks)] == [["base", "half"], ["b"]]
    with pytest.raises(InputError, match=r"no quantizer 'int8'\nIt has: base, half, bad"):
        narrowed(several, registry, quantizer="int8")
    with pytest.raises(InputError, match=r"no benchmark 'c'\nIt has: a, b"):
        narrowed(several, registry, benchmark="c")


def test_two_things_with_one_label_are_refused(spec, registry):
    with pytest.raises(InputError, match="two models are called 'toy/one'"):
        make_plan(spec(models=["toy/one", "toy/one"]), registry)
    assert (
        make_plan(spec(models=["toy/one", {"source": "toy", "checkpoint": "one", "label": "b"}]), registry).cells == 4
    )


def test_the_baseline_has_to_be_there(spec, registry):
    with pytest.raises(InputError, match="the baseline 'fp32' is not one of the quantizers"):
        make_plan(spec(baseline="fp32"), registry)


def test_an_unknown_checkpoint_is_refused_with_those_there_are(spec, registry):
    with pytest.raises(InputError, match=r"no checkpoint 'three'\nIt has: one, two, missing"):
        make_plan(spec(models=["toy/three"]), registry)


def test_a_quantizer_that_does_not_run_on_the_device_runs_on_its_own(spec, registry):
    plan = make_plan(spec(device="cuda:1"), registry)
    assert [q.device for q in plan.quantizers] == ["cuda:1", "cpu"]


def test_changed_options_are_in_the_label(spec, registry):
    from qbench.plugins.registry import Entry, Plugin
    from qbench_quantizers import qbench_quantizers

    plugin = Plugin(name="q", module="q", distribution="q", version="1")
    registry.entries["qbench_quantizers"] += [Entry(plugin=plugin, record=r) for r in qbench_quantizers()]
    plan = make_plan(
        spec(quantizers=["base", "hf-int4", {"name": "hf-int4", "options": {"quant_type": "fp4", "dtype": "float32"}}]),
        registry,
    )
    assert [q.label for q in plan.quantizers] == ["base", "hf-int4", "hf-int4 (quant_type=fp4)"]


def test_data_is_looked_for_in_the_environment(spec, registry, monkeypatch, tmp_path):
    monkeypatch.setenv("QBENCH_DATA", str(tmp_path))
    assert make_plan(spec(benchmarks=["toys"]), registry).benchmarks[0].root == tmp_path / "toys"


def test_a_forecast_runs_nothing(spec, registry, cache, tmp_path, log):
    found = forecast(spec(models=["toy/one", "toy/missing"]), tmp_path / "run", registry=registry, cache=cache)
    assert [(m.state, m.detail) for m in found.models] == [("ready", "one"), ("missing", "get missing")]
    assert found.benchmarks[0].state == "written at the first run"
    assert (found.done, found.to_compute, found.unknown) == (0, 0, 4)
    assert not found.same_checkpoints
    assert not log
    assert not (tmp_path / "run").exists()


def test_a_forecast_names_models_that_are_the_same_checkpoint(spec, registry, cache, tmp_path):
    again = {"source": "toy", "checkpoint": "one", "label": "b"}
    found = forecast(spec(models=["toy/one", "toy/two", again]), tmp_path / "run", registry=registry, cache=cache)
    (said,) = found.same_checkpoints
    assert said.startswith("toy/one and b are the same checkpoint (one)")


def test_a_quantizer_for_gpus_only_is_refused_on_a_cpu(spec, registry):
    from dataclasses import replace

    entries = registry.entries["qbench_quantizers"]
    registry.entries["qbench_quantizers"] = [
        replace(e, record=replace(e.record, devices=("cuda",))) if e.record.name == "half" else e for e in entries
    ]
    with pytest.raises(InputError, match="'half' runs on cuda, not on 'cpu'"):
        make_plan(spec(), registry)


def test_the_command_lines_options_are_checked_like_the_specs(spec):
    from qbench.cli.common import overridden

    assert overridden(spec(), limit=3, device=None).limit == 3
    asked = {"name": "toys", "dataset": "drawn", "models": ["toy/one"]}
    added = overridden(spec(benchmarks=[asked, {**asked, "models": []}]), [Path("mine")]).benchmarks[-1]
    assert (added.name, added.models) == ("declared", ["toy/one"])
    with pytest.raises(InputError, match="the command line: batch_size"):
        overridden(spec(), batch_size=100_000)


@pytest.mark.parametrize(
    ("margins", "said"),
    [
        ({"acuracy": 0.1}, "no number of this run has the margin 'acuracy'"),
        ({"share": 2}, "which is 200 points"),
        ({"share": 1}, "0.01 is 1 point"),
    ],
)
def test_a_margin_that_cannot_be_meant_is_refused(spec, registry, margins, said):
    with pytest.raises(InputError, match=said):
        make_plan(spec(analysis={"margins": margins}), registry)


class SaysSo(Task):
    """It says that one of its numbers cannot be had."""

    def unavailable(self, items):
        return [Unavailable(metric="accuracy", cause=f"{len(items)} images are too few", remedy="Use more.")]


def test_what_the_data_cannot_give_is_said_before_and_kept(spec, registry, cache, tmp_path):
    entries = registry.entries["qbench_benchmarks"]
    entries[0] = replace(entries[0], record=replace(entries[0].record, load=SaysSo))
    out = tmp_path / "run"
    done = execute(spec(limit=4), out, registry=registry, cache=cache)
    assert done.failed == 0
    said = Unavailable(metric="accuracy", cause="4 images are too few", remedy="Use more.")
    assert forecast(spec(limit=4), out, registry=registry, cache=cache).unavailable == {"toys": (said,)}
    assert load(out).why_unavailable("toys", "accuracy") == said
