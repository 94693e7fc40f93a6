"""Cosine similarities of embeddings."""

import tracemalloc

import numpy as np
import pytest

from qbench.api import Prompts, QbenchError
from qbench.probes.embedding.similarity import CosineSimilarity

RNG = np.random.default_rng(0)


def prompts(n, target_of=None, *, pool=False):
    target_of = np.arange(n) if target_of is None else np.array(target_of)
    targets = tuple(f"t{i}" for i in range(target_of.max() + 1))
    return Prompts(texts=tuple(map(str, range(n))), targets=targets, target_of=target_of, pool=pool)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_lengths_do_not_matter_and_items_share_images():
    images, texts = np.array([[3.0, 0.0], [0.0, 0.5]]), np.array([[1.0, 0.0], [5.0, 5.0]])
    similarity = CosineSimilarity(images.astype(np.float32), np.array([1, 0, 1]), texts.astype(np.float32), prompts(2))
    expected = [[0.0, 0.5**0.5], [1.0, 0.5**0.5], [0.0, 0.5**0.5]]
    assert similarity.shape == (3, 2)
    np.testing.assert_allclose(similarity.items(0, 3), expected, atol=1e-12)
    np.testing.assert_array_equal(similarity.targets(0, 2), similarity.items(0, 3).T)
    assert similarity.items(0, 3).dtype == np.float64


def test_targets_with_equal_embeddings_are_named(monkeypatch):
    monkeypatch.setattr("qbench.probes.embedding.similarity.BLOCK", 2)
    texts = RNG.normal(size=(7, 8)).astype(np.float32)
    texts[5] = 3 * texts[1] * (1 + np.float32(1e-7))  # the same direction, up to rounding
    texts[6] = texts[2] + np.float32(1e-3)  # near, but another
    similarity = CosineSimilarity(texts, np.arange(7), texts, prompts(7))
    assert similarity.tied_targets() == [(1, 5)]


def test_pooling_normalises_averages_and_normalises_again():
    texts = RNG.normal(size=(5, 4)) * [[1], [100], [1], [0.01], [1]]
    images = RNG.normal(size=(3, 4))
    similarity = CosineSimilarity(images, np.arange(3), texts, prompts(5, [0, 0, 1, 0, 1], pool=True))
    weights = np.stack([unit(unit(texts[rows]).mean(axis=0)) for rows in ([0, 1, 3], [2, 4])])
    np.testing.assert_allclose(similarity.items(0, 3), unit(images) @ weights.T, atol=1e-12)


def test_equal_embeddings_tie_in_every_block():
    texts = np.repeat(RNG.normal(size=(1, 512)), 37, axis=0)
    similarity = CosineSimilarity(RNG.normal(size=(29, 512)), np.arange(29), texts, prompts(37))
    assert all(len(np.unique(row)) == 1 for row in similarity.items(0, 29))
    blocks = np.concatenate([similarity.items(i, i + 1) for i in range(29)])
    np.testing.assert_array_equal(blocks, similarity.items(0, 29))


@pytest.mark.parametrize(("value", "said"), [(np.nan, "not finite"), (np.inf, "not finite"), (0.0, "are zero")])
@pytest.mark.parametrize("side", ["image", "text"])
def test_unusable_embeddings_are_refused(value, said, side):
    images, texts = np.ones((3, 2), dtype=np.float32), np.ones((3, 2), dtype=np.float32)
    (images if side == "image" else texts)[1] = value
    with pytest.raises(QbenchError, match=rf"1 of 3 {side} embeddings {said}|1 of 3 {side} embeddings are {said}"):
        CosineSimilarity(images, np.arange(3), texts, prompts(3))


def test_texts_that_cancel_are_refused():
    with pytest.raises(QbenchError, match="pooled text embeddings are zero"):
        CosineSimilarity(np.ones((1, 2)), np.array([0]), np.array([[1.0, 0], [-1, 0]]), prompts(2, [0, 0], pool=True))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        CosineSimilarity(np.ones((1, 2)), np.array([0]), np.ones((1, 3)), prompts(1))
    with pytest.raises(ValueError, match="2 text embeddings for 1 texts"):
        CosineSimilarity(np.ones((1, 2)), np.array([0]), np.ones((2, 2)), prompts(1))
    with pytest.raises(ValueError, match="'t0' has no text"):
        CosineSimilarity(np.ones((1, 2)), np.array([0]), np.ones((1, 2)), prompts(1, [1], pool=True))


def test_blocks_of_images_change_no_bit(monkeypatch):
    """Images are scaled block by block, so that memory stays the same whatever their number."""
    rng = np.random.default_rng(0)
    images, texts = (rng.normal(size=(n, 32)).astype(np.float32) for n in (1000, 30))
    prompts = Prompts(texts=[*map(str, range(30))], targets=[*map(str, range(30))], target_of=np.arange(30), pool=False)
    index = np.arange(1000)
    whole = CosineSimilarity(images, index, texts, prompts)
    expected = whole.targets(0, 30), whole.items(0, 1000)
    monkeypatch.setattr("qbench.probes.embedding.similarity.ROWS", 64)
    found = CosineSimilarity(images, index, texts, prompts)
    np.testing.assert_array_equal(found.targets(0, 30), expected[0])
    np.testing.assert_array_equal(found.items(0, 1000), expected[1])


def test_memory_does_not_grow_with_the_images(tmp_path):
    """Embeddings stay where they are mapped; the 50 MB that they would take in float64 are never there at once."""
    images = np.lib.format.open_memmap(tmp_path / "images.npy", mode="w+", dtype=np.float32, shape=(50_000, 128))
    images[:] = 1
    tracemalloc.start()
    try:
        similarity = CosineSimilarity(images, np.arange(50_000), RNG.normal(size=(2, 128)), prompts(2))
        assert similarity.items(0, 100).shape == (100, 2)
        assert similarity.targets(0, 2).shape == (2, 50_000)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
