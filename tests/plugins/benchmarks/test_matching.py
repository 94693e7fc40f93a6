"""COCO and ImageNet as matching: which texts an image is compared with, and what the scores mean."""

import numpy as np
import pytest

from qbench.api import DataError
from qbench.api.probes import NO_TEXT
from qbench.probes.pairs.scores import PairScores
from qbench_benchmarks.coco_matching import CocoMatching
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.options import CocoMatchingOptions, ImageNetOptions


@pytest.fixture
def scenes(coco_root):
    """``(candidates) -> (task, items)`` of twelve images, each of which shares a caption with the next one."""

    def many(content):
        content["images"] = [{"id": i, "file_name": f"{i:012}.jpg"} for i in range(12)]
        texts = [(i, f"scene {i}") for i in range(12)] + [(i, f"scene {(i + 1) % 12}") for i in range(12)]
        content["annotations"] = [{"id": n, "image_id": i, "caption": text} for n, (i, text) in enumerate(texts)]

    def make(candidates, seed=0):
        task = CocoMatching(CocoMatchingOptions(candidates=candidates, seed=seed))
        return task, task.data(coco_root(many))

    return make


def test_an_image_is_compared_with_its_first_caption_and_with_captions_that_are_not_its_own(scenes):
    task, items = scenes(5)
    pairs = task.pairs(items)
    assert pairs.prompts.texts == tuple(f"scene {i}" for i in range(12))
    assert pairs.candidates.shape == (12, 5)
    assert pairs.candidates[:, 0].tolist() == list(range(12))
    for image, row in enumerate(pairs.candidates.tolist()):
        assert len(set(row)) == 5
        assert (image + 1) % 12 not in row
    np.testing.assert_array_equal(task.pairs(items).candidates, pairs.candidates)
    assert not np.array_equal(scenes(5, seed=1)[0].pairs(items).candidates, pairs.candidates)


def test_where_captions_are_few_an_image_has_fewer_candidates_and_with_none_it_is_refused(scenes):
    task, items = scenes(20)
    candidates = task.pairs(items).candidates
    assert ((candidates != NO_TEXT).sum(axis=1) == 11).all()
    with pytest.raises(DataError, match="no other caption with which its own could be compared"):
        task.pairs(items.take(np.arange(2)))


def test_the_best_candidate_is_predicted_and_its_rank_is_among_the_candidates(scenes):
    task, items = scenes(4)
    pairs = task.pairs(items)
    found = np.tile(np.array([2.0, 1.0, 0.5, -1.0], dtype=np.float32), (12, 1))
    found[3] = [0.0, 3.0, 2.0, 1.0]
    outcome = task.match(PairScores(pairs, items.table["image_index"].to_numpy(), found), items)
    table = outcome.items
    assert table["correct"].tolist() == [row != 3 for row in range(12)]
    assert table["rank"].tolist() == [3 if row == 3 else 0 for row in range(12)]
    assert table["prediction"][3] == f"scene {pairs.candidates[3, 1]}"
    np.testing.assert_allclose(table["margin"], [1.0 if row != 3 else -3.0 for row in range(12)])
    np.testing.assert_allclose(table["runner_up_margin"], 1.0)
    assert outcome.facts["chance"] == [{"name": "accuracy", "chance": 0.25, "where": {}}]
    weights = np.array([np.ones(12), np.eye(12)[3]])
    np.testing.assert_allclose(task.measure(outcome, weights).values[:, 0], [11 / 12, 0.0])


def test_images_of_imagenet_are_compared_with_the_texts_of_the_candidate_classes(imagenet_root):
    task = ImageNet(ImageNetOptions(classes="present", templates="simple-7"))
    items = task.data(imagenet_root)
    pairs = task.pairs(items)
    assert pairs.candidates is None
    assert len(pairs.prompts.texts) == 14
    found = np.repeat(np.array([[1.0, 0.0], [1.0, 0.0], [3.0, 1.0]], dtype=np.float32), 7, axis=1)
    table = task.match(PairScores(pairs, np.arange(3), found), items).items
    assert table["correct"].tolist() == [True, True, False]
    np.testing.assert_allclose(table["margin"], [1, 1, -2])
    np.testing.assert_allclose(table["confidence"][2], 1 / (1 + np.exp(-2)))


@pytest.mark.parametrize(
    ("options", "said"),
    [({"candidates": 1}, "candidates is 1"), ({"seed": -1}, "seed is -1"), ({"split": "x"}, "split")],
)
def test_wrong_options_of_matching_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        CocoMatchingOptions(**options)
