"""Any file of a run folder may be lost or damaged: it is noticed, and running again makes the folder what it was."""

import json
import logging
import random
import shutil

import pytest

from qbench.errors import InputError, QbenchError
from qbench.execution.progress import Silent
from qbench.execution.run import execute
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.integrity import SEAL, seal_of

ALL = {"speed": 1, "noise": 1}
TIMES = {"created", "updated", "seconds", "load_seconds", "rates", "peak_bytes", SEAL}


class Told(Silent):
    def __init__(self):
        self.lines = []

    def say(self, text, *, style=""):
        self.lines.append(text)


@pytest.fixture
def finished(spec, registry, cache, tmp_path, first):
    """A run folder with every kind of file, its content, and what runs it again."""
    folder = tmp_path / "run"

    def again():
        told = Told()
        execute(spec(**ALL), folder, registry=registry, cache=cache, progress=told)
        analysed(load(folder))
        return told.lines

    if first.exists():
        shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    else:
        assert again() == []
        shutil.copytree(tmp_path, first)
    return folder, content(folder), again


def content(folder):
    """Every file, without what differs from run to run."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("run.log") and ".lock" not in path.name:
            name = path.relative_to(folder).as_posix()
            found[name] = without_times(path) if path.suffix == ".json" else path.read_bytes()
    return found


def without_times(path):
    values = json.loads(path.read_text())
    assert values[SEAL] == seal_of(values)
    return {key: value for key, value in values.items() if key not in TIMES}


def delete(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    changed = bytearray(path.read_bytes())
    at = random.Random(path.name).randrange(8 * len(changed))
    changed[at // 8] ^= 1 << at % 8
    path.write_bytes(bytes(changed))


@pytest.mark.parametrize("harm", [delete, truncate, flip])
def test_running_again_repairs_every_file(finished, harm):
    folder, before, again = finished
    kinds = {name.split("/")[-1].split("-")[0] for name in before}
    assert {"run.json", "environment.json", "cell.json", "items.parquet", "metrics.parquet", "noise.parquet"} < kinds
    assert {"drift", "analysis.json", "effects.parquet"} < kinds
    assert any(name.startswith("speed/") for name in before)
    for name in before:
        harm(folder / name)
        again()
        assert content(folder) == before, name


@pytest.mark.parametrize("harm", [delete, truncate, flip])
def test_damaged_tables_are_refused_by_readers_and_the_cell_is_computed_again(finished, harm):
    folder, before, again = finished
    tables = [name for name in before if name.startswith("cells/") and name.endswith(".parquet")]
    assert len(tables) >= 6
    for name in tables:
        harm(folder / name)
        with pytest.raises(QbenchError, match=r"Run `qbench run` again") as caught:
            load(folder)
        assert caught.value.exit_code == 2
        assert name in caught.value.where
        said = again()
        assert "drift" in name or any(name in line for line in said)
        assert content(folder) == before


@pytest.mark.parametrize("lost", [("drift",), ("drift", "run.json"), ("drift", "items")])
def test_drift_is_made_again_where_the_cache_has_lost_the_answers(finished, cache, lost):
    folder, before, again = finished
    for name in before:
        if name.split("/")[-1].startswith(lost):
            flip(folder / name)
    shutil.rmtree(cache.root)
    again()
    assert content(folder) == before


def test_damaged_speeds_are_said(finished):
    folder, before, again = finished
    name = next(name for name in before if name.startswith("speed/"))
    truncate(folder / name)
    assert any(f"{name}: the file is damaged" in line for line in again())
    assert content(folder) == before


def test_a_run_without_damage_computes_nothing_again(finished, log):
    folder, before, again = finished
    log.clear()
    again()
    assert log == []
    assert content(folder) == before


def test_a_run_folder_of_an_earlier_version_is_read_and_not_computed_again(finished, log):
    folder, _, again = finished
    for path in folder.rglob("*.json"):
        if "analysis" not in path.parts:
            values = json.loads(path.read_text())
            path.write_text(json.dumps({k: v for k, v in values.items() if k not in (SEAL, "digests", "tables")}))
    log.clear()
    assert len(load(folder).done) == 2
    assert again() == []
    assert log == []
    items = next(folder.glob("cells/*/*/base-*/items.parquet"))
    truncate(items)
    assert any("items.parquet" in line for line in again())


def test_the_analysis_is_made_again_and_said_so(finished, caplog):
    folder, before, again = finished
    truncate(folder / "analysis" / "analysis.json")
    with caplog.at_level(logging.WARNING):
        again()
    assert "analysis.json: the file is damaged; the analysis is made again" in caplog.text
    assert content(folder) == before


def test_a_done_cell_that_cannot_be_read_is_not_deleted_by_a_run_of_another_spec(finished, spec, registry, cache):
    folder, _, _ = finished
    record = next(folder.glob("cells/*/*/half-*/cell.json"))
    truncate(record)
    execute(spec(quantizers=["base"]), folder, registry=registry, cache=cache)
    assert (record.parent / "items.parquet").exists()


def test_a_folder_of_a_newer_version_is_not_overwritten(finished):
    folder, _, again = finished
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(QbenchError, match="newer qbench"):
        again()


def test_a_link_to_cells_elsewhere_deletes_nothing_there(finished, spec, registry, cache, tmp_path):
    folder, _, _ = finished
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder / "cells", elsewhere)
    for path in elsewhere.glob("*/*/*/cell.json"):
        values = json.loads(path.read_text())
        error = {"stage": "", "type": "", "what": "", "where": "", "fix": ""}
        path.write_text(
            json.dumps({**{k: v for k, v in values.items() if k != SEAL}, "status": "failed", "error": error})
        )
    (folder / "cells" / "linked").symlink_to(next(elsewhere.iterdir()))
    there = sorted(elsewhere.rglob("*"))
    with pytest.raises(InputError, match="this link leads out of the folder"):
        execute(spec(**ALL), folder, registry=registry, cache=cache)
    assert sorted(elsewhere.rglob("*")) == there


def test_a_run_removes_temporary_files_that_nobody_writes(finished, cache):
    """Also those of what it has no reason to write again, such as speeds, and not what only has a similar name."""
    folder, _, again = finished
    speed, *_ = (cache.root / "speeds").rglob("*.memo")
    left = [speed.with_name(f".{speed.name}.12345678.part"), folder / "analysis" / ".effects.parquet.abcd_123.part"]
    mine = folder / ".mine.part"
    for path in (*left, mine):
        path.write_bytes(b"x")
    again()
    assert not any(path.exists() for path in left)
    assert mine.exists()


@pytest.mark.parametrize(
    "pattern", ["run.json", "cells/*/*/*/cell.json", "cells/*/*/*/metrics.parquet", "analysis/effects.parquet"]
)
def test_a_folder_in_the_place_of_a_file_is_named_and_left(finished, pattern):
    folder, _, again = finished
    path = sorted(folder.glob(pattern))[0]
    path.unlink()
    path.mkdir()
    (path / "precious").touch()
    with pytest.raises(QbenchError, match="there is a folder where a file has to be") as said:
        again()
    assert str(path) in str(said.value)
    assert (path / "precious").exists()
