"""`qbench data check --all` names everything that is wrong; `qbench plan` says that a device is missing."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError
from qbench.models.numerics import check_presence

DATASET = """name = "jobs"
protocol = "classification-disparity"
licence = "CC0-1.0"
perceived = true

[table]
file = "people.csv"
image = "file"
label = "job"

[prompts]
template = "a photo of a {}."

[attributes.sex]
values = { woman = "f", man = "m" }
"""
SPEC = """name = "x"
models = ["demo/balanced"]
quantizers = ["fp32"]
baseline = "fp32"

[[benchmarks]]
name = "declared"
root = "dataset.toml"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A dataset with eight damaged images of ten."""
    rows = ["file,job,sex", *(f"{i}.png,{('nurse', 'judge')[i % 2]},{'fm'[i // 2 % 2]}" for i in range(10))]
    for name, text in {"dataset.toml": DATASET, "spec.toml": SPEC, "people.csv": "\n".join(rows)}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for i in range(10):
        path = tmp_path / f"{i}.png"
        Image.new("RGB", (20, 20), (20 * i, 0, 0)).save(path)
        if i < 8:
            path.write_bytes(b"not an image")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, arguments)


def test_data_check_names_the_first_of_what_is_wrong_or_all_of_it(folder):
    few, every = (call("data", "check", "dataset.toml", "--workers", "1", *more) for more in ((), ("--all",)))
    assert (few.exit_code, every.exit_code) == (2, 2)
    assert [f"{i}.png" in few.output for i in range(8)] == [True] * 5 + [False] * 3
    assert "and 3 more: --all lists them" in few.output
    assert all(f"{i}.png" in every.output for i in range(8))
    assert "--all" not in every.output
    found = json.loads(call("data", "check", "dataset.toml", "--workers", "1", "--all", "--format", "json").output)
    assert [len(x["examples"]) for x in found["findings"] if x["kind"] == "unreadable"] == [8]


@pytest.mark.parametrize(("device", "said"), [("cuda", "no CUDA device"), ("cuda:7", "no CUDA device")])
def test_plan_says_that_the_device_is_missing(folder, monkeypatch, device, said):
    monkeypatch.setattr("qbench.models.numerics._cuda_devices", lambda: 0)
    done = call("plan", "spec.toml", "--device", device)
    assert "1 cell = 1 model × 1 quantizer × 1 benchmark:" in done.output
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert said in str(done.exception)


def test_a_gpu_with_a_number_that_the_machine_does_not_have_is_refused(monkeypatch):
    monkeypatch.setattr("qbench.models.numerics._cuda_devices", lambda: 2)
    check_presence("cuda:1")
    with pytest.raises(InputError, match="has 2 CUDA devices, which are counted from 0"):
        check_presence("cuda:2")
