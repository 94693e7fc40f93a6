"""Scores of images and texts are those of transformers' own matching head, whatever else is in the batch."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from qbench.api import ModelError
from qbench.api.probes import Matcher
from qbench.execution.run import execute
from qbench.plugins.registry import installed
from qbench.results import load as load_run
from qbench.spec.read import read_spec
from qbench.store.cache import Cache

TEXTS = ("a nurse", "a doctor at work", "a nurse", "dog")
IMAGE_OF = np.array([0, 0, 1, 2])


@pytest.fixture
def load(tiny, open_model):
    return lambda **options: open_model(tiny("matching"), "matching", **options).load(device="cpu", dtype="float32")


def test_scores_are_the_log_odds_of_the_matching_head(load, tiny, pixels_of):
    from transformers import BlipForImageTextRetrieval, BlipProcessor

    pixels, model = pixels_of("matching"), load(pairs_at_once=2)
    assert isinstance(model, Matcher)
    found = model.score_pairs(pixels, IMAGE_OF, TEXTS)
    module = BlipForImageTextRetrieval.from_pretrained(tiny("matching")).eval()
    processor = BlipProcessor.from_pretrained(tiny("matching"))
    for score, image, text in zip(found, IMAGE_OF, TEXTS, strict=True):
        with torch.inference_mode():
            (logits,) = module(**processor(images=pixels[image], text=text, return_tensors="pt")).itm_score
        assert score == pytest.approx((logits[1] - logits[0]).item(), abs=1e-4)
    assert len(set(found.tolist())) == len(found)


def test_a_text_that_is_too_long_is_named(load, pixels_of):
    with pytest.raises(ModelError, match=r"'a+' has \d+ tokens, but the model reads 256"):
        load().score_pairs(pixels_of("matching"), IMAGE_OF[:1], ["a" * 300])


@pytest.fixture
def coco(tmp_path):
    """Six images of noise with a caption each, in COCO's layout."""
    folder = tmp_path / "coco"
    for name in ("annotations", "val2017"):
        (folder / name).mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (6, 24, 24, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "val2017" / f"{number}.png")
    content = {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(6)],
        "annotations": [{"id": number, "image_id": number, "caption": "a" * (number + 1)} for number in range(6)],
    }
    (folder / "annotations" / "captions_val2017.json").write_text(json.dumps(content))
    return folder


def test_a_quantized_variant_is_compared_and_each_part_is_covered(tiny, facet, coco, tmp_path):
    spec = {
        "name": "x",
        "models": [{"source": "matching", "checkpoint": "tiny", "options": {"path": str(tiny("matching"))}}],
        "quantizers": ["fp32", "torch-int8", {"name": "hf-int8", "options": {"towers": "text"}}],
        "benchmarks": [
            {"name": "facet", "root": str(facet), "options": {"classes": "present", "min_group": 1}},
            {"name": "coco-matching", "root": str(coco), "options": {"candidates": 3}},
        ],
    }
    done = execute(read_spec(spec), tmp_path / "run", registry=installed(), cache=Cache(tmp_path / "cache"))
    results = load_run(tmp_path / "run")
    assert done.failed == 0, results.cells["error"].tolist()
    assert {cell.record.probe for cell in results.done} == {"core:pairs"}
    covered = results.coverage.set_index(["quantizer", "tower"])["quantized_layers"]
    assert covered["torch-int8"][["image", "text"]].gt(0).all()
    assert list(covered["hf-int8 (towers=text)"][["image", "text"]].gt(0)) == [False, True]
    drift = results.drift.query("attribute == ''").set_index(["benchmark", "quantizer"])["mean"]
    assert drift.between(0, 1, inclusive="neither").all()
    assert len(drift) == 4
    asked = results.items.query("benchmark == 'coco-matching'")
    assert asked.groupby("quantizer")["rank"].agg(["size", "max"]).to_dict("list")["size"] == [6, 6, 6]
    assert asked["rank"].max() < 3


@pytest.mark.parametrize(("family", "source"), [("blip", "matching"), ("matching", "generative")])
def test_a_blip_for_another_purpose_is_refused(tiny, open_model, family, source):
    with pytest.raises(ModelError, match="and not a Blip"):
        open_model(tiny(family), source)
