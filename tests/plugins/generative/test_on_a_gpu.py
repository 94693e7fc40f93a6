"""On a GPU, where torch finds one, generative models and image-text matching answer as they do on the CPU."""

import numpy as np
import pytest
import torch

from qbench.api import Context
from qbench.api.probes import Question
from qbench.plugins.options import make_options
from qbench.plugins.registry import installed
from qbench_generative.families import FAMILIES

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")

WHO = Question(text="Who is it?", answers=("doctor", "nurse"))
NEAR = {"fp32": 2e-3, "bf16": 0.5, "hf-int8": 3.0, "hf-int4": 0.05, "ao-int8wo": 0.05, "ao-float8wo": 0.05}
"""By how much a log-likelihood of about −40 may differ between the devices. LLM.int8() computes other products on each
of them, and torchao rounds the products of its weights in another way."""


def built(checkpoint, name, device, **options):
    record = installed().quantizer(name).record
    return record.build(checkpoint, Context(device=device), make_options(record.options, options, where=name))


@pytest.mark.parametrize("name", NEAR)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_generative_model_answers_as_on_the_cpu(family, name, tiny, open_model, pixels_of):
    pixels, found = pixels_of(family), {}
    for device in ("cpu", "cuda"):
        checkpoint = open_model(tiny(family), **({"image_size": 56} if family == "qwen2_5_vl" else {}))
        variant = built(checkpoint, name, device, **({} if name in ("fp32", "bf16") else {"towers": "text"}))
        assert {p.device.type for p in variant.encoder.module.parameters()} == {device}
        scores = variant.encoder.score_answers(pixels, np.arange(len(pixels)), [WHO] * len(pixels))
        found[device] = np.stack(scores)[..., 0]
        variant.encoder.close()
    assert np.abs(found["cuda"] - found["cpu"]).max() < NEAR[name]


def test_image_text_matching_scores_as_on_the_cpu(tiny, open_model, pixels_of):
    pixels, texts = pixels_of("matching"), ["a doctor", "a nurse at work"]
    found = {}
    for device in ("cpu", "cuda"):
        matcher = open_model(tiny("matching"), "matching").load(device=device, dtype="float32")
        rows = np.repeat(np.arange(len(pixels)), len(texts))
        found[device] = np.asarray(matcher.score_pairs(pixels, rows, texts * len(pixels)))
    np.testing.assert_allclose(found["cuda"], found["cpu"], atol=1e-3)
