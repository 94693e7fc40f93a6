"""A whole run: a generative model and its quantized variants are asked about two datasets and judged."""

import shutil
from pathlib import Path

import pytest

from qbench.execution.run import execute
from qbench.plugins.registry import installed
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.testing import tiny as tiny_data

EXAMPLE = Path(__file__).parents[3] / "examples" / "qbench-example-dataset" / "qbench_example_dataset" / "data"


@pytest.fixture
def animals(tmp_path):
    """The drawings of the example, with a question."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "animals")
    (folder / "rankings.toml").unlink()
    description = folder / "dataset.toml"
    asked = '[prompts]\nquestion = "Which animal is in the image?"'
    description.write_text(description.read_text().replace("[prompts]", asked))
    return folder


def test_answers_become_changes_with_intervals_flips_and_drift(tiny, animals, tmp_path):
    options = {"path": str(tiny("llava")), "answers_at_once": 64}
    imagenet = tiny_data.benchmark(tiny_data.write_images(tmp_path / "imagenet"))
    spec = {
        "name": "x",
        "models": [{"source": "generative", "checkpoint": "tiny", "options": options}],
        "quantizers": ["fp32", {"name": "hf-int4", "label": "nf4", "options": {"towers": "text"}}],
        "baseline": "fp32",
        "benchmarks": [
            {"name": "declared", "root": str(animals), "options": {"question_template": "listed"}},
            {**imagenet, "options": {"classes": "present", "candidates": 2}},
        ],
        "batch_size": 16,
    }
    done = execute(read_spec(spec), tmp_path / "run", registry=installed(), cache=Cache(tmp_path / "cache"))
    results = analysed(load(tmp_path / "run"))
    assert done.failed == 0, results.cells["error"].tolist()
    assert {cell.record.probe for cell in results.done} == {"core:choices"}
    animals_found = results.items.query("benchmark != 'imagenet'")["prediction"]
    assert animals_found.isin(["goldfish", "ladybug", "snail", "starfish"]).all()
    of_imagenet = [cell.record for cell in results.done if cell.record.benchmark == "imagenet"]
    assert [record.facts["chance"][0]["chance"] for record in of_imagenet] == [0.5, 0.5]
    accuracy = results.effects.query("metric == 'accuracy' and attribute == ''")
    assert len(accuracy) == 1
    assert accuracy[["low", "high"]].notna().all(axis=None)
    assert results.effects["attribute"].isin(["light"]).any()
    drift = results.drift.query("quantizer == 'nf4' and attribute == '' and benchmark != 'imagenet'")
    assert 0 < drift["mean"].item() < 1
    assert {row["tower"] for row in results.coverage.to_dict("records")} >= {"image", "projector", "text"}
