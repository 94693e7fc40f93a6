"""Orders are permutations that depend on their name only, and embeddings come back in the dataset's order."""

import numpy as np
import pytest

from qbench.probes.batch_order import DATASET, positions, shuffle
from tests.unit.probes.embedded import embed_images, embed_texts


def test_orders_are_fixed_and_differ():
    first = positions(shuffle(1), 50)
    assert positions(DATASET, 5).tolist() == [0, 1, 2, 3, 4]
    assert sorted(first) == list(range(50))
    np.testing.assert_array_equal(first, positions(shuffle(1), 50))
    assert (first != positions(shuffle(2), 50)).any()
    # Pinned: embeddings of this order lie in users' caches.
    assert positions(shuffle(1), 6).tolist() == [5, 3, 1, 0, 2, 4]


@pytest.mark.parametrize("order", ["", "shuffle", "shuffle-x", "reverse"])
def test_another_order_is_refused(order):
    with pytest.raises(ValueError, match="there is no order"):
        positions(order, 3)


class BatchMean:
    """Adds the mean of the batch to each item: the extreme of a quantizer that sees the whole batch."""

    def close(self):
        pass

    def encode_images(self, pixels):
        own = pixels[:, 0, 0, :1].astype(np.float32)
        return np.concatenate([own, np.full_like(own, own.mean())], axis=1)

    def encode_texts(self, texts):
        own = np.array([[len(t)] for t in texts], dtype=np.float32)
        return np.concatenate([own, np.full_like(own, own.mean())], axis=1)


def test_embeddings_come_back_in_the_datasets_order_and_batches_follow_the_other():
    pixels = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1).repeat(3, axis=3)
    plain = embed_images(BatchMean(), pixels, batch_size=5)
    other = embed_images(BatchMean(), pixels, batch_size=5, order=shuffle(1))
    assert plain[:, 0].tolist() == other[:, 0].tolist() == list(range(10))
    rows = positions(shuffle(1), 10)
    assert set(other[rows[:5], 1]) == {np.float32(rows[:5].mean())}
    texts = ["x" * (i + 1) for i in range(7)]
    assert embed_texts(BatchMean(), texts, batch_size=3, order=shuffle(2))[:, 0].tolist() == list(range(1, 8))
