"""Ranks of the right answers and margins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qbench.metrics import ranks
from qbench.metrics.ranks import places


def rows(*values):
    return np.array(values, dtype=np.float64)


def found(scores, own):
    return places(scores, *np.nonzero(own))


def test_rank_counts_those_before():
    scores = rows([0.1, 0.9, 0.5], [0.1, 0.9, 0.5])
    own = np.array([[True, False, False], [False, False, True]])
    assert found(scores, own).rank.tolist() == [2, 1]
    assert found(scores, own).first.tolist() == [1, 1]


def test_the_best_of_several_right_answers_counts():
    scores = rows([0.1, 0.9, 0.5, 0.7])
    assert found(scores, np.array([[True, False, True, True]])).rank.tolist() == [1]


def test_ties_go_to_the_lower_index():
    scores = rows([0.5, 0.5, 0.5])
    assert [found(scores, np.eye(3, dtype=bool)[[i]]).rank[0] for i in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("own", [[[False, False], [True, False]], [[True, False], [False, False]]])
def test_an_item_without_a_right_answer_is_refused(own):
    with pytest.raises(ValueError, match="no correct candidate"):
        found(rows([0.5, 0.1], [0.5, 0.1]), np.array(own))


def test_margins_by_hand():
    scores = rows([0.5, 0.2, 0.1], [0.5, 0.2, 0.1])
    own = np.array([[True, False, False], [False, True, True]])
    np.testing.assert_allclose(found(scores, own).margin, [0.3, -0.3])
    np.testing.assert_allclose(found(scores, own).runner_up_margin, [0.3, 0.3])


def test_margins_are_undetermined_without_another_candidate():
    one = found(rows([0.5]), np.array([[True]]))
    assert np.isnan(one.margin).all()
    assert np.isnan(one.runner_up_margin).all()
    assert np.isnan(found(rows([0.5, 0.2]), np.array([[True, True]])).margin).all()


def test_the_scores_are_left_as_they_are():
    scores = rows([0.5, 0.2, 0.1])
    scores.setflags(write=False)
    assert found(scores, np.array([[True, False, False]])).rank.tolist() == [0]


@pytest.mark.parametrize("rows_at_once", [1, 2, 100])
@given(arrays(np.int64, (6, 5), elements=st.integers(0, 3)), arrays(np.bool_, (6, 5)))
def test_all_agree_with_sorting(rows_at_once, scores, own):
    own[:, 0] |= ~own.any(axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    sizes = np.take_along_axis(scores, order, axis=1)
    rank, margin = [], []
    for o, mine, values in zip(order, own, scores, strict=True):
        rank.append(min(list(o).index(j) for j in np.flatnonzero(mine)))
        margin.append(np.nan if mine.all() else values[mine].max() - values[~mine].max())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "CHUNK_BYTES", rows_at_once * 8 * 5)
        result = found(scores.astype(float), own)
    assert result.first.tolist() == order[:, 0].tolist()
    assert result.rank.tolist() == rank
    np.testing.assert_array_equal(result.margin, margin)
    assert result.runner_up_margin.tolist() == (sizes[:, 0] - sizes[:, 1]).tolist()
