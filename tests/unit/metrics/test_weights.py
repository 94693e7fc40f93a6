"""Sums and shares under weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbench.metrics.weights import cell_sums, divide, item_weights, mean_of_known, weighted_share


def test_without_weights_every_item_counts_once():
    assert item_weights(None, 3).tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("bad", [[[1.0, 2.0]], [[1.0, -1.0, 1.0]], [[1.0, np.nan, 1.0]]])
def test_bad_weights_are_refused(bad):
    with pytest.raises(ValueError, match="weights"):
        item_weights(bad, 3)


def test_division_by_nothing_is_undetermined():
    np.testing.assert_array_equal(divide([1.0, 0.0, 3.0], [2.0, 0.0, 0.0]), [0.5, np.nan, np.nan])


def test_the_mean_leaves_out_what_is_not_known():
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_of_known(values), [2.0, np.nan])


def test_cell_sums_by_hand():
    weights = np.array([[1.0, 2.0, 4.0, 8.0], [1.0, 0.0, 1.0, 0.0]])
    cell = np.array([2, 0, 2, -1])
    assert cell_sums(weights, cell, 4).tolist() == [[2.0, 0.0, 5.0, 0.0], [0.0, 0.0, 2.0, 0.0]]


def test_cell_sums_without_items():
    assert cell_sums(np.ones((2, 1)), np.array([-1]), 2).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 5)), max_size=30))
def test_cell_sums_agree_with_a_loop(rows):
    cell = np.array([c for c, _ in rows], dtype=np.int64)
    weight = np.array([[w for _, w in rows]], dtype=np.float64)
    expected = [sum(w for c, w in rows if c == k) for k in range(5)]
    assert cell_sums(weight, cell, 5)[0].tolist() == expected


def test_weighted_share_by_hand():
    hits = np.array([True, False, True])
    weights = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(weighted_share(hits, weights), [2 / 3, 0.75, np.nan])
