"""Two halves share no image, have nearly the same groups, and depend on images and groups only."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.api import Attribute, DataError, FolderSource, ImageLocation, Items
from qbench.data.halves import half_of, in_first_half

GROUPS = {"age": ("young", "middle", "old"), "gender": ("f", "m")}


def made(count=1000, images=600, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"item": [f"i{n}" for n in range(count)], "image_index": rng.permutation(count) % images})
    table["label"] = rng.choice(["a", "b"], count)
    for name, groups in GROUPS.items():
        table[name] = rng.choice(groups, count, p=[0.9, 0.07, 0.03] if len(groups) == 3 else [0.5, 0.5])
    source = FolderSource(Path("images"))
    attributes = tuple(Attribute(name=name, groups=groups) for name, groups in GROUPS.items())
    located = tuple(ImageLocation(source, f"{n}.png") for n in range(images))
    return Items(table=table, images=located, root=Path("images"), attributes=attributes)


DIGESTS = [f"d{n // 2 if n < 20 else n}" for n in range(600)]
"""The first twenty images are ten pairs of copies."""


def test_no_image_and_no_copy_of_one_is_in_both_halves():
    items = made()
    halves = [half_of(items, DIGESTS, part, 0, where="x") for part in ("first", "second")]
    assert not set(halves[0][1]) & set(halves[1][1])
    assert sorted([*halves[0][0].table["item"], *halves[1][0].table["item"]]) == sorted(items.table["item"])
    for half, digests in halves:
        assert [DIGESTS[int(image.key.removesuffix(".png"))] for image in half.images] == list(digests)
        assert half.table["image_index"].max() == len(digests) - 1
    assert halves[0][0].choices["items"].startswith("the first half of 1,000, divided by image")


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_spread_evenly(seed):
    items = made(seed=seed)
    first = in_first_half(items, DIGESTS, seed)
    assert abs(int(first.sum()) - 500) <= 3
    for name in GROUPS:
        counts = pd.crosstab(items.table[name], first)
        assert (counts[True] - counts[False]).abs().max() <= 8


def test_halves_depend_on_images_groups_and_seed_only():
    items = made()
    first = in_first_half(items, DIGESTS, 0)
    order = np.random.default_rng(1).permutation(len(items))
    assert (in_first_half(items.take(order), DIGESTS, 0) == first[order]).all()
    other_labels = Items(**{**vars(items), "table": items.table.assign(label="c")})
    assert (in_first_half(other_labels, DIGESTS, 0) == first).all()
    assert (in_first_half(items, DIGESTS, 1) != first).any()


def test_items_without_groups_are_spread_by_class():
    items = Items(**{**vars(made()), "attributes": ()})
    first = in_first_half(items, DIGESTS, 0)
    counts = pd.crosstab(items.table["label"], first)
    assert (counts[True] - counts[False]).abs().max() <= 3


def test_a_half_without_items_is_refused():
    items = made(count=3, images=1)
    parts = ["first", "second"]
    empty = parts[int(in_first_half(items, ["d"], 0).all())]
    with pytest.raises(DataError, match=f"the {empty} half has no items, because all items show one image"):
        half_of(items, ["d"], empty, 0, where="x")
