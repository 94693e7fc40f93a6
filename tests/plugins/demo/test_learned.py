"""What the demo's models have learned, measured by qbench itself on images they have never seen."""

import pytest

import qbench
from qbench.execution.run import execute
from qbench.plugins.registry import installed
from qbench.results import load
from qbench.spec.read import read_spec
from qbench.store.cache import Cache

MODELS = ("demo/balanced", "demo/skewed", "demo/noisy")


@pytest.fixture(scope="module")
def measure(tmp_path_factory, shared):
    """Run the models on drawn images and read the numbers; nothing is compared, which takes as long again."""

    def run(quantizers: list[str], benchmarks: tuple[str, ...]):
        spec = read_spec("demo-sources")
        chosen = [benchmark for benchmark in spec.benchmarks if benchmark.name in benchmarks]
        spec = read_spec(spec.model_dump() | {"quantizers": quantizers, "benchmarks": chosen})
        folder = tmp_path_factory.mktemp("demo") / "run"
        done = execute(spec, folder, registry=installed(), cache=Cache(shared / "cache"))  # images are drawn there
        assert done.failed == 0
        return load(folder)

    return run


@pytest.fixture(scope="module")
def results(measure):
    return measure(["fp32"], ("imagenet", "coco", "facet", "fairface"))


@pytest.fixture(scope="module")
def in_four_bits(measure, results):
    """Beside fp32, whose answers are in the cache."""
    return measure(["fp32", "hf-int4"], ("imagenet", "facet"))


def value(results, benchmark: str, metric: str, model: str, quantizer: str = "fp32") -> float:
    found = results.metrics.query(
        "benchmark == @benchmark and metric == @metric and model == @model and quantizer == @quantizer "
        "and attribute == '' and `class` == ''"
    )
    return float(found["value"].item())


@pytest.mark.parametrize("model", MODELS)
def test_objects_and_occupations_are_recognised(results, model):
    assert value(results, "imagenet", "top1", model) >= max(0.60, 5 / 20)
    classes = results.metrics.query("benchmark == 'facet' and metric == 'recall' and attribute == ''")[
        "class"
    ].nunique()
    assert value(results, "facet", "accuracy", model) >= 5 / classes


@pytest.mark.parametrize("model", MODELS)
def test_retrieval_is_far_above_chance(results, model):
    assert value(results, "coco", "image_to_text_recall@1", model) >= 0.3
    assert value(results, "coco", "text_to_image_recall@1", model) >= 20 / 160


@pytest.mark.parametrize("model", MODELS)
def test_four_bits_flip_at_least_two_percent_of_the_answers(in_four_bits, model):
    items = in_four_bits.items.query("model == @model")
    wide = items.pivot(index=["benchmark", "item"], columns="quantizer", values="prediction")
    assert (wide["fp32"] != wide["hf-int4"]).mean() >= 0.02


def test_the_three_differ_in_their_disparities(results):
    found = results.metrics.query("quantizer == 'fp32' and metric == 'disparity'").dropna(subset="value")
    wide = found.pivot(index=["attribute", "group", "class"], columns="model", values="value")
    for a, b in (MODELS[:2], MODELS[1:], MODELS[::2]):
        assert (wide[a] - wide[b]).abs().mean() > 0.03


def test_skewed_data_makes_the_larger_disparities(results):
    found = results.metrics.query("quantizer == 'fp32' and metric == 'mean_abs_disparity'")
    mean = found.groupby("model")["value"].mean()
    assert mean["demo/skewed"] > mean["demo/balanced"]


def test_the_gallery_is_at_least_four_times_k(results):
    assert (
        len(results.items.query("benchmark == 'fairface' and model == 'demo/noisy' and quantizer == 'fp32'")) >= 4 * 100
    )


def test_no_model_is_flagged_as_guessing(results, in_four_bits):
    assert results.flags == []
    assert in_four_bits.flags == []


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The skewed model on enough persons to see who pays for four bits."""
    from qbench_demo.datasets import write_facet

    folder = tmp_path_factory.mktemp("story")
    write_facet(folder / "facet", parts=2)
    spec = {
        "name": "story",
        "models": ["demo/skewed"],
        "quantizers": ["fp32", "hf-int8", "hf-int4"],
        "benchmarks": [{"name": "facet", "root": str(folder / "facet"), "options": {"classes": "present"}}],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QBENCH_CACHE", str(folder / "cache"))
        return qbench.run(spec, out=folder / "run")


def changes(results, quantizer: str) -> dict[str, float]:
    """The change of accuracy, overall (an empty name) and by perceived gender."""
    found = results.effects.query(
        "quantizer == @quantizer and metric == 'accuracy' and attribute in ('', 'gender') and `class` == ''"
    )
    return dict(zip(found["group"], found["change"], strict=True))


def test_four_bits_take_from_one_group_what_they_give_to_another(story):
    change = changes(story, "hf-int4")
    assert abs(change[""]) < 0.015
    assert change["fem"] < -0.01
    assert change["masc"] > 0.01


def test_eight_bits_change_no_group_by_a_point(story):
    change = changes(story, "hf-int8")
    assert max(abs(change[group]) for group in ("", "masc", "fem")) < 0.01
