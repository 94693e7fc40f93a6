"""One variant without a benchmark: built, looked at, kept whole or not at all."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from qbench.errors import InputError
from qbench.execution.single import built, keep
from qbench.spec.model import ModelSpec, QuantizerSpec
from qbench.store.folders import new_folder

from .killed import killed_after

MODEL, QUANTIZER = ModelSpec(source="toy", checkpoint="one"), QuantizerSpec(name="half")


@pytest.fixture
def make(registry):
    return lambda **changes: built(
        **{"model": MODEL, "quantizer": QUANTIZER, "device": "cpu", "registry": registry} | changes
    )


def test_it_is_built_and_released_and_embeds_nothing(make, log):
    with make() as made:
        assert made.variant.coverage.share() == 1
        assert (made.model.label, made.quantizer.label) == ("toy/one", "half")
    assert log == [("build", 0.9), ("close",)]


def test_names_are_checked_as_in_a_spec(make):
    for changes in ({"model": ModelSpec(source="toy", checkpoint="three")}, {"quantizer": QuantizerSpec(name="hall")}):
        with pytest.raises(InputError), make(**changes):
            pass


def writing(made, error=None):
    def save(folder):
        (folder / "weights").write_text("w")
        if error:
            raise error
        return "stored"

    return replace(made, variant=replace(made.variant, save=save))


def test_it_is_kept_whole(make, tmp_path):
    (tmp_path / "empty").mkdir()
    with make() as made:
        for folder in (tmp_path / "a" / "new", tmp_path / "empty"):
            assert keep(writing(made), folder) == "stored"
            assert [p.name for p in folder.iterdir()] == ["weights"]


def test_a_folder_is_named_in_any_way(make, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "there")
    monkeypatch.chdir(tmp_path / "here")
    with make() as made:
        for name in (".", "../linked"):
            keep(writing(made), Path(name))
    assert (tmp_path / "here" / "weights").is_file()
    assert (tmp_path / "there" / "weights").is_file()


def test_what_fails_halfway_leaves_nothing(make, tmp_path):
    with make() as made, pytest.raises(OSError, match="full"):
        keep(writing(made, OSError("the disk is full")), tmp_path / "new")
    assert list(tmp_path.glob("*new*")) == []


def test_what_a_process_that_was_killed_left_is_removed_and_what_another_one_writes_is_not(make, tmp_path):
    folder = tmp_path / "new"
    with make() as made:
        killed_here = replace(made, variant=replace(made.variant, save=lambda _: os.kill(os.getpid(), signal.SIGKILL)))
        assert killed_after(0, lambda: keep(killed_here, folder))
        (left,) = tmp_path.glob(".new.*.part")
        with new_folder(folder) as other:
            assert not left.exists()
            keep(writing(made), folder)
            assert other.is_dir()
            shutil.rmtree(folder)
    assert list(tmp_path.glob(".new*")) == []


def test_what_cannot_be_saved_or_would_be_overwritten_is_refused(make, tmp_path):
    (tmp_path / "mine").touch()
    with make() as made:
        with pytest.raises(InputError, match="half of toy/one cannot be saved"):
            keep(made, tmp_path / "new")
        for folder in (tmp_path, tmp_path / "mine"):
            with pytest.raises(InputError, match="the folder is not empty"):
                keep(writing(made), folder)
