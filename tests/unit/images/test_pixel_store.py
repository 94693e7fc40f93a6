"""Pictures are decoded once, whatever the number of workers; keys follow content, boxes and order."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.data.fingerprint import Digests, items_key, pictures_key
from qbench.data.items import Attribute, Items, PictureRef
from qbench.data.subset import limited, present
from qbench.errors import DataError
from qbench.images.pixel_store import pixel_store
from qbench.images.preprocessing import Geometry
from qbench.store.cache import Cache

GEOMETRY = Geometry(size=8)


@pytest.fixture
def items(tmp_path) -> Items:
    root = tmp_path / "data"
    root.mkdir()
    rng = np.random.default_rng(0)
    pictures = []
    for i in range(30):
        path = root / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (10, 12, 3), dtype=np.uint8)).save(path)
        pictures.append(PictureRef(path))
    table = pd.DataFrame(
        {
            "item": [f"p{i}" for i in range(60)],
            "picture": [i // 2 for i in range(60)],
            "label": ["ab"[i % 2] for i in range(60)],
            "age": ["young" if i % 3 else "na" for i in range(60)],
        }
    )
    attributes = (Attribute(name="age", groups=("young", "older")),)
    return Items(table=table, pictures=tuple(pictures), root=root, attributes=attributes)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


def key(items: Items, cache: Cache) -> str:
    return pictures_key(items, Digests(cache, items.root).of([r.path for r in items.pictures]))


def test_decoded_once_and_the_same_for_any_number_of_workers(items, cache, tmp_path):
    steps: list[int] = []
    one = pixel_store(cache, items.pictures, "k", GEOMETRY, workers=1, step=steps.append)
    again = pixel_store(cache, items.pictures, "k", GEOMETRY, workers=1, step=steps.append)
    many = pixel_store(Cache(tmp_path / "other"), items.pictures, "k", GEOMETRY, workers=7)
    assert (one.shape, one.dtype, sum(steps)) == ((30, 8, 8, 3), np.uint8, 30)
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one, many)
    assert not one.flags.writeable


def test_a_damaged_picture_leaves_no_store(items, cache):
    items.pictures[7].path.write_bytes(b"")
    with pytest.raises(DataError, match=r"7\.png"):
        pixel_store(cache, items.pictures, "k", GEOMETRY)
    assert not list(cache.root.rglob("*.npy"))


def test_the_key_follows_content_box_and_order(items, cache):
    keys = [key(items, cache)]
    keys.append(key(replace(items, pictures=items.pictures[::-1]), cache))
    boxed = (PictureRef(items.pictures[0].path, (0, 0, 4, 4)), *items.pictures[1:])
    keys.append(key(replace(items, pictures=boxed), cache))
    Image.new("RGB", (10, 12)).save(items.pictures[3].path)
    keys.append(key(items, cache))
    assert len(set(keys)) == 4
    assert key(items, Cache(cache.root)) == keys[-1]


def test_digests_are_remembered_and_seen_through_when_a_file_changes(items, cache, monkeypatch):
    files = [items.pictures[0].path]
    first = Digests(cache, items.root).of(files)
    monkeypatch.setattr("qbench.data.fingerprint.file_digest", lambda path: "read again")
    assert Digests(cache, items.root).of(files) == first
    os.utime(files[0], ns=(1, 1))
    assert Digests(cache, items.root).of(files) == ["read again"]


def test_the_items_key_follows_the_table_and_the_annotations(items):
    changed = replace(items, table=items.table.assign(label="c"))
    keys = {items_key(items, "p", ["a"]), items_key(items, "p", ["b"]), items_key(changed, "p", ["a"])}
    assert len(keys) == 3


def test_missing_pictures_are_refused_with_counts_by_group(items):
    for i in (0, 5):
        items.pictures[i].path.unlink()
    with pytest.raises(DataError, match=r"4 of 60 items .*0\.png.*Missing by group: age: na 1, young 3") as error:
        present(items, allow_missing=False, where="facet")
    assert "allow_missing" in error.value.fix


def test_missing_pictures_are_counted_where_they_are_allowed(items):
    items.pictures[5].path.unlink()
    kept, missing = present(items, allow_missing=True, where="facet")
    assert missing == {"count": 2, "of": 60, "by_group": {"age": {"young": 2}}}
    assert (len(kept), len(kept.pictures)) == (58, 29)
    assert [kept.pictures[i].path.name for i in kept.table["picture"]][10:12] == ["6.png", "6.png"]


def test_all_missing_is_an_error_even_if_allowed(items):
    for ref in items.pictures:
        ref.path.unlink()
    with pytest.raises(DataError, match="none of the 60"):
        present(items, allow_missing=True, where="facet")


def test_a_limit_takes_a_fixed_stratified_subset_in_the_same_order(items):
    few = limited(items, 12)
    assert len(few) == 12
    assert few.table["label"].value_counts().to_dict() == {"a": 6, "b": 6}
    assert 3 <= (few.table["age"] == "na").sum() <= 5
    rows = [int(i[1:]) for i in few.table["item"]]
    assert rows == sorted(rows)
    shuffled = limited(items.take(np.random.default_rng(1).permutation(60)), 12)
    assert set(shuffled.table["item"]) == set(few.table["item"])


def test_a_limit_beyond_the_items_changes_nothing(items):
    assert limited(items, 60) is items
    assert limited(items, None) is items


def test_taking_items_takes_only_their_pictures(items):
    few = items.take([5, 4, 0])
    assert few.table["item"].tolist() == ["p5", "p4", "p0"]
    assert [Path(few.pictures[i].path).name for i in few.table["picture"]] == ["2.png", "2.png", "0.png"]
    assert len(few.pictures) == 2
