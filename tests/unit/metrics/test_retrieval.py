"""Retrieval in both directions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qbench.metrics.retrieval import image_to_text, recall_at, text_to_image

OWNER = np.array([0, 0, 1, 2, 2, 2])
OWNERS = st.permutations(OWNER.tolist()).map(np.array)


def test_by_hand(matrix):
    similarity = matrix(
        [[0.1, 0.9, 0.5, 0.2, 0.3, 0.4], [0.8, 0.1, 0.7, 0.9, 0.2, 0.3], [0.9, 0.8, 0.7, 0.1, 0.2, 0.6]]
    )
    images = image_to_text(similarity, OWNER)
    assert images.rank.tolist() == [0, 2, 3]
    assert images.first.tolist() == [1, 3, 0]
    np.testing.assert_allclose(images.margin, [0.4, -0.2, -0.3])
    texts = text_to_image(similarity, OWNER)
    assert texts.rank.tolist() == [2, 0, 0, 2, 2, 0]  # caption 4 ties with image 1, which comes first
    assert texts.first.tolist() == [2, 0, 1, 1, 0, 2]


def test_recall_at_k(matrix):
    rank = np.array([0, 2, 3])
    weights = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]])
    np.testing.assert_allclose(recall_at(rank, 1, weights), [1 / 3, 2 / 3])
    np.testing.assert_allclose(recall_at(rank, 3, weights), [2 / 3, 1.0])


@given(
    arrays(np.int64, (3, 6), elements=st.integers(0, 4)),
    st.permutations(OWNER.tolist()).map(np.array),
    st.integers(1, 6),
)
def test_both_directions_agree_with_sorting(scores, owner, k):
    from_matrix = StandIn(scores)
    for start, found, table, own in (
        ("image", image_to_text(from_matrix, owner, block_bytes=48), scores, lambda i: set(np.flatnonzero(i == owner))),
        ("text", text_to_image(from_matrix, owner, block_bytes=48), scores.T, lambda i: {owner[i]}),
    ):
        top = np.argsort(-table, axis=1, kind="stable")[:, :k]
        expected = [bool(set(row) & own(i)) for i, row in enumerate(top)]
        assert (found.rank < k).tolist() == expected, start


class StandIn:
    def __init__(self, values):
        self.values = values.astype(float)
        self.shape = values.shape

    def items(self, start, stop):
        return self.values[start:stop]

    def targets(self, start, stop):
        return self.values[:, start:stop].T


def test_the_memory_is_bounded(matrix):
    similarity = matrix(np.random.default_rng(0).normal(size=(3, 6)))
    image_to_text(similarity, OWNER, block_bytes=1)
    assert similarity.largest == 6 * 8
