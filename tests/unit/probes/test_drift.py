"""Embedding drift: cosines an item, and their summary by group."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.data.items import Attribute, Items
from qbench.errors import InputError, QbenchError
from qbench.images.locations import ImageLocation
from qbench.images.sources.files import FolderSource
from qbench.probes.embedding.drift import drift_table
from qbench.results.drift import summarise_drift
from qbench.runfolder.reader import Cell
from qbench.vocabulary import CellStatus
from tests.unit.conftest import cell_record

GENDER = Attribute(name="gender", groups=("Male", "Female"))


@pytest.fixture
def items():
    """Four persons in three images."""
    table = pd.DataFrame(
        {
            "item": ["a", "b", "c", "d"],
            "image_index": [0, 1, 1, 2],
            "label": "",
            "gender": ["Male", "Female", "Male", "na"],
        }
    )
    return Items(
        table=table,
        images=tuple(ImageLocation(FolderSource(Path()), x) for x in "123"),
        root=Path(),
        attributes=(GENDER,),
    )


def test_the_cosine_is_of_directions_and_an_item_has_its_images(items):
    before = np.array([[1, 0], [0, 2], [3, 3]], dtype=np.float32)
    after = np.array([[5, 0], [4, 4], [-1, -1]], dtype=np.float32)
    table = drift_table(items, before, after)
    assert list(table) == ["item", "gender", "cosine"]
    np.testing.assert_allclose(table["cosine"], [1, np.sqrt(0.5), np.sqrt(0.5), -1], atol=1e-12)


def test_a_drift_below_the_steps_of_float32_is_not_lost(items):
    before = np.array([[1, 0], [1, 0], [1, 0]], dtype=np.float32)
    after = before + np.array([0, 1e-4], dtype=np.float32)
    np.testing.assert_allclose(1 - drift_table(items, before, after)["cosine"], 5e-9, rtol=1e-3)


def test_what_has_no_direction_has_no_drift(items):
    with pytest.raises(QbenchError, match="embeddings are zero"):
        drift_table(items, np.ones((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="cannot be compared"):
        drift_table(items, np.ones((3, 2)), np.ones((3, 4)))


@pytest.fixture
def run(tmp_path):
    """A run folder with the drift of one variant."""
    folder = tmp_path / "cells" / "faces" / "clip" / "int8-1234"
    folder.mkdir(parents=True)
    cosine = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    table = pd.DataFrame({"item": list("abcde"), "gender": ["Male", "Male", "Female", "Male", "na"], "cosine": cosine})
    table.to_parquet(folder / "drift-5678.parquet")
    attributes = [{"name": "gender", "groups": ["Male", "Female"], "pairs": []}]
    record = cell_record(benchmark_info={"attributes": attributes})
    return tmp_path, Cell(folder, "clip", "int8", "faces", CellStatus.DONE, record)


def test_the_summary_by_group_has_those_without_a_label_too(run):
    folder, cell = run
    found = summarise_drift(folder, ["cells/faces/clip/int8-1234/drift-5678.parquet"], [cell])
    assert found[["attribute", "group", "n"]].to_numpy().tolist() == [
        ["", "", 5],
        ["gender", "Male", 3],
        ["gender", "Female", 1],
        ["gender", "na", 1],
    ]
    assert found["quantizer"].unique().tolist() == ["int8"]
    np.testing.assert_allclose(found["mean"], [0.7, (0.9 + 0.8 + 0.6) / 3, 0.7, 0.5])
    np.testing.assert_allclose(found["median"], [0.7, 0.8, 0.7, 0.5])
    np.testing.assert_allclose(found["q05"][0], 0.52)


def test_the_mean_has_an_interval_over_images_and_groups_are_compared(run):
    folder, cell = run
    rng = np.random.default_rng(0)
    gender = np.tile(["Male", "Female", "na"], [60])
    cosine = 1 - np.where(gender == "Female", 0.2, 0.1) * rng.gamma(4, 0.25, 180)
    table = pd.DataFrame({"item": [str(i) for i in range(180)], "gender": gender, "cosine": cosine})
    table.to_parquet(cell.folder / "drift-5678.parquet")
    name = ["cells/faces/clip/int8-1234/drift-5678.parquet"]
    alone = summarise_drift(folder, name, [cell]).set_index("group")
    assert (alone["low"] < alone["mean"]).all()
    assert (alone["mean"] < alone["high"]).all()
    assert alone.loc["Male", "p_groups"] == alone.loc["Female", "p_groups"] < 1e-6
    assert alone.loc[["", "na"], "p_groups"].isna().all()
    twice = pd.concat([table, table.assign(item=table["item"] + "b")]).assign(image=lambda t: t["item"].str.strip("b"))
    twice.to_parquet(cell.folder / "drift-5678.parquet")
    again = summarise_drift(folder, name, [cell]).set_index("group")
    np.testing.assert_allclose(again["low"], alone["low"])


def test_files_of_cells_that_are_no_part_of_the_run_are_left_out(run):
    folder, cell = run
    assert summarise_drift(folder, ["cells/faces/clip/other-1/drift-5678.parquet"], [cell]).empty
    assert summarise_drift(folder, ["../drift.parquet"], [cell]).empty
    with pytest.raises(InputError, match=r"drift-9\.parquet: the file is missing"):
        summarise_drift(folder, ["cells/faces/clip/int8-1234/drift-9.parquet"], [cell])
