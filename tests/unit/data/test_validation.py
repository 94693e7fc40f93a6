"""The check of a dataset: what is wrong with it, and what is worth a warning."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.data.items import Attribute, Items
from qbench.data.validation import check_duplicates, check_images, check_labels, check_table, counts
from qbench.errors import DataError
from qbench.images.locations import ImageLocation
from qbench.images.sources.files import FolderSource

SEX = Attribute(name="sex", groups=("f", "m"))


@pytest.fixture
def items(tmp_path):
    """``(sexes, ids=…, label=…, boxes=…) -> Items`` with an image of 8 × 8 for each."""

    def make(sexes="fmf", ids=None, label=None, boxes=None):
        n = len(sexes)
        for i in range(n):
            Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(tmp_path / f"{i}.png")
        table = pd.DataFrame(
            {"item": ids or [f"i{i}" for i in range(n)], "label": label or ["x"] * n, "sex": list(sexes)}, dtype="str"
        ).assign(image_index=np.arange(n), image=[f"{i}.png" for i in range(n)])
        images = tuple(ImageLocation(FolderSource(tmp_path), f"{i}.png", (boxes or [None] * n)[i]) for i in range(n))
        return Items(table=table, images=images, root=tmp_path, attributes=(SEX,))

    return make


def table_findings(items, expected=0, allow_missing=False):
    found = check_table(items, expected=expected, allow_missing=allow_missing)
    return [(f.level, f.kind, f.count, f.examples) for f in found]


def image_findings(items, decode=False, allow_missing=False):
    found, sound = check_images(items, decode=decode, allow_missing=allow_missing)
    return [(f.level, f.kind, f.count, f.examples) for f in found], [image.key for image in sound]


def test_a_sound_dataset_has_no_finding(items):
    assert table_findings(items(), expected=3) == []
    assert image_findings(items(), decode=True) == ([], ["0.png", "1.png", "2.png"])


def test_groups_are_counted_and_those_without_a_label_come_last(items):
    assert counts(items("fma?")) == {"sex": {"f": 1, "m": 1, "?": 1, "a": 1}}


def test_double_ids(items):
    assert table_findings(items(ids=["a", "b", "a"])) == [("wrong", "ids", 1, ("a",))]


@pytest.mark.parametrize("value", ["9-Mar", "Mar-09", "03.09.2003", "#N/A", "#ref!", "#DIV/0!"])
def test_a_label_of_which_a_spreadsheet_made_a_date_or_an_error(items, value):
    assert table_findings(items(label=["x", value, value])) == [("wrong", "spreadsheet", 1, (value,))]


def test_classes_whose_labels_differ_in_spelling_only(items):
    sound, wrong = items(label=["man", "woman", "woman"]), items(label=["man", "woman", "woman "])
    assert table_findings(wrong) == [("wrong", "labels", 1, ("'woman' = 'woman '",))]
    check_labels(sound, where="faces")
    with pytest.raises(DataError, match=r"faces: 1 class has labels of several spellings.*: 'woman' = 'woman '"):
        check_labels(wrong, where="faces")


def test_a_further_correct_class_counts_as_a_label(items):
    found = items(label=["man", "woman", "man"])
    other = replace(found, table=found.table.assign(label2=["", "Man", ""], label_note="man "))
    assert table_findings(other) == [("wrong", "labels", 1, ("'Man' = 'man'",))]


def test_ids_that_a_spreadsheet_rounded(items):
    assert table_findings(items(ids=["1.23E+15", "7", "8"])) == [("wrong", "spreadsheet", 1, ("1.23E+15",))]


@pytest.mark.parametrize(
    ("expected", "allowed", "level"),
    [(2, False, "wrong"), (2, True, "wrong"), (9, False, "wrong"), (9, True, "warning")],
)
def test_another_number_of_items_than_the_split_has(items, expected, allowed, level):
    assert table_findings(items(), expected, allowed) == [(level, "split", abs(expected - 3), ())]


def test_a_group_without_an_item(items):
    assert table_findings(items("fff")) == [("warning", "groups", 1, ("m",))]


def test_missing_images_are_counted_by_group(items):
    some = items("fmfm")
    for name in ("1.png", "3.png"):
        (some.root / name).unlink()
    assert image_findings(some) == ([("wrong", "missing", 2, ("sex m: 2",))], ["0.png", "2.png"])
    assert image_findings(some, allow_missing=True)[0] == [("warning", "missing", 2, ("sex m: 2",))]
    for name in ("0.png", "2.png"):
        (some.root / name).unlink()
    found, sound = image_findings(some, allow_missing=True)
    assert (found[0][0], found[0][2], sound) == ("wrong", 4, [])


def test_unreadable_images(items):
    some = items(boxes=[None, (9, 9, 4, 4), None])
    (some.root / "0.png").write_bytes(b"no image")
    [(level, kind, count, examples)], sound = image_findings(some)
    assert (level, kind, count, sound) == ("wrong", "unreadable", 2, ["2.png"])
    assert examples[0].startswith("0.png: the image cannot be read")
    assert examples[1].startswith("1.png: the box (9, 9, 4, 4) lies outside the image (8 × 8)")


def test_an_image_that_is_cut_off_is_found_by_decoding_it(items):
    some = items()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(some.root / "0.png")
    content = (some.root / "0.png").read_bytes()
    (some.root / "0.png").write_bytes(content[: len(content) // 2])
    assert image_findings(some)[0] == []
    assert image_findings(some, decode=True)[0][0][:3] == ("wrong", "unreadable", 1)


def digests(items):
    return {image: image.source.digest(image.key) for image in items.images}


def test_the_same_image_under_two_names(items):
    some = items()
    (some.root / "2.png").write_bytes((some.root / "0.png").read_bytes())
    found = check_duplicates(some, digests(some))
    assert [(f.level, f.kind, f.examples) for f in found] == [("warning", "duplicates", ("0.png = 2.png",))]
    contrary = items("fmm")
    (contrary.root / "2.png").write_bytes((contrary.root / "0.png").read_bytes())
    found = check_duplicates(contrary, digests(contrary))
    assert [f.examples for f in found] == [("0.png = 2.png",)] * 2
    assert "different labels or groups" in found[1].what


def test_two_boxes_of_one_image_are_not_duplicates(items):
    some = items("fm")
    both = tuple(ImageLocation(FolderSource(some.root), "0.png", box) for box in ((0, 0, 4, 4), (4, 4, 4, 4)))
    one = Items(table=some.table, images=both, root=Path(some.root), attributes=(SEX,))
    assert check_duplicates(one, digests(one)) == []
