"""Zero-shot classification."""

import numpy as np
import pytest

from qbench.metrics.classification import classify, confidence


def test_by_hand(matrix):
    found = classify(matrix([[0.3, 0.2, 0.1], [0.3, 0.2, 0.1]]), np.array([[0], [2]]))
    assert found.prediction.tolist() == [0, 0]
    assert found.rank.tolist() == [0, 2]
    np.testing.assert_allclose(found.margin, [0.1, -0.2])
    np.testing.assert_allclose(found.runner_up_margin, [0.1, 0.1])
    np.testing.assert_allclose(found.confidence, 1 / (1 + np.exp(-10) + np.exp(-20)))


def test_a_second_class_counts_as_right_where_there_is_one(matrix):
    found = classify(matrix([[0.3, 0.2, 0.1]] * 2), np.array([[1, 0], [1, -1]]))
    assert found.rank.tolist() == [0, 1]
    np.testing.assert_allclose(found.margin, [0.2, -0.1])


def test_an_item_without_a_class_is_refused(matrix):
    with pytest.raises(ValueError, match="no correct candidate"):
        classify(matrix([[0.1, 0.2]]), np.array([[-1]]))


def test_blocks_change_nothing_and_bound_the_memory(matrix):
    values = np.random.default_rng(0).normal(size=(37, 11))
    accepted = np.arange(37)[:, None] % 11
    small, whole = matrix(values), classify(matrix(values), accepted)
    found = classify(small, accepted, block_bytes=5 * 11 * 8)
    assert small.largest == 5 * 11 * 8
    for name in ("prediction", "rank", "margin", "runner_up_margin", "confidence"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def test_confidence_does_not_overflow():
    np.testing.assert_allclose(confidence(np.array([[1e4, 0.0], [1.0, 1.0]])), [1.0, 0.5])
