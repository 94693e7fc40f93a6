"""A file with a mutation is read as it is written, or refused with a message: no traceback, no "defect of qbench".

The mutations are seeded: a failure names the seed, which gives the same mutation again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from qbench.cli import app
from qbench.data.promptsets import has_one_placeholder, read_prompt_set
from qbench.declared.record import describe
from qbench.errors import MachineError, QbenchError
from qbench.execution.plan import make_plan
from qbench.plugins.registry import installed
from qbench.policy.model import default_text, read_policy
from qbench.spec.read import read_spec
from qbench_embeddings.manifest import read_manifest

from .mutations import CSV, JSON, TOML, mutated

SPEC = """name = "x"
note = "n"
models = ["demo/balanced", { source = "clip", checkpoint = "mine", label = "m", options = { path = "mine" } }]
quantizers = ["fp32", { name = "hf-int4", label = "four", options = { quant_type = "fp4" } }]
baseline = "fp32"
device = "cpu"
batch_size = 8
limit = 10
noise = 1
speed = 2
workers = 1
executor = "local"
base = "."

[[benchmarks]]
name = "facet"
root = "facet"
allow_missing = true
options = { image = "crop", min_group = 30 }

[[benchmarks]]
name = "fairface"
root = "fairface"
label = "ff"

[analysis]
confidence = 0.9
margins = { share = 0.02 }
resamples = 199
seed = 3
allow = ["batch"]
"""
DATASET = """name = "jobs"
protocol = "classification-disparity"
licence = "CC0-1.0"
perceived = true
min_group = 1

[table]
file = "people.csv"
image = "file"
id = "id"
label = "job"
folder = "."
also_right = ["second"]
box = { x = "x", y = "y", width = "w", height = "h" }
keep = { part = ["test", "train"] }

[prompts]
template = "a photo of a {}."
names = { nurse = "nurse", doctor = "physician" }

[attributes.sex]
values = { woman = "f", man = "m" }
pairs = [["woman", "man"]]

[attributes.age]
column = "years"
bins = { young = [0, 40], old = [40, 200] }
"""
PEOPLE = """id,file,job,second,sex,years,x,y,w,h,part
1,a.png,nurse,,m,20,0,0,10,10,test
2,b.png,nurse,doctor,f,30,1,1,10,10,test
3,c.png,doctor,,m,70,2,2,10,10,test
4,d.png,doctor,,f,40,3,3,10,10,train
"""
PROMPTS = """name = "p"
version = "1"
source = "here"
pool = true
templates = ["a photo of a {}", "a drawing of a {}"]
terms = ["good person", "bad person"]
"""
MANIFEST = """{
 "format": 1,
 "numerics": "a runtime 1.2 on a phone",
 "dimension": 3,
 "preprocessing": {
  "geometry": {
   "size": 8,
   "resize": "shortest",
   "interpolation": "bicubic"
  },
  "mean": [
   0.48145466,
   0.4578275,
   0.40821073
  ],
  "std": [
   0.26862954,
   0.26130258,
   0.27577711
  ]
 },
 "dtype": "float16",
 "coverage": {
  "layers": [
   {
    "name": "all of the image tower",
    "tower": "image",
    "parameters": 300,
    "quantized": true,
    "bits": 8
   },
   {
    "name": "text_projection",
    "tower": "text",
    "parameters": 100,
    "quantized": false,
    "bits": 16
   }
  ],
  "total_parameters": 500,
  "disk_bytes": 700
 }
}
"""


def spec(folder: Path) -> Any:
    return make_plan(read_spec(folder / "spec.toml"), installed())


def items(folder: Path) -> Any:
    record = describe(folder / "dataset.toml")
    return record.load(record.options()).data(folder)


READERS: dict[str, tuple[str, str, Any, Callable[[Path], Any]]] = {
    "spec": ("spec.toml", SPEC, TOML, spec),
    "policy": ("policy.toml", default_text(), TOML, lambda folder: read_policy(folder / "policy.toml")),
    "description": ("dataset.toml", DATASET, TOML, items),
    "table": ("people.csv", PEOPLE, CSV, items),
    "prompts": ("prompts.toml", PROMPTS, TOML, lambda folder: read_prompt_set(folder / "prompts.toml")),
    "manifest": ("manifest.json", MANIFEST, JSON, read_manifest),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text, *_ in READERS.values():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for i, name in enumerate("abcd"):
        Image.new("RGB", (20, 20), (50 * i, 0, 0)).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def refusal(read: Callable[[Path], Any], folder: Path) -> QbenchError | None:
    """The error with which a file is refused; `None` if it is read."""
    try:
        read(folder)
    except QbenchError as error:
        return error
    return None


@pytest.mark.parametrize("kind", READERS)
def test_the_files_without_a_mutation_are_read(folder: Path, kind: str) -> None:
    assert READERS[kind][3](folder) is not None


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("first", range(0, 150, 50))
def test_a_mutation_is_read_or_refused(folder: Path, kind: str, first: int) -> None:
    name, text, ways, read = READERS[kind]
    refused = {}
    for seed in range(first, first + 50):
        (folder / name).write_bytes(mutated(text.encode(), ways, seed))
        try:
            refused[seed] = refusal(read, folder)
        except Exception as error:
            raise AssertionError(f"seed {seed} gives a defect of qbench: {error!r}") from error
    codes = [error.exit_code for error in refused.values() if error is not None]
    assert set(codes) == {2}, refused
    assert len(codes) >= 5, "the mutations change nothing"


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["plan", "spec.toml"], "spec"),
        (["data", "check", "dataset.toml"], "description"),
        (["power", "policy.toml"], "policy"),
    ],
    ids=["plan", "data check", "power"],
)
def test_the_command_line_says_it(folder: Path, arguments: list[str], kind: str) -> None:
    name, text, ways, _ = READERS[kind]
    for seed in range(1000, 1010):
        (folder / name).write_bytes(mutated(text.encode(), ways, seed))
        done = CliRunner().invoke(app, arguments)
        error = done.exception
        known = error if isinstance(error, QbenchError) or error is None else MachineError.of(error)  # type: ignore[arg-type]
        if isinstance(error, SystemExit):
            assert done.exit_code in (0, 2), f"seed {seed}: {done.output}"
        else:
            assert error is None or (known is not None and known.exit_code == 2), f"seed {seed}: {error!r}"


NAMES = ["a\0b", "x" * 5000, "~nouser", "~nouser/x", "x/" * 3000]


@pytest.mark.parametrize("name", NAMES, ids=["NUL", "long", "no user", "below no user", "deep"])
@pytest.mark.parametrize(
    "arguments",
    [
        *(["plan"], ["power"], ["report"], ["analyse"], ["export"], ["verify"], ["check"], ["data", "check"]),
        *(["data", "check", "facet", "--root"], ["power", "--policy"], ["plan", "demo", "--dataset"]),
        *(["inspect", "--quantizer", "fp32"], ["doctor", "--bundle", "b.zip", "--run"]),
    ],
    ids=" ".join,
)
def test_names_that_can_be_no_file_are_refused(
    folder: Path, arguments: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qbench.doctor.checks", lambda: iter(()))
    done = CliRunner().invoke(app, [*arguments, name])
    error = done.exception
    known = error if isinstance(error, QbenchError) else MachineError.of(error) if isinstance(error, OSError) else None
    assert (known.exit_code if known else done.exit_code) == 2, f"{error!r}\n{done.output}"
    assert known is not None or isinstance(error, SystemExit), repr(error)


@pytest.mark.parametrize(
    "template", ["{} {}", "{0}", "{:.3}", "{[0]}", "{0.nope}", "{!r}", "{x}", "{", "}", "{:>2000000000}"]
)
def test_a_template_takes_a_text_as_it_is(template: str) -> None:
    assert not has_one_placeholder(template)
    assert has_one_placeholder("{{literal}} {}")


def test_terms_that_are_lists_are_refused(folder: Path) -> None:
    (folder / "prompts.toml").write_text(PROMPTS.replace('"good person"', "[1]"), encoding="utf-8")
    with pytest.raises(QbenchError, match="terms has to be a list"):
        read_prompt_set(folder / "prompts.toml")


@pytest.mark.parametrize("kind", ["spec", "policy", "description", "table", "prompts"])
def test_a_byte_order_mark_changes_nothing(folder: Path, kind: str) -> None:
    name, text, _, read = READERS[kind]
    (folder / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    read(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('also_right = ["second"]', 'also_right = [""]'),
        ('keep = { part = ["test", "train"] }', 'keep = { "" = ["test"] }'),
        ('x = "x"', 'x = ""'),
        ('values = { woman = "f", man = "m" }', 'flags = { woman = "", man = "" }'),
        ('column = "years"', 'votes = [""]'),
        ('folder = "."', "folder = []"),
    ],
)
def test_a_column_without_a_name_and_no_folder_are_refused(folder: Path, old: str, new: str) -> None:
    assert old in DATASET
    (folder / "dataset.toml").write_text(DATASET.replace(old, new), encoding="utf-8")
    with pytest.raises(QbenchError, match=r"at least 1 (character|item)|a box is one column"):
        items(folder)
