"""Images are decoded once, whatever the number of workers; keys follow content, boxes and order."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.data.fingerprint import images_key, items_key
from qbench.data.items import Attribute, Items
from qbench.data.subset import limited, present
from qbench.errors import DataError
from qbench.images.decoding import decode_image
from qbench.images.digests import image_digests
from qbench.images.locations import ImageLocation
from qbench.images.pixel_store import FOLDER, pixel_store, store_parts
from qbench.images.preprocessing import Geometry
from qbench.images.sources.files import FolderSource
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
        images.append(ImageLocation(FolderSource(root), path.name))
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
    return images_key(items, image_digests(cache, items.images))


def test_decoded_once_and_the_same_for_any_number_of_workers(items, cache, tmp_path, monkeypatch):
    monkeypatch.setattr("qbench.images.workers.TASKS_PER_PROCESS", 1)
    steps: list[int] = []
    digests = image_digests(cache, items.images)
    one = pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, workers=1, step=steps.append)
    again = pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, workers=1, step=steps.append)
    assert (one.shape, one.dtype, sum(steps)) == ((30, 8, 8, 3), np.uint8, 30)
    np.testing.assert_array_equal(one, again)
    assert not one.flags.writeable
    for workers in (2, 8):
        other = Cache(tmp_path / f"other-{workers}")
        many = pixel_store(other, items.images, "k", GEOMETRY, digests=digests, workers=workers)
        np.testing.assert_array_equal(one, many)
    np.testing.assert_array_equal(one, [decode_image(image, GEOMETRY) for image in items.images])


def stored(cache):
    """Whether the cache has the decoded images, complete."""
    return cache.sharded("pixels", store_parts("k", GEOMETRY)).complete


def test_a_damaged_image_leaves_no_complete_store(items, cache):
    (items.root / "7.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"7\.png"):
        pixel_store(cache, items.images, "k", GEOMETRY, digests=image_digests(cache, items.images))
    assert not stored(cache)


def test_an_image_that_was_changed_after_it_was_hashed_leaves_no_complete_store(items, cache):
    digests = image_digests(cache, items.images)
    Image.new("RGB", (10, 12), (9, 9, 9)).save(items.root / "7.png")
    with pytest.raises(DataError, match=r"7\.png: the image was changed while the run was going on"):
        pixel_store(cache, items.images, "k", GEOMETRY, digests=digests)
    assert not stored(cache)


def test_all_damaged_images_are_named_in_one_message(items, cache):
    for i in range(0, 30, 2):
        (items.root / f"{i}.png").write_bytes(b"<html>" if i else b"")
    with pytest.raises(DataError, match="15 images cannot be used") as error:
        pixel_store(cache, items.images, "k", GEOMETRY, digests=image_digests(cache, items.images))
    lines = error.value.what.splitlines()
    assert [line.rpartition("/")[2].partition(":")[0] for line in lines[1:-1]] == [f"{i}.png" for i in range(0, 20, 2)]
    assert "the file is empty" in lines[1]
    assert "it is an HTML page" in lines[2]
    assert lines[-1].startswith("  and 5 more; the log of the run and `qbench data check --decode --all` name all")


def test_what_is_decoded_is_kept_shard_by_shard(items, cache, monkeypatch):
    """What fails for now, such as an image for which there is too little memory, costs its own shard."""
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 8)
    digests, steps = image_digests(cache, items.images), []
    (items.root / "20.png").rename(items.root / "away")
    with pytest.raises(DataError, match=r"20\.png: the image is missing"):
        pixel_store(cache, items.images, "k", GEOMETRY, digests=digests)
    assert cache.sharded(FOLDER, store_parts("k", GEOMETRY)).rows_done() == 8 + 8 + 6
    (items.root / "away").rename(items.root / "20.png")
    pixels = pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, step=steps.append)
    assert sum(steps) == 8
    np.testing.assert_array_equal(pixels, [decode_image(image, GEOMETRY) for image in items.images])


def test_a_run_that_is_killed_loses_a_shard_at_most(items, cache, monkeypatch):
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 8)
    digests, steps = image_digests(cache, items.images), []

    def killed(n):
        steps.append(n)
        if len(steps) == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, workers=1, step=killed)
    assert cache.sharded(FOLDER, store_parts("k", GEOMETRY)).rows_done() == 16
    pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, step=steps.append)
    assert len(steps) == 20 + 14


def both_at_once(work):
    """The results of two runs, or what they raise, that decode the same images at the same time."""
    with ThreadPoolExecutor(2) as pool:
        return [x.exception() or x.result() for x in [pool.submit(work), pool.submit(work)]]


def test_two_runs_at_once_decode_every_image_once(items, cache, monkeypatch):
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 4)
    digests, steps = image_digests(cache, items.images), []
    one, other = both_at_once(
        lambda: pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, workers=1, step=steps.append)
    )
    assert sum(steps) == 30
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, [decode_image(image, GEOMETRY) for image in items.images])


def test_each_of_two_runs_at_once_names_all_damaged_images(items, cache, monkeypatch):
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 4)
    for i in (2, 3, 17):
        (items.root / f"{i}.png").write_bytes(b"")
    digests = image_digests(cache, items.images)
    one, other = both_at_once(lambda: pixel_store(cache, items.images, "k", GEOMETRY, digests=digests, workers=1))
    assert str(one) == str(other)
    assert "3 images cannot be used" in one.what
    assert cache.sharded(FOLDER, store_parts("k", GEOMETRY)).rows_done() == 30 - 8


def test_the_key_follows_content_box_and_order(items, cache):
    keys = [key(items, cache)]
    keys.append(key(replace(items, images=items.images[::-1]), cache))
    boxed = (replace(items.images[0], box=(0, 0, 4, 4)), *items.images[1:])
    keys.append(key(replace(items, images=boxed), cache))
    Image.new("RGB", (10, 12)).save(items.root / "3.png")
    keys.append(key(items, cache))
    assert len(set(keys)) == 4
    assert key(items, Cache(cache.root)) == keys[-1]


def test_digests_are_remembered_until_a_file_changes(items, cache, monkeypatch):
    monkeypatch.setattr("qbench.store.digests.RECENT", 0)
    first = image_digests(cache, items.images[:1])
    monkeypatch.setattr(FolderSource, "digest", lambda source, key: "read again")
    assert image_digests(cache, items.images[:1]) == first
    os.utime(items.root / "0.png", ns=(1, 1))
    assert image_digests(cache, items.images[:1]) == ["read again"]


def test_the_items_key_follows_the_table_and_the_annotations(items):
    changed = replace(items, table=items.table.assign(label="c"))
    keys = {items_key(items, "p", ["a"]), items_key(items, "p", ["b"]), items_key(changed, "p", ["a"])}
    assert len(keys) == 3


def test_missing_images_are_refused_with_counts_by_group(items):
    for i in (0, 5):
        (items.root / f"{i}.png").unlink()
    with pytest.raises(DataError, match=r"4 of 60 items are missing .*0\.png.*by group: age: na 1, young 3") as error:
        present(items, allow_missing=False, where="facet")
    assert "allow_missing" in error.value.fix


def test_missing_images_are_counted_where_they_are_allowed(items):
    (items.root / "5.png").unlink()
    kept, missing = present(items, allow_missing=True, where="facet")
    assert missing == {"count": 2, "of": 60, "by_group": {"age": {"young": 2}}}
    assert (len(kept), len(kept.images)) == (58, 29)
    assert [kept.images[i].key for i in kept.table["image_index"]][10:12] == ["6.png", "6.png"]


def test_all_missing_is_an_error_even_if_allowed(items):
    for image in items.images:
        (items.root / image.key).unlink()
    with pytest.raises(DataError, match="the images of all 60 items are missing"):
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
    assert [few.images[i].key for i in few.table["image_index"]] == ["2.png", "2.png", "0.png"]
    assert len(few.images) == 2
