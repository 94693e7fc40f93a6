"""What is written into a run folder: whole, of the declared columns, and nothing into a folder with other things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qbench.errors import InputError
from qbench.metrics.interface import Outcome
from qbench.runfolder.reader import read_cell, read_run
from qbench.runfolder.schema import CellRecord, Failure, RunRecord, SpeedRecord
from qbench.runfolder.writer import RunFolder, concluding, slug
from qbench.vocabulary import CellStatus
from tests.unit.conftest import cell_record

KEY = "k" * 64
FAILED = Failure(stage="build", type="ValueError", what="no such layer", where="fc1", fix="")
ITEMS = pd.DataFrame({"item": ["a", "b"], "label": ["x", "y"], "correct": [True, False], "rank": [0, 3]})
METRICS = pd.DataFrame(
    {"metric": ["recall@5"], "attribute": [""], "group": [""], "class": [""], "value": [0.5], "n": [2]}
)


def record(key: str = KEY, status: CellStatus = CellStatus.DONE) -> CellRecord:
    failed = {"error": FAILED} if status is CellStatus.FAILED else {}
    return cell_record().model_copy(update={"key": key, "status": status, **failed})


def test_a_label_becomes_a_harmless_folder_name() -> None:
    assert slug("torch-int8") == "torch-int8"
    for label in ("../..", "", "…", "a" * 300, "<script>", "..", "con/\x00"):
        name = slug(label)
        assert name
        assert len(name) <= 60
        assert name not in (".", "..")
        assert not set(name) & set('/\\<>:"|?*\x00')


@pytest.mark.parametrize(
    ("one", "other"), [("int8 (a)", "int8 [a]"), ("日本", "中国"), ("a/b", "a-b"), ("a" * 80, "a" * 90), ("", "x")]
)
def test_different_labels_have_different_folders(one: str, other: str) -> None:
    assert slug(one) != slug(other)


@pytest.mark.parametrize(("one", "other"), [("FACET", "facet"), ("Facet", "facet"), ("int8 (A)", "int8 (a)")])
def test_labels_that_differ_in_case_have_different_folders_where_case_is_ignored(one: str, other: str) -> None:
    assert slug(one).lower() != slug(other).lower()


def earlier_cell(root: Path, folder: str, **labels: str) -> Path:
    """A cell where a version without a hash for upper case put it."""
    writer = RunFolder(root)
    writer.write_cell(folder, record().model_copy(update=labels), outcome=Outcome(items=ITEMS))
    return root / folder


def test_a_cell_that_an_earlier_version_wrote_is_found(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    earlier_cell(tmp_path, "cells/FACET/M/Q-kkkkkkkk", benchmark="FACET", model="M", quantizer="Q")
    cell = folder.cell("FACET", "M", "Q", KEY)
    assert cell == "cells/FACET/M/Q-kkkkkkkk"
    assert folder.is_done(cell, KEY)


def test_a_cell_of_other_labels_in_the_same_folder_is_not_taken(tmp_path: Path) -> None:
    """As on a file system that ignores case, where ``cells/FACET`` is ``cells/facet``."""
    folder = RunFolder(tmp_path)
    earlier_cell(tmp_path, "cells/FACET/m/q-kkkkkkkk", benchmark="facet", model="m", quantizer="q")
    assert folder.cell("FACET", "m", "q", KEY) == f"cells/{slug('FACET')}/m/q-kkkkkkkk"


def test_a_new_cell_comes_before_that_of_an_earlier_version(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    new = folder.cell("FACET", "m", "q", KEY)
    earlier_cell(tmp_path, new, benchmark="FACET", model="m", quantizer="q")
    earlier_cell(tmp_path, "cells/FACET/m/q-kkkkkkkk", benchmark="FACET", model="m", quantizer="q")
    assert folder.cell("FACET", "m", "q", KEY) == new


def test_speeds_of_an_earlier_version_are_found(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    speed = SpeedRecord(
        model="M", quantizer="q", numerics="", load_seconds=1.0, rates={}, peak_bytes=None, batch_size=1, repeats=1
    )
    new = folder.speed("M", "q", KEY)
    earlier = tmp_path / "speed" / "M" / "q-kkkkkkkk.json"
    folder.write_speed(earlier, speed)
    assert new != earlier
    assert folder.speed("M", "q", KEY) == earlier
    folder.write_speed(earlier, speed.model_copy(update={"model": "m"}))
    assert folder.speed("M", "q", KEY) == new


def test_a_cell_is_done_when_its_key_says_so(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    cell = folder.cell("facet", "m", "q", KEY)
    assert not folder.is_done(cell, KEY)
    folder.write_cell(cell, record(), outcome=Outcome(items=ITEMS))
    assert folder.is_done(cell, KEY)
    assert not folder.is_done(cell, "other")
    (tmp_path / cell / "cell.json").write_text("{ half")
    assert not folder.is_done(cell, KEY)


def test_a_cell_comes_back_as_it_was_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    cell = folder.cell("facet", "m", "q", KEY)
    rankings = pd.DataFrame({"query": pd.Categorical(["q", "q"]), "item": [1, 0]})
    noise = METRICS.assign(order="shuffle-1")
    outcome = Outcome(items=ITEMS, rankings=rankings, facts={"queries": ["q"], "chance": []})
    written = record().model_copy(update={"facts": outcome.facts})
    folder.write_cell(cell, written, outcome=outcome, metrics=METRICS, noise=noise)
    found = read_cell(tmp_path, cell)
    assert set(found.record.tables) == {"items", "metrics", "rankings", "noise"}
    assert found.record.model_copy(update={"tables": {}}) == written
    assert found.outcome().facts == outcome.facts
    pd.testing.assert_frame_equal(found.outcome().items, ITEMS, check_dtype=False)
    assert found.outcome().rankings is not None
    assert found.outcome().rankings["item"].tolist() == [1, 0]
    assert found.numbers().iloc[0].tolist() == ["recall@5", "", "", "", 0.5, 2]
    assert found.table("noise")["order"].tolist() == ["shuffle-1"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"outcome": Outcome(items=ITEMS.drop(columns="item"))}, "items.*the column 'item' is missing"),
        ({"outcome": Outcome(items=ITEMS.assign(item=[1, 2]))}, "'item' does not hold text"),
        ({"outcome": Outcome(items=ITEMS.assign(correct=["yes", "no"]))}, "'correct' does not hold true or false"),
        ({"outcome": Outcome(items=ITEMS.assign(rank=[0.5, 1]))}, "'rank' does not hold whole numbers"),
        ({"metrics": METRICS.assign(metric="recall@five")}, "'metric' does not hold names of metrics"),
        ({"metrics": METRICS.assign(value=True)}, "'value' does not hold numbers"),
        ({"noise": METRICS}, "noise.*the column 'order' is missing"),
    ],
)
def test_a_table_that_is_not_as_declared_is_refused(tmp_path: Path, part: dict[str, Any], said: str) -> None:
    folder = RunFolder(tmp_path)
    cell = folder.cell("facet", "m", "q", KEY)
    with pytest.raises(InputError, match=said):
        folder.write_cell(cell, record(), **part)
    assert not (tmp_path / cell / "cell.json").exists()


def test_failed_cells_are_forgotten_and_done_ones_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    done, failed, current = (folder.cell("facet", "m", q, KEY) for q in ("done", "failed", "current"))
    folder.write_cell(done, record())
    folder.write_cell(failed, record(status=CellStatus.FAILED))
    folder.write_cell(current, record(status=CellStatus.FAILED))
    assert folder.forget_failures([current]) == 1
    assert folder.read_cell(done)
    assert folder.read_cell(current)
    assert not (tmp_path / failed).exists()


def test_the_time_at_which_a_run_began_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.known() is None
    record = RunRecord(baseline="fp32", created="2026-01-01T00:00:00+00:00", cells=("cells/a/b/c",))
    folder.update_run(lambda known: record)
    assert folder.known().created == "2026-01-01T00:00:00+00:00"
    assert read_run(tmp_path).cells == ("cells/a/b/c",)
    (tmp_path / "run.json").write_text("{")
    assert folder.known() is None


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"thesis\.tex"):
        RunFolder(tmp_path).check_usable()
    (tmp_path / "run.json").touch()
    RunFolder(tmp_path).check_usable()


@pytest.mark.parametrize("name", ["run.log", "run.log.jsonl", ".lock", ".locks", "analysis", "cells/a", "report.html"])
def test_nothing_is_written_through_a_link_that_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "run"
    (folder / "cells").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    elsewhere.mkdir()
    (folder / "inner").symlink_to(folder / "cells")
    RunFolder(folder).check_usable()
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(InputError, match=rf"{name}: this link leads out of the folder"):
        RunFolder(folder).check_usable()
    with pytest.raises(InputError, match="leads out"), concluding(folder):
        pass
    assert not any(elsewhere.iterdir())
