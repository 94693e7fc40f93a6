"""COCO: all captions, both directions."""

import json

import numpy as np
import pytest

from qbench.api import DataError
from qbench_benchmarks.coco import Coco
from qbench_benchmarks.options import CocoOptions


def test_images_come_by_number_with_all_of_their_captions(coco_root):
    items = Coco().data(coco_root())
    assert items.table["item"].tolist() == [f"val2017/{i:012}.jpg" for i in (3, 7, 9)]
    assert items.table["captions"].tolist() == [
        ["caption 1\n"],
        ["caption 0\n", "caption 3\n"],
        ["caption 2\n", "caption 4\n", "caption 5\n"],
    ]


def test_the_prompts_are_the_captions_of_the_items_at_hand(coco_root):
    task = Coco()
    items = task.data(coco_root())
    assert len(task.prompts(items).texts) == 6
    prompts = task.prompts(items.take([2, 0]))
    assert prompts.texts == prompts.targets == ("caption 2\n", "caption 4\n", "caption 5\n", "caption 1\n")
    assert not prompts.pool


def test_a_image_without_a_caption_is_left_out_and_said(coco_root):
    items = Coco().data(coco_root(lambda c: c["annotations"].pop(1)))
    assert len(items) == 2
    assert items.choices["images without a caption"] == "1, left out"


def test_the_numbers_by_hand(coco_root, matrix, stored, value_of):
    task = Coco(CocoOptions(ks=(1, 3)))
    #  captions of image:  0    1    1    2    2    2
    scores = matrix([[0.1, 0.9, 0.5, 0.2, 0.3, 0.4], [0.8, 0.1, 0.7, 0.9, 0.2, 0.3], [0.9, 0.8, 0.7, 0.1, 0.2, 0.6]])
    outcome = stored(task.predict(scores, task.data(coco_root())))
    table = outcome.items
    names = [f"val2017/{i:012}.jpg" for i in (3, 7, 9)]
    assert table["item"].is_unique
    assert table["direction"].tolist() == ["image_to_text"] * 3 + ["text_to_image"] * 6
    assert table["label"].tolist() == [names[i] for i in (0, 1, 2, 0, 1, 1, 2, 2, 2)]
    assert table["rank"].tolist() == [5, 2, 3, 2, 2, 0, 2, 2, 0]
    assert table["prediction"].tolist() == [names[i] for i in (1, 2, 0, 2, 0, 1, 1, 0, 2)]
    assert (table["correct"] == (table["rank"] == 0)).all()
    metrics = task.measure(outcome)
    assert value_of(metrics, "image_to_text_recall@1") == 0
    assert value_of(metrics, "image_to_text_recall@3") == 1 / 3
    assert value_of(metrics, "text_to_image_recall@1") == 2 / 6
    assert value_of(metrics, "text_to_image_recall@3") == 1
    assert value_of(metrics, "text_to_image_recall@3", column="n") == 6
    assert metrics.index["metric"][0] == "image_to_text_recall@1"


def test_chance_counts_captions(coco_root, matrix):
    task = Coco()
    outcome = task.predict(matrix(np.zeros((3, 6))), task.data(coco_root()))
    assert outcome.facts["chance"] == [
        {"name": "image_to_text_recall@1", "chance": pytest.approx(1 / 3), "where": {"direction": "image_to_text"}},
        {"name": "text_to_image_recall@1", "chance": pytest.approx(1 / 3), "where": {"direction": "text_to_image"}},
    ]


def test_weights_are_of_queries(coco_root, matrix):
    task = Coco()
    scores = np.zeros((3, 6))
    scores[0, 0] = 1
    outcome = task.predict(matrix(scores), task.data(coco_root()))
    weights = np.array([[2.0, 1, 1, 1, 1, 1, 0, 0, 1]])
    assert task.measure(outcome, weights).values[0, :2].tolist() == [0.5, 0.25]


def edit(path, value):
    def change(content):
        *way, last = path
        for step in way:
            content = content[step]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("images"), "there is no list 'images'"),
        (lambda c: c.pop("annotations"), "there is no list 'annotations'"),
        (lambda c: c["annotations"].clear(), "no image of the split has a caption"),
        (edit(("images", 1, "id"), 9), r"images\[1\]: the image 9 occurs already"),
        (edit(("images", 1, "id"), "9"), r"images\[1\]: 'id' is missing or is not a value of type int"),
        (edit(("images", 0, "file_name"), "../../x.jpg"), r"images\[0\]: the image .* lies outside"),
        (edit(("annotations", 2, "id"), 10), r"annotations\[2\]: the caption 10 occurs already"),
        (
            edit(("annotations", 2, "image_id"), 1),
            r"annotations\[2\]: the caption 12 is of the image 1, which is not",
        ),
        (
            edit(("annotations", 3, "caption"), None),
            r"annotations\[3\]: 'caption' is missing or is not a value of type str",
        ),
        (edit(("annotations", 3, "caption"), " \n"), r"annotations\[3\]: the caption is empty"),
        (edit(("annotations", 3), 5), r"annotations\[3\]: 'id' is missing"),
    ],
)
def test_malformed_annotations_are_refused(coco_root, change, said):
    with pytest.raises(DataError, match=said):
        Coco().data(coco_root(change))


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"captions_val2017\.json: the file does not exist\nDownload"):
        Coco().data(tmp_path)


@pytest.mark.parametrize("place", [".", "annotations"])
def test_karpathys_test_split(tmp_path, place):
    def image(number, split):
        return {
            "filepath": "val2014",
            "filename": f"{number}.jpg",
            "cocoid": number,
            "split": split,
            "sentences": [{"raw": f"{number} a."}, {"raw": f"{number} b."}],
        }

    (tmp_path / place).mkdir(exist_ok=True)
    content = {"images": [image(8, "test"), image(5, "val"), image(2, "test")]}
    (tmp_path / place / "dataset_coco.json").write_text(json.dumps(content), "utf-8")
    items = Coco(CocoOptions(split="karpathy-test")).data(tmp_path)
    assert items.table["item"].tolist() == ["val2014/2.jpg", "val2014/8.jpg"]
    assert items.table["captions"].tolist() == [["2 a.", "2 b."], ["8 a.", "8 b."]]
    assert items.choices["split"] == "Karpathy's test split of val2014"


def test_the_real_captions(real_data):
    task = Coco()
    items = task.data(real_data("coco"))
    assert len(items) == 5000
    assert len(task.prompts(items).texts) == 25_014
    assert items.table["captions"].map(len).max() > 5


def as_coco(root):
    content = {
        "images": [{"id": i, "file_name": f"COCO_val2014_{i:012}.jpg"} for i in (8, 2)],
        "annotations": [
            {"id": i, "image_id": o, "caption": f"{o} {x}."}
            for i, (o, x) in enumerate([(8, "a"), (2, "a"), (8, "b"), (2, "b")])
        ],
    }
    (root / "coco_test_karpathy.json").write_text(json.dumps(content), "utf-8")


def as_list(root):
    content = [{"image": f"val2014/COCO_val2014_{i:012}.jpg", "caption": [f"{i} a.", f"{i} b."]} for i in (8, 2)]
    (root / "coco_karpathy_test.json").write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize("write", [as_coco, as_list])
def test_karpathys_test_split_in_the_formats_of_others(tmp_path, write):
    write(tmp_path)
    items = Coco(CocoOptions(split="karpathy-test")).data(tmp_path)
    assert items.table["item"].tolist() == [f"val2014/COCO_val2014_{i:012}.jpg" for i in (2, 8)]
    assert items.table["captions"].tolist() == [["2 a.", "2 b."], ["8 a.", "8 b."]]


def test_karpathys_own_file_goes_first(tmp_path):
    as_list(tmp_path)
    sentences = [{"raw": "5 a."}]
    image = {"filepath": "val2014", "filename": "5.jpg", "cocoid": 5, "split": "test", "sentences": sentences}
    (tmp_path / "dataset_coco.json").write_text(json.dumps({"images": [image]}), "utf-8")
    assert Coco(CocoOptions(split="karpathy-test")).data(tmp_path).table["item"].tolist() == ["val2014/5.jpg"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"image": "val2014/7.jpg", "caption": ["a"]}] * 2, r"\[1\]: the image 7 occurs already"),
        ([{"image": "val2014/7.jpg"}], r"\[0\]: there is no list 'caption'"),
        ([{"image": "val2014/7.jpg", "caption": ["a", float("nan")]}], "'caption' has values that are not texts"),
        ([{"image": "val2014/cat.jpg", "caption": ["a"]}], r"\[0\]: the image 'cat\.jpg' does not end on its"),
        ([{"image": "/val2014/7.jpg", "caption": ["a"]}], r"\[0\]: the image .* lies outside"),
        ([7], r"\[0\]: 'image' is missing or is not a value of type str"),
        ("text", "neither a JSON object nor a list"),
    ],
)
def test_a_malformed_list_is_refused(tmp_path, content, said):
    (tmp_path / "coco_test_karpathy.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(DataError, match=said):
        Coco(CocoOptions(split="karpathy-test")).data(tmp_path)


def test_the_bound_of_memory_changes_no_result_and_no_key(coco_root, matrix):
    from qbench.plugins.options import changed_options, options_dict

    items = Coco().data(coco_root())
    scores = np.random.default_rng(0).normal(size=(3, 6))
    small, large = (Coco(CocoOptions(block_mb=size)).predict(matrix(scores), items) for size in (1, 64))
    assert small.items.equals(large.items)
    assert options_dict(CocoOptions(block_mb=1)) == options_dict(CocoOptions(block_mb=64))
    assert changed_options(CocoOptions(block_mb=1)) == {}


def test_the_bound_of_memory_is_heeded(coco_root):
    class Counting:
        shape = (3, 400_000)
        largest = 0

        def items(self, start, stop):
            self.largest = max(self.largest, stop - start)
            return np.zeros((stop - start, 400_000))

        def targets(self, start, stop):
            return np.zeros((stop - start, 3))

    items = Coco().data(coco_root())
    items.table["captions"] = [["x"] * 133_334, ["x"] * 133_333, ["x"] * 133_333]
    for size, rows in ((1, 1), (8, 2)):  # a row is 3.2 MB
        similarity = Counting()
        Coco(CocoOptions(block_mb=size)).predict(similarity, items)
        assert similarity.largest == rows


def test_the_real_captions_with_80_of_5000_images(real_data):
    from qbench.data.subset import present

    items = Coco().data(real_data("coco"))
    counts = items.table["captions"].map(len)
    assert (counts > 5).sum() == 13
    assert counts.max() == 7
    with pytest.raises(DataError, match=r"4920 of 5000 items are missing .*\n.*allow_missing"):
        present(items, allow_missing=False, where="coco")
    kept, missing = present(items, allow_missing=True, where="coco")
    assert (len(kept), missing["count"], missing["of"]) == (80, 4920, 5000)
