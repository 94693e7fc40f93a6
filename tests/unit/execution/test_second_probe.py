"""A probe of a plugin: it is planned, executed, cached, repeated, compared, scored, analysed and resumed by the core.

The plugin imports nothing but `qbench.api`, and the core knows nothing of it: that is what the test is about.
"""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.api import (
    INDEX,
    Attribute,
    Benchmark,
    Coverage,
    FolderSource,
    Geometry,
    Identity,
    ImageLocation,
    InputError,
    Items,
    Layer,
    Located,
    MetricInfo,
    Metrics,
    ModelSource,
    Outcome,
    Preprocessing,
    Quantizer,
    StatisticRef,
    Variant,
)
from qbench.api.probes import AnswerPart, ModelProvider, Probe, Questions
from qbench.execution.embedding_list import list_wanted
from qbench.execution.forecast import forecast
from qbench.execution.plan import make_plan
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from qbench.results import load
from qbench.results.analysis import analysed
from tests.unit.execution.conftest import PLUGIN

PROBE = "brightness"


class Meter:
    """A model that tells how bright an image is; rounded, and relative to its batch, if it is a coarse one."""

    def __init__(self, log, coarse):
        self.log, self.coarse = log, coarse

    def brightness(self, pixels):
        self.log.append(("brightness", len(pixels)))
        mean = pixels.reshape(len(pixels), -1).mean(1) / 255
        return np.round(mean / mean.max(), 1) if self.coarse else mean

    def close(self):
        self.log.append(("close",))


class Provider(ModelProvider):
    """One number for each image."""

    parts: ClassVar = {}

    def answers(self, asking):
        def compute(encoder, rows):
            return encoder.brightness(asking.pixels()[rows])

        return [AnswerPart(name=PROBE, parts=self.parts, count=len(asking.items.images), compute=compute)]

    def timed_work(self, asking):
        batch = np.array(asking.pixels()[: asking.batch_size])
        return {PROBE: lambda encoder: encoder.brightness(batch)}


class Method:
    """Brighter than the threshold of the task is bright."""

    def provider(self, name):
        return {"model": Provider()}[name]

    def questions(self, task, items):
        return Questions(content=task.threshold, digest=str(task.threshold), count=1)

    def outcome(self, task, items, questions, answers):
        found = answers[PROBE][items.table["image_index"].to_numpy()]
        return task.judge(found > questions.content, items)

    def drift(self, items, baseline, variant):
        moved = np.abs(baseline[PROBE] - variant[PROBE])[items.table["image_index"].to_numpy()]
        return items.table[["item", "side"]].assign(cosine=1 - moved)


class Task:
    threshold = 0.5

    def data(self, root):
        files = sorted(path.name for path in root.glob("*.png"))
        table = pd.DataFrame({"item": files, "image_index": range(len(files)), "label": [name[0] for name in files]})
        table["side"] = ["left" if i % 4 < 2 else "right" for i in range(len(files))]
        images = tuple(ImageLocation(FolderSource(root), name) for name in files)
        sides = Attribute(name="side", groups=("left", "right"), pairs=(("left", "right"),))
        return Items(table=table, images=images, root=root, attributes=(sides,))

    def judge(self, bright, items):
        correct = np.where(bright, "b", "d") == items.table["label"].to_numpy()
        return Outcome(items=items.table[["item", "label", "side"]].assign(correct=correct))

    def measure(self, outcome, weights=None):
        correct = outcome.items["correct"].to_numpy(dtype=float)
        weights = np.ones((1, len(correct))) if weights is None else weights
        index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX))
        values = (weights * correct).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        return Metrics(index=index, values=values, n=np.array([len(correct)]))


class Checkpoint:
    identity = Identity(source="meter", checkpoint="m", architecture="Meter", revision="local", fingerprint="f" * 32)
    preprocessing = Preprocessing(geometry=Geometry(size=4))

    def load(self, *, device, dtype, quantization_config=None):
        raise NotImplementedError


def records(log):
    def build(coarse):
        layer = Layer(name="a", tower="image", kind="Meter", parameters=1, quantized=coarse, bits=8)
        coverage = Coverage(layers=(layer,), total_parameters=1, model_bytes=4)

        def build_(checkpoint, context, options):
            log.append(("build", coarse))
            return Variant(encoder=Meter(log, coarse), coverage=coverage, dtype="float32")

        return build_

    accuracy = MetricInfo(
        name="accuracy", better="higher", unit="share", summary="", statistic=StatisticRef(name="share")
    )
    yield "qbench_probes", Probe(name=PROBE, summary="how bright an image is", load=Method)
    yield (
        "qbench_models",
        ModelSource(
            name="meter",
            summary="",
            locate=lambda c, o: Located(ready=True, where="here"),
            open=lambda c, o: Checkpoint(),
            probes=(PROBE,),
        ),
    )
    for name, coarse in (("exact", False), ("coarse", True)):
        kind = "quantization" if coarse else "control"
        yield "qbench_quantizers", Quantizer(name=name, summary="", bits=8, build=build(coarse), kind=kind)
    yield (
        "qbench_benchmarks",
        Benchmark(
            name="bright-or-dark",
            summary="",
            protocol="1",
            metrics=(accuracy,),
            load=lambda options: Task(),
            probes=(PROBE,),
        ),
    )


@pytest.fixture
def registry(registry, log):
    for hook, record in records(log):
        registry.entries[hook].append(Entry(plugin=PLUGIN, record=record))
    return registry


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(12):
        value = 40 + 10 * i if i % 2 else 250 - 10 * i
        Image.fromarray(np.full((8, 8, 3), value, dtype=np.uint8)).save(folder / f"{'bd'[i % 2]}{i:02d}.png")
    return folder


@pytest.fixture
def asked(spec, images):
    def make(**changes):
        values = {
            "models": ["meter/m"],
            "quantizers": ["exact", "coarse"],
            "baseline": "exact",
            "benchmarks": [{"name": "bright-or-dark", "root": str(images)}],
        }
        return spec(**values | changes)

    return make


def test_a_probe_of_a_plugin_goes_through_the_whole_core(asked, registry, cache, tmp_path, log):
    wanted, out = asked(noise=1, speed=1), tmp_path / "run"
    before = forecast(wanted, out, registry=registry, cache=cache)
    assert (before.to_compute, before.unmeasured) == (2, 2)
    done = execute(wanted, out, registry=registry, cache=cache)
    assert (done.done, done.failed) == (2, 0)

    # Asked in the planned batches of 5, in the dataset's order and in another one; never for embeddings.
    assert [count for what, *rest in log for count in rest if what == "brightness"][:6] == [5, 5, 2, 5, 5, 2]
    results = analysed(load(out))
    cells = {cell.quantizer: cell.record for cell in results.done}
    assert {record.probe for record in cells.values()} == {f"fake:{PROBE}"}
    assert cells["exact"].batch.other_orders == 1
    assert cells["exact"].data_info.texts == 1
    value = results.metrics.set_index("quantizer")["value"]
    truth = np.mean([(v > 127.5) == (i % 2 == 0) for i, v in enumerate(values())])
    assert value["exact"] == pytest.approx(truth)

    # Compared: with its baseline by item, and with itself in another order.
    drift = results.drift.query("attribute == ''").set_index("quantizer")
    assert 0 < drift.loc["coarse", "mean"] < 1
    assert set(results.drift["group"]) == {"", "left", "right"}
    noise = pd.read_parquet(next(out.glob("cells/*/*/coarse-*/noise.parquet")))
    assert noise["order"].tolist() == ["shuffle-1"]
    assert (results.speed[f"{PROBE}_per_second"] > 0).tolist() == [True, True]
    assert (results.cost[f"{PROBE}_seconds"] > 0).tolist() == [True, True]
    changes = results.effects
    assert set(changes["quantizer"]) == {"coarse"}
    assert changes["low"].notna().any()


def values():
    return [40 + 10 * i if i % 2 else 250 - 10 * i for i in range(12)]


def test_answers_are_cached_and_a_run_is_resumed(asked, registry, cache, tmp_path, log):
    execute(asked(), tmp_path / "run", registry=registry, cache=cache)
    log.clear()
    assert execute(asked(), tmp_path / "run", registry=registry, cache=cache).computed == 0
    assert execute(asked(), tmp_path / "again", registry=registry, cache=cache).computed == 2
    assert log == []
    after = forecast(asked(batch_size=3), tmp_path / "run", registry=registry, cache=cache)
    assert (after.to_compute, after.unmeasured) == (2, 0)
    assert after.seconds >= 0


def test_another_version_of_the_probe_gives_other_answers(asked, registry, cache, tmp_path, log):
    execute(asked(), tmp_path / "run", registry=registry, cache=cache)
    log.clear()
    registry.entries["qbench_probes"] = [
        replace(entry, plugin=replace(entry.plugin, version="2")) for entry in registry.entries["qbench_probes"]
    ]
    assert execute(asked(), tmp_path / "run", registry=registry, cache=cache).computed == 2
    assert ("brightness", 5) in log


def test_another_geometry_gives_other_answers(asked, registry, cache, tmp_path, log, monkeypatch):
    execute(asked(), tmp_path / "run", registry=registry, cache=cache)
    log.clear()
    monkeypatch.setattr(Checkpoint, "preprocessing", Preprocessing(geometry=Geometry(size=6)))
    assert execute(asked(), tmp_path / "run", registry=registry, cache=cache).computed == 2
    assert ("brightness", 5) in log


def test_a_plugin_that_fails_while_cells_are_planned_fails_its_cells_only(
    asked, registry, cache, tmp_path, monkeypatch
):
    """Here: a part whose key names what the execution adds."""
    monkeypatch.setattr(Provider, "parts", {"batch": 1, "pixels": 2})
    said = "the probe fake:brightness names batch, pixels in the parts of 'brightness'"
    before = forecast(asked(), tmp_path / "run", registry=registry, cache=cache)
    assert (before.unusable, before.to_compute, before.unknown) == (2, 0, 0)
    assert said in before.problems["meter/m · exact · bright-or-dark"]
    done = execute(asked(), tmp_path / "run", registry=registry, cache=cache)
    assert (done.done, done.failed) == (0, 2)
    cell = json.loads(next((tmp_path / "run").glob("cells/*/*/exact-*/cell.json")).read_text())
    assert said in cell["error"]["what"]
    assert cell["error"]["stage"] == "build"


def test_a_model_and_a_benchmark_without_a_common_probe_are_refused_when_planned(asked, registry):
    with pytest.raises(
        InputError, match=r"toy/one cannot be asked about bright-or-dark: .* probes brightness, .* embed"
    ):
        make_plan(asked(models=["toy/one"]), registry)
    with pytest.raises(InputError, match=r"meter/m cannot be asked about toys: .* probes embedding, .* answers bright"):
        make_plan(asked(benchmarks=[{"name": "toys", "dataset": "drawn"}]), registry)


def test_a_quantizer_that_does_not_answer_the_probe_is_refused_when_planned(asked, registry):
    entries = registry.entries["qbench_quantizers"]
    for change, said in (({"probes": ("embedding",)}, "coarse"), ({"provider": "precomputed"}, "coarse")):
        registry.entries["qbench_quantizers"] = [
            replace(e, record=replace(e.record, **change)) if e.record.name == "coarse" else e for e in entries
        ]
        with pytest.raises(
            InputError, match=rf"no common probe for bright-or-dark: brightness .* not answered by {said}"
        ):
            make_plan(asked(), registry)


def test_the_first_probe_of_the_benchmark_that_all_variants_answer_is_chosen(asked, registry):
    def accepting(*probes):
        registry.entries["qbench_benchmarks"] = [
            replace(e, record=replace(e.record, probes=probes)) if e.record.name == "bright-or-dark" else e
            for e in registry.entries["qbench_benchmarks"]
        ]
        plan = make_plan(asked(), registry)
        return plan.probes["meter/m", "bright-or-dark"].qualified

    assert accepting("embedding", PROBE) == f"fake:{PROBE}"
    assert accepting("not-installed", f"fake:{PROBE}") == f"fake:{PROBE}"
    with pytest.raises(InputError, match="there is no probe called 'not-installed'"):
        accepting("not-installed")


def test_what_is_not_embedded_is_not_listed_for_embedding(asked, registry, cache, tmp_path):
    with pytest.raises(InputError, match="'brightness', whose answers cannot be precomputed"):
        list_wanted(asked(), tmp_path / "list", registry=registry, cache=cache)
    assert not (tmp_path / "list").exists()


def test_a_second_default_probe_does_not_take_over_benchmarks(spec, registry):
    registry.entries["qbench_probes"] = [
        replace(entry, record=replace(entry.record, default=True)) for entry in registry.entries["qbench_probes"]
    ]
    with pytest.raises(InputError, match=r"more than one probe is the default: .*fake:brightness"):
        make_plan(spec(), registry)


def test_the_record_of_a_cell_names_the_probe(asked, registry, cache, tmp_path):
    execute(asked(), tmp_path / "run", registry=registry, cache=cache)
    cell = json.loads(next((tmp_path / "run").glob("cells/*/*/exact-*/cell.json")).read_text())
    assert cell["probe"] == f"fake:{PROBE}"


@pytest.fixture
def two_models(asked, images):
    """Two models, one of which is asked about the second benchmark only."""
    both = {"name": "bright-or-dark", "root": str(images)}
    sides = {"variant": "other", "baseline": "meter/m"}
    return asked(
        models=["meter/m", {"source": "meter", "checkpoint": "m", "label": "other"}],
        benchmarks=[both | {"label": "first", "models": ["meter/m"]}, both | {"label": "second"}],
        comparisons=[{side: {"model": model, "quantizer": "exact"} for side, model in sides.items()}],
    )


def test_a_benchmark_asks_the_models_that_it_names(two_models, registry, cache, tmp_path):
    out = tmp_path / "run"
    before = forecast(two_models, out, registry=registry, cache=cache)
    assert (before.plan.cells, before.to_compute, before.unusable, before.unknown) == (6, 6, 0, 0)
    execute(two_models, out, registry=registry, cache=cache)
    results = analysed(load(out))
    asked_about = {"meter/m": ("first", "second"), "other": ("second",)}
    assert {(c.model, c.quantizer, c.benchmark) for c in results.done} == {
        (model, quantizer, benchmark)
        for model, benchmarks in asked_about.items()
        for benchmark in benchmarks
        for quantizer in ("exact", "coarse")
    }
    compared = results.comparisons
    assert set(compared["not_compared"]) == {""}
    assert set(compared.loc[compared["in_spec"], "benchmark"]) == {"second"}
    assert forecast(two_models, out, registry=registry, cache=cache).done == 6


def test_a_model_that_a_benchmark_names_and_that_is_not_there_is_refused(two_models, registry):
    def naming(*labels):
        named = zip(two_models.benchmarks, (labels, ["other"]), strict=True)
        benchmarks = [benchmark.model_copy(update={"models": list(models)}) for benchmark, models in named]
        return make_plan(two_models.model_copy(update={"benchmarks": benchmarks}), registry)

    assert naming("meter/m").cells == 4
    with pytest.raises(InputError, match="first names the model 'meter/n', which is not one of the models"):
        naming("meter/n")
    with pytest.raises(InputError, match="the model meter/m is asked about no benchmark"):
        naming("other")


def test_models_of_different_probes_can_be_in_one_spec(asked, registry, images):
    spec = asked(
        models=["meter/m", "toy/one"],
        quantizers=["base"],
        baseline="base",
        benchmarks=[
            {"name": "bright-or-dark", "root": str(images), "models": ["meter/m"]},
            {"name": "toys", "dataset": "drawn", "models": ["toy/one"]},
        ],
    )
    plan = make_plan(spec, registry)
    assert {pair: probe.record.name for pair, probe in plan.probes.items()} == {
        ("meter/m", "bright-or-dark"): PROBE,
        ("toy/one", "toys"): "embedding",
    }
