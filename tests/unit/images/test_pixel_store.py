"""Images are decoded once, whatever the number of workers; keys follow content, boxes and order."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.data.fingerprint import Digests, images_key, items_key
from qbench.data.items import Attribute, Items
from qbench.data.subset import limited, present
from qbench.errors import DataError
from qbench.images.locations import ImageLocation
from qbench.images.pixel_store import pixel_store
from qbench.images.preprocessing import Geometry
from qbench.store.cache import Cache

GEOMETRY = Geometry(size=8)


@pytest.fixture
def items(tmp_path) -> Items:
    root = tmp_path / "data"
    root.mkdir()
    rng = np.random.default_rng(0)
    images = []
    for i in range(30):
        path = root / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (10, 12, 3), dtype=np.uint8)).save(path)
        images.append(ImageLocation(path))
    table = pd.DataFrame(
        {
            "item": [f"p{i}" for i in range(60)],
            "image_index": [i // 2 for i in range(60)],
            "label": ["ab"[i % 2] for i in range(60)],
            "age": ["young" if i % 3 else "na" for i in range(60)],
        }
    )
    attributes = (Attribute(name="age", groups=("young", "older")),)
    return Items(table=table, images=tuple(images), root=root, attributes=attributes)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


def key(items: Items, cache: Cache) -> str:
    return images_key(items, Digests(cache, items.root).of([r.path for r in items.images]))


def test_decoded_once_and_the_same_for_any_number_of_workers(items, cache, tmp_path):
    steps: list[int] = []
    one = pixel_store(cache, items.images, "k", GEOMETRY, workers=1, step=steps.append)
    again = pixel_store(cache, items.images, "k", GEOMETRY, workers=1, step=steps.append)
    many = pixel_store(Cache(tmp_path / "other"), items.images, "k", GEOMETRY, workers=7)
    assert (one.shape, one.dtype, sum(steps)) == ((30, 8, 8, 3), np.uint8, 30)
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one, many)
    assert not one.flags.writeable


def test_a_damaged_image_leaves_no_store(items, cache):
    items.images[7].path.write_bytes(b"")
    with pytest.raises(DataError, match=r"7\.png"):
        pixel_store(cache, items.images, "k", GEOMETRY)
    assert not list(cache.root.rglob("*.npy"))


def test_the_key_follows_content_box_and_order(items, cache):
    keys = [key(items, cache)]
    keys.append(key(replace(items, images=items.images[::-1]), cache))
    boxed = (ImageLocation(items.images[0].path, (0, 0, 4, 4)), *items.images[1:])
    keys.append(key(replace(items, images=boxed), cache))
    Image.new("RGB", (10, 12)).save(items.images[3].path)
    keys.append(key(items, cache))
    assert len(set(keys)) == 4
    assert key(items, Cache(cache.root)) == keys[-1]


def test_digests_are_remembered_and_seen_through_when_a_file_changes(items, cache, monkeypatch):
    files = [items.images[0].path]
    first = Digests(cache, items.root).of(files)
    monkeypatch.setattr("qbench.data.fingerprint.file_digest", lambda path: "read again")
    assert Digests(cache, items.root).of(files) == first
    os.utime(files[0], ns=(1, 1))
    assert Digests(cache, items.root).of(files) == ["read again"]


def test_the_items_key_follows_the_table_and_the_annotations(items):
    changed = replace(items, table=items.table.assign(label="c"))
    keys = {items_key(items, "p", ["a"]), items_key(items, "p", ["b"]), items_key(changed, "p", ["a"])}
    assert len(keys) == 3


def test_missing_images_are_refused_with_counts_by_group(items):
    for i in (0, 5):
        items.images[i].path.unlink()
    with pytest.raises(DataError, match=r"4 of 60 items .*0\.png.*Missing by group: age: na 1, young 3") as error:
        present(items, allow_missing=False, where="facet")
    assert "allow_missing" in error.value.fix


def test_missing_images_are_counted_where_they_are_allowed(items):
    items.images[5].path.unlink()
    kept, missing = present(items, allow_missing=True, where="facet")
    assert missing == {"count": 2, "of": 60, "by_group": {"age": {"young": 2}}}
    assert (len(kept), len(kept.images)) == (58, 29)
    assert [kept.images[i].path.name for i in kept.table["image_index"]][10:12] == ["6.png", "6.png"]


def test_all_missing_is_an_error_even_if_allowed(items):
    for ref in items.images:
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


def test_taking_items_takes_only_their_images(items):
    few = items.take([5, 4, 0])
    assert few.table["item"].tolist() == ["p5", "p4", "p0"]
    assert [Path(few.images[i].path).name for i in few.table["image_index"]] == ["2.png", "2.png", "0.png"]
    assert len(few.images) == 2
