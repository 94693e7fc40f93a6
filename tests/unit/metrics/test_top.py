"""The top of a gallery in one pass is that of the whole ranking, ties too; skews of it are those of whole rankings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from qbench.data.items import Attribute
from qbench.metrics.interface import Outcome, Prompts
from qbench.metrics.rankings import measure_skew, rank_gallery
from qbench.metrics.top import top_items
from qbench.probes.embedding.similarity import CosineSimilarity

from .conftest import Matrix


@given(
    arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=25), elements=st.integers(0, 4)),
    st.integers(1, 30),
    st.integers(1, 2000),
)
def test_it_is_the_beginning_of_a_stable_sort(scores, k, block_bytes):
    expected = np.argsort(-scores.T, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(top_items(Matrix(scores), k, block_bytes=block_bytes), expected)


@given(st.permutations(range(20)), st.integers(1, 20), st.integers(1, 20))
def test_a_gallery_may_be_some_items_in_any_order(order, count, k):
    scores = np.random.default_rng(0).integers(0, 6, (20, 3))
    rows = np.array(order[:count])
    found = top_items(Matrix(scores), k, rows, block_bytes=100)
    np.testing.assert_array_equal(found, np.argsort(-scores[rows].T, axis=1, kind="stable")[:, :k])


@pytest.mark.parametrize("block_bytes", [400, 16 * 2**20])
def test_it_is_that_of_the_whole_ranking_of_embeddings_and_equal_images_keep_their_order(block_bytes):
    rng = np.random.default_rng(1)
    images, texts = rng.normal(size=(500, 16)).astype(np.float32), rng.normal(size=(7, 16)).astype(np.float32)
    images[[3, 250, 499]] = images[100]
    names = tuple(map(str, range(7)))
    prompts = Prompts(texts=names, targets=names, target_of=np.arange(7), pool=False)
    similarity = CosineSimilarity(images, np.arange(500), texts, prompts)
    whole = rank_gallery(similarity, names)["item"].to_numpy().reshape(7, 500)
    for k in (1, 10, 500):
        np.testing.assert_array_equal(top_items(similarity, k, block_bytes=block_bytes), whole[:, :k])
    for ranked in whole:
        places = [int(np.flatnonzero(ranked == item)[0]) for item in (3, 100, 250, 499)]
        assert places == [*range(places[0], places[0] + 4)]


def test_the_memory_does_not_grow_with_the_gallery():
    similarity = Matrix(np.random.default_rng(0).normal(size=(1000, 2)))
    top_items(similarity, 3, block_bytes=160)
    assert similarity.largest == 160


@pytest.fixture
def outcomes():
    """The same rankings of 60 items in two groups, whole and of the 20 best."""
    rng = np.random.default_rng(2)
    similarity, queries = Matrix(rng.normal(size=(60, 3))), ["a", "b", "c"]
    items = pd.DataFrame({"item": range(60), "part": rng.choice(["x", "y"], 60)})
    whole = Outcome(items=items, rankings=rank_gallery(similarity, queries), facts={"queries": queries})
    cut = rank_gallery(similarity, queries, depth=20)
    return whole, replace(whole, rankings=cut, facts={"queries": queries, "depth": 20})


ATTRIBUTES = [Attribute(name="part", groups=("x", "y"), pairs=())]


@pytest.mark.parametrize("weights", [None, np.random.default_rng(3).integers(0, 3, (4, 60)).astype(float)])
def test_skews_need_the_top_only_and_ndkl_the_whole_ranking(outcomes, weights):
    whole, cut = (measure_skew(outcome, ATTRIBUTES, (5, 10), "uniform", weights) for outcome in outcomes)
    is_skew = (whole.index["metric"] != "ndkl").to_numpy()
    pd.testing.assert_frame_equal(cut.index, whole.index[is_skew].reset_index(drop=True))
    np.testing.assert_array_equal(cut.values, whole.values[:, is_skew])


def test_rankings_that_end_before_the_cut_off_are_refused(outcomes):
    with pytest.raises(ValueError, match="rankings of 20 of 60 items end before the top 20 is reached"):
        measure_skew(outcomes[1], ATTRIBUTES, (20,), "uniform", None)
    with pytest.raises(ValueError, match="not 3 rankings of 60 items"):
        measure_skew(replace(outcomes[1], facts={"queries": ["a", "b", "c"]}), ATTRIBUTES, (5,), "uniform", None)
