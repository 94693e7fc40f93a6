"""``qbench ablate --dry-run`` and ``qbench tune --model --save`` on the demo, as a user runs them."""

import numpy as np
import pytest

from qbench.execution.single import built
from qbench.plugins.registry import installed
from qbench.results import load
from qbench.spec.model import ModelSpec
from qbench.spec.read import read_spec
from qbench.testing import tiny

SPEC = """
name = "two"
limit = 48
models = ["demo/skewed", "demo/balanced"]
quantizers = ["fp32", {{ name = "{quantizer}", options = {{ skip = ["*.layers.0.*"] }} }}]

[[benchmarks]]
name = "facet"
dataset = "demo-facet"
options = {{ classes = "present", min_group = 1 }}
"""
POLICY = 'version = 1\n[[rule]]\nid = "all"\nmetric = "accuracy"\nscope = "overall"\nlimit = 0.5\n'
STORED = """
name = "again"
limit = 48
half = { part = "second" }
baseline = "stored"
models = [{ source = "clip", checkpoint = "kept", options = { path = "kept" } }]
quantizers = ["stored"]
benchmarks = [{ name = "facet", dataset = "demo-facet", options = { classes = "present", min_group = 1 } }]
"""


@pytest.mark.parametrize("quantizer", ["hf-int8", "hf-int4"])
def test_the_saved_model_of_one_of_two_gives_the_answers_that_were_confirmed(small, qbench_here, tmp_path, quantizer):
    (tmp_path / "two.toml").write_text(SPEC.format(quantizer=quantizer))
    (tmp_path / "policy.toml").write_text(POLICY)
    one = ("two.toml", "--model", "demo/balanced")
    cost = qbench_here("ablate", *one, "--dry-run", cwd=tmp_path).stdout
    # Of four image blocks and three text blocks the first ones are left out by the spec; and a projection.
    assert (
        "The ablation has 6 variants, one for each block of each quantizer. With whole quantizers, answers of a "
        "control arm are reused by 2 that encode no image and 4 that encode no text."
    ) in cost
    how = ("--policy", "policy.toml", "--no-report", "--save", "kept")
    said = qbench_here("tune", *one, *how, cwd=tmp_path).stdout
    assert "Saved demo/balanced: kept; a spec loads it with the quantizer stored" in said
    tuned = read_spec(tmp_path / "qbench-runs" / "two-tuned" / "tuned.toml")
    assert [f"{model.source}/{model.checkpoint}" for model in tuned.models] == ["demo/balanced"]
    (tmp_path / "again.toml").write_text(STORED)
    qbench_here("run", "again.toml", "--no-report", cwd=tmp_path)
    confirmed = load(tmp_path / "qbench-runs" / "two-tuned" / "confirmation").done
    (again,) = load(tmp_path / "qbench-runs" / "again").done
    (mine,) = (cell for cell in confirmed if cell.quantizer != "fp32")
    columns = ["item", "prediction"]
    assert again.table("items")[columns].equals(mine.table("items")[columns])
    kept = ModelSpec(source="clip", options={"path": str(tmp_path / "kept")})
    saved, chosen = read_spec(tmp_path / "again.toml").quantizers[0], tuned.quantizers[1]
    answers = []
    for model, method in ((kept, saved), (tuned.models[0], chosen)):
        with built(model, method, device="cpu", registry=installed()) as made:
            encoder = made.variant.encoder
            answers.append((encoder.encode_images(tiny.pixels(4, 64)), encoder.encode_texts(["a nurse", ""])))
    for one_of_them, other in zip(*answers, strict=True):
        np.testing.assert_array_equal(one_of_them, other)
