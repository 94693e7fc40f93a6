"""``qbench inspect`` and ``qbench quantize``, as a user runs them."""

import csv
import io
import json

import numpy as np


def test_inspect_prints_a_row_a_tower(qbench_apart, tiny_clip):
    said = qbench_apart("inspect", tiny_clip, "--quantizer", "hf-int4")
    assert f"clip/{tiny_clip.name} · hf-int4" in said.stdout
    assert "control: fp32" in said.stdout
    assert all(len(line) <= 80 for line in said.stdout.splitlines())
    assert [line.split()[0] for line in said.stdout.splitlines()[-3:]] == ["all", "text", "image"]
    assert said.stderr == ""


def test_inspect_gives_the_numbers_of_the_variant(qbench, tiny_clip, build):
    coverage = build("hf-int8", towers="image", skip=("*.fc2",)).coverage
    arguments = ("inspect", tiny_clip, "--quantizer", "hf-int8", "--option", "towers=image", "--option")
    rows = json.loads(qbench(*arguments, 'skip=["*.fc2"]', "--layers", "--format", "json").stdout)["rows"]
    assert [(r["name"], r["quantized"], r["bits"]) for r in rows] == [
        (x.name, x.quantized, x.bits) for x in coverage.layers
    ]
    np.testing.assert_allclose([r["error"] for r in rows], [x.error for x in coverage.layers], rtol=1e-9)
    assert [r["snr"] is None for r in rows] == [not x.quantized for x in coverage.layers]
    table = csv.DictReader(io.StringIO(qbench(*arguments, 'skip=["*.fc2"]', "--format", "csv").stdout))
    shares = {row["tower"]: float(row["share"]) for row in table}
    assert shares == {"all": coverage.share(), "image": coverage.share("image"), "text": 0}


def test_inspect_refuses_what_there_is_not(qbench, tiny_clip):
    for arguments, message in (
        (("hf-int9",), "there is no quantizer called 'hf-int9'"),
        (("hf-int4", "--option", "blocks=64"), "unknown option 'blocks'"),
        (("hf-int4", "--option", "towers"), "'towers' is not an option"),
        (("hf-int4", "--option", "skip=*.fc9"), "option 'skip'"),
        (("hf-int4", "--option", 'skip=["*.fc9"]'), "matches none of the model's 26 Linear layers"),
    ):
        assert message in qbench("inspect", tiny_clip, "--quantizer", *arguments, code=2).stderr
    assert (
        "there is no model source called 'nowhere'"
        in qbench("inspect", "nowhere", "--quantizer", "fp32", code=2).stderr
    )


def test_quantize_keeps_a_variant_that_is_evaluated_as_it_was(qbench, qbench_apart, tiny_clip, tmp_path, build, embed):
    folder = tmp_path / "new" / "kept"
    said = qbench_apart(
        "quantize", tiny_clip, "--quantizer", "hf-int4", "--option", "double_quant=true", "--save", folder
    )
    assert 'quantizers = ["stored"]' in said.stdout
    assert said.stderr == ""
    assert [p.name for p in folder.parent.iterdir()] == ["kept"]
    theirs, mine = embed(build("hf-int4", double_quant=True)), embed(build("stored", folder=folder))
    for a, b in zip(theirs, mine, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "hf-int4" not in qbench("inspect", folder, "--quantizer", "stored").stdout


def test_quantize_says_what_cannot_be_saved_and_overwrites_nothing(qbench, tiny_clip, tmp_path):
    said = qbench("quantize", tiny_clip, "--quantizer", "torch-int8", "--save", tmp_path / "x", code=2).stderr
    assert f"torch-int8 of clip/{tiny_clip.name} cannot be saved" in said
    assert not (tmp_path / "x").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    said = qbench("quantize", tiny_clip, "--quantizer", "hf-int8", "--save", tmp_path / "full", code=2).stderr
    assert "the folder is not empty" in said
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine"]
