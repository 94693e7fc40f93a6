"""The built-in quantizers on generative models of every family: parts, coverage, casts, and answers that repeat."""

import numpy as np
import pytest

from qbench.api import Context, simulate
from qbench.api.probes import Question
from qbench.plugins.options import make_options
from qbench.plugins.registry import installed
from qbench_generative.families import FAMILIES

WHO = Question(text="Who is it?", answers=("doctor", "nurse"))


@pytest.fixture
def build(tiny, open_model):
    def make(family, name, **options):
        record = installed().quantizer(name).record
        checkpoint = open_model(tiny(family), **({"image_size": 56} if family == "qwen2_5_vl" else {}))
        return record.build(checkpoint, Context(device="cpu"), make_options(record.options, options, where=name))

    return make


def answers_of(variant, pixels):
    found = variant.encoder.score_answers(pixels, np.arange(len(pixels)), [WHO] * len(pixels))
    return np.stack(found)[..., 0]


@pytest.mark.parametrize("name", ["hf-int8", "hf-int4", "torch-int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_language_model_is_quantized_and_the_rest_is_kept(family, name, build, pixels_of):
    variant = build(family, name, towers="text")
    layers = variant.coverage.layers
    quantized = {tower: {x.quantized for x in layers if x.tower == tower} for tower in ("image", "projector", "text")}
    assert {x.tower for x in layers} <= set(quantized)
    assert True in quantized["text"]
    assert True not in quantized["image"] | quantized["projector"]
    assert all(x.error is not None for x in layers), [x.name for x in layers if x.error is None]
    assert all((x.error > 0) == x.quantized for x in layers)
    pixels = pixels_of(family)
    found = answers_of(variant, pixels)
    np.testing.assert_array_equal(found, answers_of(variant, pixels))
    moved = np.abs(found - answers_of(build(family, "fp32"), pixels))
    assert 0 < moved.max() < 20


@pytest.mark.parametrize("family", FAMILIES)
def test_each_part_can_be_quantized_alone_or_all_together(family, build, pixels_of):
    pixels, found = pixels_of(family), {}
    parts = {"image", "text"} if family == "blip" else {"image", "projector", "text"}  # whose decoder reads the tower
    for towers in (*sorted(parts), "both"):
        variant = build(family, "prune-magnitude", towers=towers)
        quantized = {x.tower for x in variant.coverage.layers if x.quantized}
        assert quantized == (parts if towers == "both" else {towers})
        found[towers] = answers_of(variant, pixels)
    answers = list(found.values())
    assert all(np.abs(a - b).max() > 1e-4 for i, a in enumerate(answers) for b in answers[:i])


@pytest.mark.parametrize("name", ["bf16", "fp16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_cast_model_answers_in_its_own_type(family, name, build, pixels_of):
    variant, pixels = build(family, name), pixels_of(family)
    types = {str(x.dtype) for x in variant.encoder.module.parameters()}
    assert types == {{"bf16": "torch.bfloat16", "fp16": "torch.float16"}[name]}
    found = answers_of(variant, pixels)
    np.testing.assert_array_equal(found, answers_of(variant, pixels))
    moved = np.abs(found - answers_of(build(family, "fp32"), pixels))
    assert 0 < moved.max() < {"bf16": 1.0, "fp16": 0.2}[name]


def test_a_simulated_method_answers(tiny, open_model, pixels_of):
    pixels = pixels_of("llava")
    checkpoint = open_model(tiny("llava"))
    variant = simulate(checkpoint, Context(device="cpu"), lambda name, weight: (weight.round(decimals=2), 8.0))
    assert {x.tower for x in variant.coverage.layers} == {"image", "projector", "text"}
    assert np.isfinite(answers_of(variant, pixels)).all()


def test_a_quantized_model_is_saved_and_loaded_as_it_is(build, open_model, pixels_of, tmp_path):
    variant = build("llava", "hf-int4", towers="text")
    name = variant.save(tmp_path)
    record = installed().quantizer(name).record
    stored = record.build(open_model(tmp_path), Context(device="cpu"), record.options())
    pixels = pixels_of("llava")
    np.testing.assert_allclose(answers_of(stored, pixels), answers_of(variant, pixels), atol=1e-4)
