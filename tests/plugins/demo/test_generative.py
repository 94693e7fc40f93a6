"""What the demo's generative model has learned, on drawings that it has never seen, and what ships with it."""

import hashlib
import json

import pytest

import qbench
from qbench_demo import GENERATIVE
from qbench_demo.people import OCCUPATIONS

MODEL = "demo-generative/balanced"
PRECISIONS = ("fp32", "hf-int8", "hf-int4")
PERSONS = 112


@pytest.fixture(scope="module")
def results(tmp_path_factory, shared):
    spec = {
        "name": "generative",
        "models": [MODEL],
        "quantizers": list(PRECISIONS),
        "benchmarks": [{"name": "facet", "dataset": "demo-facet", "options": {"classes": "present"}}],
        "limit": PERSONS,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QBENCH_CACHE", str(shared / "cache"))  # where the images have been drawn already
        return qbench.run(spec, out=tmp_path_factory.mktemp("generative") / "run")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_it_names_occupations_in_every_precision_far_more_often_than_by_chance(results, precision):
    asked = results.items.query("quantizer == @precision")
    assert len(asked) == PERSONS
    assert asked["correct"].mean() >= 5 / len(OCCUPATIONS)
    assert set(asked["prediction"]) == set(OCCUPATIONS)


def test_it_is_asked_questions_and_no_number_is_void(results):
    assert {cell.record.probe for cell in results.done} == {"core:choices"}
    assert results.flags == []


def test_each_quantizer_reaches_the_image_tower_the_projector_and_the_language_model(results):
    layers = results.coverage.set_index(["quantizer", "tower"])["quantized_layers"]
    for quantizer in PRECISIONS[1:]:
        assert layers[quantizer][["image", "projector", "text"]].gt(0).all()


def test_its_card_says_how_these_weights_were_trained_and_measured():
    card, record = (GENERATIVE / "README.md").read_text(), json.loads((GENERATIVE / "training.json").read_text())
    assert f"{record['images']} images" in card
    assert f"{record['steps']} batches of {record['batch']}" in card
    assert hashlib.sha256((GENERATIVE / "model.safetensors").read_bytes()).hexdigest() in card
    shares = next(line for line in card.splitlines() if line.startswith("| facet top-1 (crop) |"))
    assert len(found := [float(x) for x in shares.strip("|").split("|")[1:]]) == 4
    assert min(found) >= 5 / len(OCCUPATIONS)


def test_it_takes_at_most_6_mb():
    assert sum(path.stat().st_size for path in GENERATIVE.iterdir()) <= 6_000_000
