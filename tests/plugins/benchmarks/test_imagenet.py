"""ImageNet: layouts, prompts, and the numbers of an outcome."""

import numpy as np
import pytest

from qbench.api import DataError
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.imagenet_classes import class_names, labels, synsets
from qbench_benchmarks.options import ImageNetOptions

PRESENT = ImageNetOptions(classes="present", templates="single")


def test_the_classes_are_those_of_the_sources():
    assert len(synsets()) == len(class_names()) == len(set(labels())) == 1000
    assert labels()[:2] == ("tench", "goldfish")
    assert [name for name in labels() if name.startswith("sunglasses")] == [
        "sunglasses (n04355933)",
        "sunglasses (n04356056)",
    ]


def test_folders_and_images_are_listed_in_order(imagenet_root):
    items = ImageNet().data(imagenet_root)
    assert items.table["item"].tolist() == ["val/n01440764/a.JPEG", "val/n01440764/b.JPEG", "val/n01443537/c.jpeg"]
    assert items.table["label"].tolist() == ["tench", "tench", "goldfish"]
    assert [image.where for image in items.images] == [str(imagenet_root / name) for name in items.table["item"]]
    assert items.choices["candidates"] == "all 1,000 classes"


def test_the_root_may_be_the_folder_of_synsets(imagenet_root):
    items = ImageNet().data(imagenet_root / "val")
    assert items.table["item"].tolist() == ["n01440764/a.JPEG", "n01440764/b.JPEG", "n01443537/c.jpeg"]


def test_other_files_are_left_alone(imagenet_root):
    (imagenet_root / "val" / "readme").mkdir()
    (imagenet_root / "val" / "n01440764" / "notes.txt").touch()
    (imagenet_root / "val" / "n01440764" / "._a.JPEG").touch()
    assert len(ImageNet().data(imagenet_root)) == 3


def test_an_unknown_synset_is_refused(imagenet_root):
    (imagenet_root / "val" / "n99999999").mkdir()
    with pytest.raises(DataError, match=r"n99999999: this synset is not one of the 1,000"):
        ImageNet().data(imagenet_root)


def test_a_folder_without_synsets_or_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither a folder of a synset, such as n01440764, nor"):
        ImageNet().data(tmp_path)
    (tmp_path / "val" / "n01440764").mkdir(parents=True)
    with pytest.raises(DataError, match="no folder of a synset has an image"):
        ImageNet().data(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        ImageNet().data(tmp_path / "none")


def test_all_classes_get_80_texts_each(imagenet_root):
    task = ImageNet()
    prompts = task.prompts(task.data(imagenet_root))
    assert len(prompts.texts) == 80_000
    assert prompts.texts[0] == "a bad photo of a tench."
    assert prompts.targets == labels()
    assert np.bincount(prompts.target_of).tolist() == [80] * 1000
    assert prompts.pool


def test_a_prompt_says_the_name_and_not_the_synset(tmp_path):
    (tmp_path / "n04356056").mkdir()
    (tmp_path / "n04356056" / "a.png").touch()
    task = ImageNet(PRESENT)
    assert task.prompts(task.data(tmp_path)).texts == ("a photo of a sunglasses.",)
    seven = ImageNet(ImageNetOptions(classes="present", templates="simple-7"))
    assert len(seven.prompts(seven.data(tmp_path)).texts) == 7


def test_the_numbers_by_hand(imagenet_root, matrix, stored, value_of):
    task = ImageNet(PRESENT)
    outcome = task.predict(matrix([[0.3, 0.2], [0.1, 0.2], [0.1, 0.4]]), task.data(imagenet_root))
    assert outcome.items["prediction"].tolist() == ["tench", "goldfish", "goldfish"]
    assert outcome.items["correct"].tolist() == [True, False, True]
    np.testing.assert_allclose(outcome.items["margin"], [0.1, -0.1, 0.3])
    assert outcome.facts["chance"] == [{"name": "top1", "chance": 0.5, "where": {}}]
    metrics = task.measure(stored(outcome))
    assert value_of(metrics, "top1") == 2 / 3
    assert value_of(metrics, "recall", class_="tench") == 0.5
    assert value_of(metrics, "mean_recall") == 0.75
    assert value_of(metrics, "mean_recall", column="n") == 2
    assert "top5" not in set(metrics.index["metric"])


def test_top5_counts_the_fifth_and_not_the_sixth(imagenet_root, matrix, value_of):
    task = ImageNet(ImageNetOptions(templates="single"))
    scores = np.tile(-np.arange(1000.0), (3, 1))
    scores[0, 0] = -4.5
    scores[1, 0] = -5.5
    outcome = task.predict(matrix(scores), task.data(imagenet_root))
    assert outcome.items["rank"].tolist() == [4, 5, 0 + (scores[2] > scores[2, 1]).sum()]
    assert value_of(task.measure(outcome), "top5") == 2 / 3


def test_weights_resample_the_images(imagenet_root, matrix):
    task = ImageNet(PRESENT)
    outcome = task.predict(matrix([[0.3, 0.2], [0.1, 0.2], [0.1, 0.4]]), task.data(imagenet_root))
    metrics = task.measure(outcome, np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 1.0]]))
    assert metrics.values[:, 0].tolist() == [2 / 3, 0.25]


def test_the_real_folder(real_data):
    items = ImageNet().data(real_data("imagenet"))
    assert len(items) == items.table["label"].nunique() == 100
