"""``qbench inspect`` and ``qbench quantize``, as a user runs them."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

APART = """
import json, sys
from qbench.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["qbench", *arguments]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
    print(end="\\0")
"""


@pytest.fixture(scope="module")
def apart(tiny_clip, tmp_path_factory):
    """What both commands print in a process that imports everything itself, where libraries would print too."""
    kept = tmp_path_factory.mktemp("apart") / "new" / "kept"
    commands = [
        ["inspect", str(tiny_clip), "--quantizer", "hf-int4"],
        ["quantize", str(tiny_clip), "--quantizer", "hf-int4", "--option", "double_quant=true", "--save", str(kept)],
    ]
    done = subprocess.run(
        [sys.executable, "-c", APART, json.dumps(commands)],
        capture_output=True,
        text=True,
        env={**os.environ, "QBENCH_CACHE": str(kept.parents[1] / "cache"), "HF_HUB_OFFLINE": "1", "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    inspected, quantized, _ = done.stdout.split("\0")
    return {"inspect": inspected, "quantize": quantized, "stderr": done.stderr, "kept": kept}


def test_inspect_prints_a_row_a_tower_and_nothing_else_is_printed(apart, tiny_clip):
    said = apart["inspect"]
    assert f"clip/{tiny_clip.name} · hf-int4" in said
    assert "control: fp32" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert [line.split()[0] for line in said.splitlines()[-3:]] == ["all", "text", "image"]
    assert apart["stderr"] == ""


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


def test_quantize_keeps_a_variant_that_is_evaluated_as_it_was(qbench, apart, build, embed):
    folder = apart["kept"]
    assert 'quantizers = ["stored"]' in apart["quantize"]
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
