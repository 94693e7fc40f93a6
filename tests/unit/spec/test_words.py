"""Words of a command line become parts of a spec."""

import pytest

from qbench.errors import InputError
from qbench.spec.words import read_model, read_quantizer


def test_a_model_is_a_source_and_its_checkpoint():
    model = read_model("clip/owner/name")
    assert (model.source, model.checkpoint, model.options) == ("clip", "owner/name", {})
    assert read_model("demo").checkpoint == ""


def test_a_folder_that_is_there_is_a_checkpoint(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    model = read_model("a/b")
    assert (model.source, model.checkpoint) == ("clip", "b")
    assert model.options == {"path": str((tmp_path / "a" / "b").resolve())}
    assert read_model("a/c").source == "a"


def test_a_weights_file_is_a_path_and_a_path_that_leads_nowhere_is_said(tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(b"")
    assert read_model(str(tmp_path / "mine.safetensors")).options == {"path": str(tmp_path / "mine.safetensors")}
    for nowhere in (str(tmp_path / "nowhere"), "./nowhere", "~/no/such/folder"):
        with pytest.raises(InputError, match="no such folder or file"):
            read_model(nowhere)


def test_options_are_toml_values_or_else_texts():
    said = ["a=0.5", "b = true", 'c=["*.fc2", "x"]', "d=image", 'e="0.5"', "f=", "g=a=b"]
    expected = {"a": 0.5, "b": True, "c": ["*.fc2", "x"], "d": "image", "e": "0.5", "f": "", "g": "a=b"}
    assert read_quantizer("q", said).options == expected


@pytest.mark.parametrize(
    ("said", "message"), [(["a"], "is not an option"), (["=1"], "is not an option"), (["a=1", "a=2"], "twice")]
)
def test_what_is_no_option_is_refused(said, message):
    with pytest.raises(InputError, match=message):
        read_quantizer("q", said)
