"""From a table to items: what is read, and what is refused with file and row."""

import pandas as pd
import pytest

from qbench.errors import DataError

KEEP = {"table": {"keep": {"part": "test"}}}


def attribute(**keys):
    return {"attributes": {"sex": None, "of": keys}}


def test_items_are_read(items_of):
    items = items_of({"table": {"folder": "images", "also_right": ["second"]}})
    assert items.table["item"].tolist() == list("12345")
    assert items.table["image"][0] == "images/a.jpg"
    assert items.table["label2"].tolist() == ["", "doctor", "", "", ""]
    assert items.table["sex"].tolist() == ["man", "woman", "man", "woman", "woman"]
    assert items.attributes[0].pairs == (("woman", "man"),)
    assert items.choices["labels of groups"].startswith("perceived")
    assert [path.name for path in items.annotations] == ["people.csv"]


def test_another_spelling_of_a_group_is_not_one_of_the_others(items_of):
    with pytest.raises(DataError, match=r"people\.csv:row 3: the sex 'f' is not one of 'F ', 'm'"):
        items_of({"attributes": {"sex": {"values": {"woman": "F ", "man": "m"}, "other": "unknown"}}})


def test_a_parquet_table_is_read_like_the_csv(items_of, tmp_path):
    first = items_of()
    table = pd.read_csv(tmp_path / "people.csv").assign(id=lambda t: t["id"].astype(float))
    table.to_parquet(tmp_path / "people.parquet")
    second = items_of({"table": {"file": "people.parquet"}})
    pd.testing.assert_frame_equal(first.table, second.table)


def test_the_image_is_the_id_where_there_is_none(items_of):
    items = items_of({"table": {"id": None, "suffix": ".png"}})
    assert items.table["item"].tolist()[:2] == ["a.jpg.png", "b.jpg.png"]


def test_a_image_is_looked_for_in_each_folder(items_of, tmp_path):
    (tmp_path / "two" / "deep").mkdir(parents=True)
    (tmp_path / "two" / "b.jpg").touch()
    items = items_of({"table": {"folder": ["one", "two"]}})
    assert items.table["image"].tolist()[:2] == ["one/a.jpg", "two/b.jpg"]


def test_rows_that_are_not_kept_are_left_out_and_counted(items_of):
    items = items_of(KEEP)
    assert len(items) == 4
    assert items.choices["rows that are used"] == "those with part = test; 1 others are left out"
    with pytest.raises(DataError, match=r"none of the 5 rows is one to keep \(part = val\)\nThis may be the table of"):
        items_of({"table": {"keep": {"part": "val"}}})


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        ({"column": "sex", "groups": ["f", "m"]}, ["m", "f", "m", "f", "f"]),
        ({"column": "sex", "values": {"w": "f", "x": "q"}, "other": "?"}, ["?", "w", "?", "w", "w"]),
        (
            {"column": "years", "bins": {"young": [0, 40], "old": [40, float("inf")]}},
            ["young", "young", "old", "old", "old"],
        ),
        (
            {"column": "years", "bins": {"a": [20, 21], "b": [40, 41]}, "other": "rest"},
            ["a", "rest", "rest", "b", "rest"],
        ),
        ({"flags": {"dark": "dark", "light": "light"}}, ["light", "dark", "na", "several", "dark"]),
        ({"votes": ["t1", "t2"], "bins": {"one": [1, 1.5], "two": [1.5, 3]}}, ["one", "two", "na", "one", "two"]),
        ({"column": "dark", "values": {"yes": 1, "no": [0, False]}}, ["no", "yes", "no", "yes", "yes"]),
    ],
)
def test_cells_become_groups(items_of, keys, groups):
    assert items_of(attribute(**keys)).table["of"].tolist() == groups


def test_whole_numbers_with_a_point_are_the_same_values(items_of, tmp_path):
    people = "id,file,job,code\n1,a.jpg,x,1.0\n2,b.jpg,x,0.0\n"
    items = items_of(attribute(column="code", values={"yes": 1, "no": 0}), people=people)
    assert items.table["of"].tolist() == ["yes", "no"]


@pytest.mark.parametrize(
    ("keys", "cell", "said"),
    [
        (
            {"column": "sex", "groups": ["male", "f"]},
            "mael",
            "row 2: the of 'mael' is not one of 'male', 'f'\nDid you mean",
        ),
        (
            {"column": "sex", "groups": ["m", "f"]},
            "",
            "row 2: the of is empty\nOr say in the description",
        ),
        (
            {"column": "sex", "groups": ["3-9", "f"]},
            "9-Mar",
            "row 2: the of '9-Mar' is a date: a spreadsheet",
        ),
        (
            {"column": "sex", "bins": {"a": [0, 9], "b": [9, 20]}},
            "x",
            "row 2: the of 'x' is not a number\nThe bins: a",
        ),
        ({"column": "sex", "bins": {"a": [0, 9], "b": [9, 20]}}, "20", "row 2: the of 20 is in none of the bins"),
        ({"column": "sex", "bins": {"a": [0, 9], "b": [9, 20]}}, "nan", "row 2: the of 'nan' is not a number"),
        ({"flags": {"a": "sex", "b": "job"}}, "2", "row 2: sex is '2', not 0 or 1"),
        ({"votes": ["sex"], "bins": {"a": [0, 9], "b": [9, 20]}}, "1.5", "row 2: sex is '1.5', not a count of votes"),
    ],
)
def test_a_cell_that_belongs_nowhere_is_refused_with_its_row(items_of, tmp_path, keys, cell, said):
    with pytest.raises(DataError) as caught:
        items_of(attribute(**keys), people=f"id,file,job,sex\n1,a.jpg,1,{cell}\n")
    assert str(caught.value).startswith(f"{tmp_path / 'people.csv'}:{said}")


@pytest.mark.parametrize(
    ("change", "people", "said"),
    [
        ({}, None, "people.csv: the file does not exist"),
        ({"how_to_get": "Ask me."}, None, "people.csv: the file does not exist\nAsk me."),
        ({}, "id,file,job\n1,a,x\n", "people.csv:row 1: the column sex is missing; there are id, file, job"),
        ({}, "id,file,job,sex\n", "people.csv: the file has a header but no rows"),
        ({}, "id,file,job,sex\n1,a,x,f\n1,b,x,f\n", "people.csv:row 3: the id 1 occurs already in row 2"),
        ({"table": {"id": None}}, "file,job,sex\na,x,f\na,x,f\n", "row 3: the image a occurs already in row 2"),
        ({}, "id,file,job,sex\n,a,x,f\n", "people.csv:row 2: id is empty"),
        ({}, "id,file,job,sex\n1,,x,f\n", "people.csv:row 2: file is empty"),
        ({}, "id,file,job,sex\n1,a,,f\n", "people.csv:row 2: job is empty"),
        ({}, "id,file,job,sex\n1,../a,x,f\n", "people.csv:row 2: the image '../a' lies outside the dataset's folder"),
        ({"table": {"file": "../people.csv"}}, "", "table.file: the image '../people.csv' lies outside"),
        ({"table": {"folder": ".."}}, None, "people.csv: the file does not exist"),
        (
            {"prompts": {"classes": ["nurse", "cook"]}},
            "id,file,job,sex\n1,a,nurse,f\n2,b,doctor,f\n",
            "people.csv:row 3: the class 'doctor' is not one of nurse, cook",
        ),
        ({"table": {"box": "box"}}, "id,file,job,sex,box\n1,a,x,f,3\n", "row 2: the bounding box '3' is not a dict"),
        (
            {"table": {"box": {"x": "x", "y": "y", "width": "w", "height": "h"}}},
            "id,file,job,sex,x,y,w,h\n1,a,x,f,0,0,,5\n",
            "row 2: w is '', not a number of pixels",
        ),
        (
            {"table": {"box": {"left": "x", "top": "y", "right": "w", "bottom": "h"}}},
            "id,file,job,sex,x,y,w,h\n1,a,x,f,9,0,3,5\n",
            "row 2: the bounding box '9, 0, 3, 5' is empty",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_file_and_row(items_of, change, people, said):
    with pytest.raises(DataError) as caught:
        items_of(change, people=people)
    assert said in str(caught.value)


def test_a_damaged_parquet_file_is_refused(items_of, tmp_path):
    change = {"table": {"file": "people.parquet"}}
    with pytest.raises(DataError, match=r"people\.parquet: the file does not exist"):
        items_of(change)
    (tmp_path / "people.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"people\.parquet: this is not a valid Parquet file"):
        items_of(change)
    pd.DataFrame({"id": ["1"], "file": ["a"], "job": ["x"], "sex": ["q"]}).to_parquet(tmp_path / "people.parquet")
    with pytest.raises(DataError, match=r"people\.parquet:row 1: the sex 'q' is not one of"):
        items_of(change)
    pd.DataFrame({"id": ["1"]}).to_parquet(tmp_path / "people.parquet")
    with pytest.raises(DataError, match=r"row 1: the columns file, job, sex are missing"):
        items_of(change)


@pytest.mark.parametrize(
    ("box", "first"),
    [
        ({"x": "x", "y": "y", "width": "w", "height": "h"}, (1.0, 1.0, 10.0, 10.0)),
        ({"left": "x", "top": "y", "right": "w", "bottom": "h"}, (1.0, 1.0, 9.0, 9.0)),
    ],
)
def test_boxes_of_four_columns(items_of, box, first):
    items = items_of({"table": {"box": box}})
    assert items.images[1].box == first
    assert items.choices["image"] == "cut to the item's box"


def test_a_ranking_needs_a_group_for_every_item_or_leaves_it_out(items_of):
    change = {"attributes": {"sex": {"values": {"man": None, "boy": "b"}, "other": "na"}}}
    with pytest.raises(
        DataError, match=r"row 2: the sex is 'na', no group to compare, and .*\nSet leave_out_unlabelled"
    ):
        items_of(change, "rank")
    people = "file,sex\na.jpg,f\nb.jpg,b\nc.jpg,?\n"
    items = items_of({**change, "table": {"leave_out_unlabelled": True}}, "rank", people=people)
    assert len(items) == 2
    assert items.choices["items without a group"] == "1, left out"
