"""A model is named as in a spec or by a path, and its sources say which paths are theirs."""

import json
from dataclasses import replace

import pytest

from qbench.errors import InputError
from qbench.execution.model_names import find_model
from qbench.plugins.registry import installed


def write(folder, model_type):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return folder


def test_a_model_is_a_source_and_its_checkpoint():
    model = find_model("clip/owner/name", installed(), {"revision": "a"})
    assert (model.source, model.checkpoint, model.options) == ("clip", "owner/name", {"revision": "a"})
    assert find_model("demo", installed()).checkpoint == ""


@pytest.mark.parametrize("source", ["clip", "siglip"])
def test_a_folder_is_the_sources_that_recognises_it(tmp_path, monkeypatch, source):
    folder = write(tmp_path / "a" / "b", source)
    monkeypatch.chdir(tmp_path)
    model = find_model("a/b", installed())
    assert (model.source, model.checkpoint, model.options) == (source, "b", {"path": str(folder.resolve())})
    assert find_model("a/c", installed()).source == "a"


def test_a_weights_file_is_a_path_and_a_path_that_leads_nowhere_is_said(tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(b"")
    file = str(tmp_path / "mine.safetensors")
    assert find_model(file, installed()).options == {"path": file}
    for nowhere in (str(tmp_path / "nowhere"), "./nowhere", "~/no/such/folder"):
        with pytest.raises(InputError, match="no such folder or file"):
            find_model(nowhere, installed())


def test_precomputed_embeddings_are_recognised(tmp_path):
    (tmp_path / "phone" / "int8").mkdir(parents=True)
    (tmp_path / "phone" / "int8" / "manifest.json").write_text("{}")
    assert find_model(str(tmp_path / "phone"), installed()).source == "embeddings"


def test_a_path_of_no_source_or_of_several_is_refused(tmp_path):
    with pytest.raises(
        InputError,
        match=r"no model source recognises this path\n.*by their files: clip, embeddings, generative, matching, sig",
    ):
        find_model(str(tmp_path), installed())
    folder, registry = write(tmp_path / "a", "clip"), installed()
    models = [
        replace(e, record=replace(e.record, accepts_path=lambda path: True)) if e.record.name == "siglip" else e
        for e in registry.models()
    ]
    both = replace(registry, entries={**registry.entries, "qbench_models": models})
    with pytest.raises(InputError, match="several model sources accept this path: clip, siglip"):
        find_model(str(folder), both)
