"""Ranks of the right answers and margins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qbench.metrics.ranks import best_own_rank, own_margin, runner_up_margin


def rows(*values):
    return np.array(values, dtype=np.float64)


def test_rank_counts_those_before():
    scores = rows([0.1, 0.9, 0.5], [0.1, 0.9, 0.5])
    own = np.array([[True, False, False], [False, False, True]])
    assert best_own_rank(scores, own).tolist() == [2, 1]


def test_the_best_of_several_right_answers_counts():
    scores = rows([0.1, 0.9, 0.5, 0.7])
    assert best_own_rank(scores, np.array([[True, False, True, True]])).tolist() == [1]


def test_ties_go_to_the_lower_index():
    scores = rows([0.5, 0.5, 0.5])
    ranks = [best_own_rank(scores, np.eye(3, dtype=bool)[[i]])[0] for i in range(3)]
    assert ranks == [0, 1, 2]


def test_an_item_without_a_right_answer_is_refused():
    with pytest.raises(ValueError, match="no correct candidate"):
        best_own_rank(rows([0.5, 0.1]), np.array([[False, False]]))


def test_margins_by_hand():
    scores = rows([0.5, 0.2, 0.1], [0.5, 0.2, 0.1])
    own = np.array([[True, False, False], [False, True, True]])
    np.testing.assert_allclose(own_margin(scores, own), [0.3, -0.3])
    np.testing.assert_allclose(runner_up_margin(scores), [0.3, 0.3])


def test_margins_are_undetermined_without_another_candidate():
    assert np.isnan(own_margin(rows([0.5]), np.array([[True]]))).all()
    assert np.isnan(runner_up_margin(rows([0.5]))).all()


@given(arrays(np.int64, (6, 5), elements=st.integers(0, 3)), arrays(np.bool_, (6, 5)))
def test_rank_agrees_with_sorting(scores, own):
    own[:, 0] |= ~own.any(axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = [min(list(o).index(j) for j in np.flatnonzero(mine)) for o, mine in zip(order, own, strict=True)]
    assert best_own_rank(scores.astype(float), own).tolist() == expected
