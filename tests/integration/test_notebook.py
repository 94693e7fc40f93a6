"""`docs/notebook.md` cell by cell, and models that are in memory: saved by content, refused in words."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import qbench
from qbench.errors import InputError
from qbench.execution.in_memory import kept
from qbench.plugins.registry import installed
from qbench.store.cache import Cache

PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"


@pytest.fixture
def here(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QBENCH_CACHE", str(cache))
    return tmp_path


def test_every_cell_of_the_notebook_runs(here, capsys):
    cells = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell, str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert "prune-magnitude (sparsity=0.7)" in said
    results = names["results"]
    frames = {"metrics": {"value": "float64", "n": "int64"}, "effects": {"value": "float64", "change": "float64"}}
    for name, kinds in frames.items():
        frame = getattr(results, name)
        assert {column: str(frame[column].dtype) for column in kinds} == kinds
    assert str(results.items["correct"].dtype) == "boolean"


class Saves:
    """What has transformers' way of saving."""

    def __init__(self, **files):
        self.files = files

    def save_pretrained(self, folder):
        for name, content in self.files.items():
            (Path(folder) / name.replace("__", ".")).write_text(content)


class Model(Saves):
    config = SimpleNamespace(model_type="clip")
    name_or_path = ""


TOKENIZER, IMAGES = Saves(tokenizer__json="{}"), Saves(preprocessor_config__json="{}")


def test_the_folder_is_named_by_its_content(tmp_path):
    cache = Cache(tmp_path)
    first = kept(Model(model__safetensors="1"), [TOKENIZER, IMAGES], cache, installed())
    again = kept(Model(model__safetensors="1"), [TOKENIZER, IMAGES], cache, installed())
    other = kept(Model(model__safetensors="2"), [TOKENIZER, IMAGES], cache, installed())
    assert first == again
    assert first["options"]["path"] != other["options"]["path"]
    assert first["label"].startswith("Model-")
    names = {p.name for p in Path(first["options"]["path"]).iterdir()}
    assert names == {"model.safetensors", "tokenizer.json", "preprocessor_config.json"}
    assert not list((tmp_path / "models").glob(".saving*"))


def test_a_kept_model_that_was_damaged_is_saved_again(tmp_path, caplog):
    cache = Cache(tmp_path)
    model, processor = Model(model__safetensors="1"), [TOKENIZER, IMAGES]
    first = kept(model, processor, cache, installed())
    weights = Path(first["options"]["path"]) / "model.safetensors"
    weights.write_text("0")
    assert kept(model, processor, cache, installed()) == first
    assert weights.read_text() == "1"
    assert "model.safetensors is damaged or missing; the folder is made again" in caplog.text


def test_a_model_that_was_loaded_from_a_folder_needs_no_processor(tmp_path):
    (tmp_path / "origin").mkdir()
    for name in ("tokenizer.json", "preprocessor_config.json", "model.safetensors"):
        (tmp_path / "origin" / name).write_text(name)
    model = Model(model__safetensors="changed")
    model.name_or_path = str(tmp_path / "origin")
    folder = Path(kept(model, None, Cache(tmp_path), installed())["options"]["path"])
    assert (folder / "tokenizer.json").read_text() == "tokenizer.json"
    assert (folder / "model.safetensors").read_text() == "changed"


@pytest.mark.parametrize(
    ("processor", "said"),
    [
        (None, "no image preprocessing and no tokenizer"),
        (TOKENIZER, "no image preprocessing"),
        ([IMAGES], "no tokenizer"),
    ],
)
def test_what_is_missing_is_said(tmp_path, processor, said):
    with pytest.raises(InputError, match=rf"the model has {said}\nGive processor"):
        kept(Model(model__safetensors="1"), processor, Cache(tmp_path), installed())
    assert not [p for p in (tmp_path / "models").iterdir() if p.name != ".lock"]


def test_another_object_is_refused_in_words(here):
    with pytest.raises(InputError, match="a SimpleNamespace cannot be evaluated from memory"):
        qbench.evaluate(SimpleNamespace(), quantizers=["hf-int4"])
