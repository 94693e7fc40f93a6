"""On a GPU, where torch finds one: embeddings, runs and batch sizes. The contracts choose the GPU by themselves."""

import numpy as np
import pytest
import torch

import qbench
from qbench.testing import tiny

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")


def test_batches_that_are_begun_ahead_have_the_embeddings_of_those_that_are_not(tiny_clip, open_clip_source):
    encoder = open_clip_source(tiny_clip).load(device="cuda", dtype="float32")
    batches = [tiny.pixels(64) + np.uint8(step) for step in range(20)]
    alone = [encoder.encode_images(pixels) for pixels in batches]
    waiting, found = encoder.begin_images(batches[0]), []
    for pixels in batches[1:]:
        after = encoder.begin_images(pixels)
        found.append(waiting())
        waiting = after
    found.append(waiting())
    np.testing.assert_array_equal(np.stack(found), np.stack(alone))


def test_two_runs_have_the_same_bits(tiny_clip, tmp_path, monkeypatch):
    benchmark, frames = tiny.benchmark(tiny.write_images(tmp_path / "images")), []
    for name in ("first", "second"):
        monkeypatch.setenv("QBENCH_CACHE", str(tmp_path / f"cache-{name}"))
        spec = {
            "name": "gpu",
            "models": [tiny.model(tiny_clip)],
            "quantizers": ["fp32", "bf16", "hf-int8", "hf-int4", "ao-int8wo"],
            "benchmarks": [benchmark],
            "device": "cuda",
            "batch_size": 3,
        }
        results = qbench.run(spec, out=tmp_path / name)
        assert set(results.cells["status"]) == {"done"}, results.cells[["quantizer", "error"]].to_string()
        frames.append(results.metrics)
    assert frames[0].equals(frames[1])
