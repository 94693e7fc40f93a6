"""The group that is served worst."""

import numpy as np

from qbench.metrics.worst_group import worst_group

N = np.array([20, 5, 30, 0])


def test_groups_that_are_too_small_take_no_part():
    lowest, ratio, count = worst_group(np.array([[0.8, 0.1, 0.6, np.nan]]), N, 10)
    np.testing.assert_allclose([lowest[0], ratio[0]], [0.6, 0.75])
    assert count == 2
    assert worst_group(np.array([[0.8, 0.1, 0.6, np.nan]]), N, 5)[0][0] == 0.1


def test_fewer_than_two_groups_are_undetermined():
    lowest, ratio, count = worst_group(np.array([[0.8, 0.1, 0.6, np.nan]] * 2), N, 25)
    assert count == 1
    assert np.isnan([lowest, ratio]).all()
    assert np.isnan(worst_group(np.empty((1, 0)), N[:0], 1)[0]).all()


def test_a_group_that_a_resample_left_empty_is_passed_over():
    lowest, ratio, _ = worst_group(np.array([[0.5, np.nan, 1.0, np.nan]]), N, 5)
    assert (lowest[0], ratio[0]) == (0.5, 0.5)


def test_where_nobody_is_recognised_there_is_no_ratio():
    lowest, ratio, _ = worst_group(np.array([[0.0, 0.0, 0.0, np.nan]]), N, 5)
    assert lowest[0] == 0
    assert np.isnan(ratio[0])
