"""Scores of pairs become one column per target: texts are pooled, and what is not a candidate cannot be predicted."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qbench.metrics.interface import Prompts
from qbench.probes.pairs.interface import NO_TEXT, Pairs
from qbench.probes.pairs.method import PairsProbe
from qbench.probes.pairs.scores import ABSENT, FEWEST, PairScores


def pairs(*, pool=True, candidates=None):
    prompts = Prompts(
        texts=("a cat", "the cat", "a dog"), targets=("cat", "dog"), target_of=np.array([0, 0, 1]), pool=pool
    )
    return Pairs(prompts=prompts, candidates=None if candidates is None else np.array(candidates))


def test_the_score_of_a_target_is_the_mean_of_its_texts():
    found = np.array([[1, 3, 5], [0, -2, 4]], dtype=np.float32)
    scores = PairScores(pairs(), np.array([1, 0, 0]), found)
    assert scores.shape == (3, 2)
    np.testing.assert_array_equal(scores.items(0, 3), [[-1, 4], [2, 5], [2, 5]])
    np.testing.assert_array_equal(scores.targets(1, 2), [[4, 5, 5]])
    np.testing.assert_array_equal(PairScores(pairs(pool=False), np.array([0]), found).items(0, 1), [[1, 3, 5]])


def test_what_is_no_candidate_of_an_image_has_no_score():
    asked = pairs(candidates=[[2, NO_TEXT], [1, 2]])
    scores = PairScores(asked, np.array([0, 1]), np.array([[7, ABSENT], [3, 4]], dtype=np.float32))
    np.testing.assert_array_equal(scores.items(0, 2), [[-np.inf, 7], [3, 4]])


@pytest.mark.parametrize("images", [FEWEST - 1, FEWEST])
def test_targets_that_are_equal_for_every_image_are_tied_where_that_is_no_chance(images):
    scores = np.arange(images, dtype=np.float32)[:, None] * np.ones((1, 3), dtype=np.float32)
    tied = list(PairScores(pairs(), np.arange(images), scores).tied_targets())
    assert tied == ([(0, 1)] if images == FEWEST else [])


def test_targets_that_are_no_images_candidates_are_not_tied():
    prompts = Prompts(texts=("a", "b", "c", "d"), targets=("a", "b", "c", "d"), target_of=np.arange(4), pool=False)
    asked = Pairs(prompts=prompts, candidates=np.tile([[0, 2]], (FEWEST, 1)))
    scores = np.arange(2.0 * FEWEST, dtype=np.float32).reshape(FEWEST, 2)
    assert not list(PairScores(asked, np.arange(FEWEST), scores).tied_targets())


@pytest.mark.parametrize(
    ("candidates", "what"),
    [
        ([[0, 1]], "has a row for each of the 2 images"),
        ([[0, 1], [3, 0]], "not one of the 3 texts"),
        ([[NO_TEXT, 0], [0, 1]], "or none for an image"),
        ([[0, 0], [0, 1]], "names a text twice"),
    ],
)
def test_candidates_that_cannot_be_asked_about_are_refused(candidates, what):
    task = SimpleNamespace(pairs=lambda items: pairs(candidates=candidates))
    with pytest.raises(ValueError, match=what):
        PairsProbe().questions(task, SimpleNamespace(images=(1, 2)))


def test_candidates_are_part_of_the_questions():
    items = SimpleNamespace(images=(1, 2))
    asked = [pairs(), pairs(candidates=[[0, 1], [1, 2]]), pairs(candidates=[[0, 2], [1, 2]])]
    digests = {PairsProbe().questions(SimpleNamespace(pairs=lambda items, a=a: a), items).digest for a in asked}
    assert len(digests) == len(asked)


def test_drift_is_that_of_the_probability_of_each_candidate():
    items = SimpleNamespace(table=pd.DataFrame({"item": ["x", "y"], "image_index": [0, 1]}), attributes=())
    first = {"pairs": np.array([[0, 1, ABSENT], [1, 2, 3]], dtype=np.float32)}
    other = {"pairs": np.array([[9, 1, ABSENT], [1, 2, 3]], dtype=np.float32)}
    cosine = PairsProbe().drift(items, first, other)["cosine"].to_numpy()
    p = 1 / (1 + np.exp(-9))
    moved = np.sqrt(0.5 * p) + np.sqrt(0.5 * (1 - p))
    np.testing.assert_allclose(cosine, [(moved + 1) / 2, 1], rtol=1e-6)
