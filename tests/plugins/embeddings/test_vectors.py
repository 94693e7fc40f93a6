"""Files of embeddings: what is read as it is, and what is refused by name."""

import json
import pickle
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qbench.api import ModelError


def test_embeddings_come_in_the_order_that_was_asked_for(tmp_path, write_table, look):
    write_table(
        tmp_path / "images.parquet", {"a.jpg": [1, 2, 2], "b.jpg#xywh=1,2,3.5,4": [0, -1, 0.5], "c.jpg": [9, 9, 9]}
    )
    found = look("images", ["b.jpg#xywh=1,2,3.5,4", "a.jpg", "a.jpg"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0, -1, 0.5], [1, 2, 2], [1, 2, 2]])


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.float16()), pa.list_(pa.int8(), 3)])
def test_lists_of_any_numbers_are_read(tmp_path, kind, write_table, look):
    rows = [np.array(row, dtype=kind.value_type.to_pandas_dtype()) for row in ([1, 2, 2], [0, -1, 3])]
    table = pa.table({"id": pa.array(["a", "b"], pa.large_string()), "embedding": pa.array(rows, kind)})
    pq.write_table(table, tmp_path / "texts.parquet", row_group_size=1)
    np.testing.assert_array_equal(look("texts", ["b", "a"]), [[0, -1, 3], [1, 2, 2]])


def test_npy_with_its_ids_is_read(tmp_path, look):
    np.save(tmp_path / "texts.npy", np.array([[1, 2, 2], [0, -1, 3]], dtype=np.float16))
    (tmp_path / "texts.json").write_text(json.dumps(["a\nb", "c"]))
    np.testing.assert_array_equal(look("texts", ["c", "a\nb"]), [[0, -1, 3], [1, 2, 2]])


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ({"b": [1, 2, 3], "z": [1, 1, 1]}, r"2 of 3 images are missing, first 'a'"),
        ({"a": [1, 2], "b": [1, 2], "c": [1, 2]}, "have 2 numbers, the manifest says 3"),
        ({"a": [1, 2, 3], "b": [1, 2], "c": [1, 2, 3]}, "have 2 to 3 numbers"),
        ({"a": [1, 2, 3], "b": [np.nan, 2, 3], "c": [1, np.inf, 3]}, "2 of 3 embeddings are not finite, first 'b'"),
        ({"a": [1, 2, 3], "b": [1, 2, 3], "c": [0, 0, -0.0]}, "1 of 3 embeddings are zero, first 'c'"),
    ],
)
def test_what_cannot_be_an_embedding_is_counted_and_the_first_is_named(tmp_path, vectors, message, write_table, look):
    write_table(tmp_path / "images.parquet", vectors)
    with pytest.raises(ModelError, match=message) as error:
        look("images", ["a", "b", "c", "a"])
    assert error.value.where == str(tmp_path / "images.parquet")


def test_a_double_beyond_single_precision_is_not_finite(tmp_path, look):
    pd.DataFrame({"id": ["a"], "embedding": [np.array([1e300, 0, 0])]}).to_parquet(tmp_path / "images.parquet")
    with pytest.raises(ModelError, match="not finite"):
        look("images", ["a"])


def test_a_length_is_free_unless_it_was_declared(tmp_path, write_table, look):
    write_table(tmp_path / "images.parquet", {"a": [0.6, 0.804, 0], "b": [1000, 0, 0]})
    assert len(look("images", ["a", "b"])) == 2
    assert len(look("images", ["a"], normalised=True)) == 1
    with pytest.raises(ModelError, match="1 of 2 embeddings do not have the length 1 that the manifest declares"):
        look("images", ["a", "b"], normalised=True)


def test_an_id_that_comes_twice_is_refused(tmp_path, look):
    table = pd.DataFrame({"id": ["a", "b", "a"], "embedding": [np.ones(3)] * 3})
    table.to_parquet(tmp_path / "images.parquet")
    with pytest.raises(ModelError, match="1 duplicate IDs, the first is 'a'"):
        look("images", ["b"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["a"]}, "the column 'embedding' is needed"),
        ({"id": [1], "embedding": [[1.0, 2, 3]]}, "of int64, not of texts"),
        ({"id": ["a"], "embedding": [1.0]}, "not of lists of numbers"),
        ({"id": ["a"], "embedding": [["1", "2", "3"]]}, "not of lists of numbers"),
        ({"id": ["a", None], "embedding": [[1.0, 2, 3]] * 2}, "'id' has 1 gaps"),
        ({"id": ["a", "b"], "embedding": [[1.0, 2, 3], None]}, "'embedding' has 1 gaps"),
        ({"id": ["a"], "embedding": [[1.0, None, 3]]}, "1 of 1 embeddings are not finite"),
        ({"id": pa.array([], pa.string()), "embedding": pa.array([], pa.list_(pa.float32()))}, "1 of 1 images"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path, table, message, write_table, look):
    pq.write_table(pa.table(table), tmp_path / "images.parquet")
    with pytest.raises(ModelError, match=message):
        look("images", ["a"])


def test_a_missing_a_damaged_and_an_ambiguous_file_are_told_apart(tmp_path, look):
    with pytest.raises(ModelError, match=r"neither images\.parquet nor images\.npy(.|\n)*qbench embeddings list"):
        look("images", ["a"])
    (tmp_path / "images.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(ModelError, match="damaged, or is not a Parquet file"):
        look("images", ["a"])
    np.save(tmp_path / "images.npy", np.ones((1, 3)))
    with pytest.raises(ModelError, match="which one counts"):
        look("images", ["a"])
    (tmp_path / "images.parquet").unlink()
    with pytest.raises(ModelError, match="the IDs of the rows"):
        look("images", ["a"])
    (tmp_path / "images.json").write_text('{"a": 0}')
    with pytest.raises(ModelError, match="not hold a list of texts"):
        look("images", ["a"])
    (tmp_path / "images.json").write_text('["a", "b"]')
    with pytest.raises(ModelError, match=r"2 IDs for 1 rows of images\.npy"):
        look("images", ["a"])
    (tmp_path / "images.npy").write_bytes((tmp_path / "images.npy").read_bytes()[:-4])
    with pytest.raises(ModelError, match="damaged"):
        look("images", ["a"])


@pytest.mark.parametrize("vectors", [np.ones(3), np.array([["a", "b"]]), np.ones((1, 3), dtype=complex)])
def test_an_array_of_another_kind_is_refused(tmp_path, vectors, look):
    np.save(tmp_path / "images.npy", vectors)
    with pytest.raises(ModelError, match="not hold a table of numbers"):
        look("images", ["a"])


class Trap:
    """What would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_files_with_any_byte_changed_are_read_or_refused(tmp_path, write_table, look):
    write_table(tmp_path / "images.parquet", {name: [1, 2, 2] for name in ("Zoë", "b", "c")})
    np.save(tmp_path / "texts.npy", np.array([[1, 2, 2], [0, -1, 3]], dtype=np.float16))
    (tmp_path / "texts.json").write_text(json.dumps(["a", "c"]))
    refused = dict.fromkeys(("images.parquet", "texts.npy", "texts.json"), 0)
    for name in refused:
        whole = (tmp_path / name).read_bytes()
        for at in range(0, min(len(whole), 600), 3):
            (tmp_path / name).write_bytes(
                whole[:at] + bytes([whole[at] ^ (0x80 if name[0] == "i" else 1)]) + whole[at + 1 :]
            )
            refused[name] += 1
            with suppress(ModelError):
                look(name.partition(".")[0], ["b"] if name == "images.parquet" else ["a"])
                refused[name] -= 1
        (tmp_path / name).write_bytes(whole)
    assert min(refused.values()) > 2, refused


def test_no_pickle_is_ever_read(tmp_path, look):
    objects = np.array([[Trap(tmp_path / "sprung")]], dtype=object)
    np.save(tmp_path / "images.npy", objects, allow_pickle=True)
    (tmp_path / "texts.npy").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    for what in ("images", "texts"):
        with pytest.raises(ModelError, match="not an array of numbers"):
            look(what, ["a"])
    assert not (tmp_path / "sprung").exists()
