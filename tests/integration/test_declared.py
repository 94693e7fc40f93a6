"""Declared datasets from the command line: checked, run beside a preset, incomplete, and in the report."""

import json
import shutil
from pathlib import Path

import pytest

from qbench.results import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "qbench-example-dataset" / "qbench_example_dataset" / "data"
SPEC = """
name = "mine"
models = ["demo/balanced"]
quantizers = ["fp32", "torch-int8"]
benchmarks = [{ name = "facet", dataset = "demo-facet", options = { classes = "present", min_group = 1 } }]
limit = 24
"""


@pytest.fixture
def data(tmp_path):
    """A copy of the example's data, to be changed."""
    return shutil.copytree(EXAMPLE, tmp_path / "data")


def check(qbench, *arguments, cwd, code=0):
    return json.loads(qbench("data", "check", *arguments, "--format", "json", cwd=cwd, check=code).stdout)


def test_a_sound_dataset(qbench_here, data, tmp_path):
    found = check(qbench_here, "data", "--decode", cwd=tmp_path)
    assert found["status"] == "sound"
    assert (found["items"], found["images"]) == (48, 48)
    assert found["labels"] == dict.fromkeys(["goldfish", "ladybug", "snail", "starfish"], 12)
    assert found["groups"]["light"] == {"day": 24, "night": 24}
    assert found["licence"] == "CC0-1.0"
    assert len(found["fingerprint"]) > 20
    said = qbench_here("data", "check", "data/dataset.toml", cwd=tmp_path).stdout
    assert "Nothing is wrong." in said
    assert found["fingerprint"] in said


def test_what_is_wrong_ends_with_2(qbench_here, data, tmp_path):
    for name in ("01.png", "02.png"):
        (data / "images" / name).unlink()
    (data / "images" / "03.png").write_bytes(b"")
    found = check(qbench_here, "data", cwd=tmp_path, code=2)
    kinds = {f["kind"]: f for f in found["findings"]}
    assert found["status"] == "wrong"
    assert found["fingerprint"] == ""
    assert kinds["missing"]["count"] == 2
    assert "light day: 2" in kinds["missing"]["examples"]
    assert kinds["unreadable"]["examples"][0].startswith("images/03.png: the image cannot be read")
    assert "red" not in qbench_here("data", "check", "data", cwd=tmp_path, check=2).stderr


def test_a_table_that_cannot_be_read_is_a_finding(qbench_here, data, tmp_path):
    table = data / "animals.csv"
    table.write_text(table.read_text("utf-8").replace(",d,", ",9-Mar,", 1), "utf-8")
    found = check(qbench_here, "data", cwd=tmp_path, code=2)
    assert found["findings"][0]["kind"] == "annotations"
    assert "animals.csv:row 2: the light '9-Mar' is a date" in found["findings"][0]["what"]


def test_a_name_or_a_file_that_is_not_there_is_the_users_error(qbench_here, tmp_path):
    assert (
        "there is no benchmark called 'nothing'"
        in qbench_here("data", "check", "nothing", cwd=tmp_path, check=2).stderr
    )
    said = qbench_here("data", "check", "fairface", "--root", "nowhere", cwd=tmp_path, check=2).stderr
    assert "nowhere: the data folder does not exist" in said


def test_a_dataset_runs_beside_those_of_a_spec_and_refuses_to_be_incomplete(qbench, data, tmp_path):
    (tmp_path / "mine.toml").write_text(SPEC)
    qbench("run", "mine.toml", "--dataset", "data", "--out", "run", cwd=tmp_path)
    results = load(tmp_path / "run")
    assert set(results.metrics["benchmark"]) == {"facet", "example-animals"}
    cell = next(c for c in results.cells.itertuples() if c.benchmark == "example-animals")
    assert cell.status == "done"
    html = (tmp_path / "run" / "report.html").read_text()
    assert "48 small drawings" in html
    assert "example-animals" in html

    (data / "images" / "01.png").unlink()
    said = qbench("run", "mine.toml", "--dataset", "data", "--out", "run", "--no-report", cwd=tmp_path, check=1).stderr
    said = " ".join(said.split())  # wrapped to the width of a terminal
    assert "the images of 1 of 48 items are missing" in said
    assert "light: day 1" in said


def test_what_is_missing_stands_in_the_report_with_its_groups(qbench, data, tmp_path):
    (data / "images" / "01.png").unlink()
    (tmp_path / "some.toml").write_text(
        'name = "some"\nmodels = ["demo/balanced"]\nquantizers = ["fp32", "torch-int8"]\n'
        'benchmarks = [{ name = "declared", root = "data", allow_missing = true, label = "some animals" }]\n'
    )
    qbench("run", "some.toml", "--out", "run", cwd=tmp_path)
    html = (tmp_path / "run" / "report.html").read_text()
    assert "1 item of 48 have no image and are part of no number. By group:" in html.replace("\xa0", " ")
    found = check(qbench, "data", "--allow-missing", cwd=tmp_path)
    assert found["status"] == "warnings"
    record = next((tmp_path / "run").glob("**/cell.json"))
    info = json.loads(record.read_text())
    assert info["data_info"]["fingerprint"] == found["fingerprint"]
    assert info["benchmark_info"]["record"] == "benchmarks:declared"
    assert all(metric["statistic"] for metric in info["benchmark_info"]["metrics"])
    assert str(tmp_path) not in record.read_text()


def test_a_description_in_a_spec_is_the_users_error(qbench_here, data, tmp_path):
    (data / "dataset.toml").write_text('name = "x"\nprotocol = "retrieval-skew"\n')
    (tmp_path / "mine.toml").write_text(SPEC)
    said = qbench_here("run", "mine.toml", "--dataset", "data", cwd=tmp_path, check=2).stderr
    assert "dataset.toml: 4 errors:\n(1) the key 'licence' is missing" in said
    said = qbench_here("run", "mine.toml", "--dataset", "nowhere", cwd=tmp_path, check=2).stderr
    assert "nowhere: the file does not exist" in said
