"""Recall by class and group, and the disparities made of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qbench.metrics.disparity import class_disparity, comparable, mean_absolute, mean_signed, worst
from qbench.metrics.grouped import class_by_group

#             class 0: group 0 has 1 of 2, group 1 has 1 of 1    class 1: group 0 has 0 of 1
CORRECT = np.array([True, False, True, False])
CLASSES = np.array([0, 0, 0, 1])
GROUPS = np.array([0, 0, 1, 0])


def table(weights, correct=CORRECT, classes=CLASSES, groups=GROUPS):
    return class_by_group(correct, classes, groups, shape=(2, 2), weights=np.atleast_2d(weights))


def test_recall_by_hand():
    cells = table([1.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(cells.recall[0], [[0.5, 1.0], [0.0, np.nan]])
    np.testing.assert_allclose(cells.class_recall[0], [2 / 3, 0.0])
    np.testing.assert_allclose(cells.group_accuracy[0], [1 / 3, 1.0])
    assert cells.n.tolist() == [[2, 1], [1, 0]]


def test_weights_move_recall_and_not_the_counts():
    cells = table([3.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(cells.recall[0], [[0.75, np.nan], [0.0, np.nan]])
    assert cells.n.tolist() == [[2, 1], [1, 0]]


def test_an_item_without_a_group_is_left_out():
    cells = table([1.0] * 4, groups=np.array([0, -1, 1, 0]))
    np.testing.assert_array_equal(cells.recall[0], [[1.0, 1.0], [0.0, np.nan]])


rows = st.lists(
    st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=20
)


@given(rows)
def test_integer_weights_are_repeated_items(drawn):
    correct, classes, groups, weights = (np.array(column) for column in zip(*drawn, strict=True))
    weighted = table(weights.astype(float), correct, classes, groups)
    repeated = table(np.ones(weights.sum()), *(np.repeat(column, weights) for column in (correct, classes, groups)))
    np.testing.assert_allclose(weighted.recall, repeated.recall)


@given(rows, st.randoms())
def test_the_order_of_the_items_does_not_matter(drawn, random):
    mixed = list(drawn)
    random.shuffle(mixed)
    results = []
    for order in (drawn, mixed):
        correct, classes, groups, weights = (np.array(column) for column in zip(*order, strict=True))
        results.append(table(weights.astype(float), correct, classes, groups).recall)
    np.testing.assert_allclose(*results)


def test_comparable_wants_enough_in_both_groups():
    assert comparable(np.array([10, 10, 9]), np.array([10, 9, 50]), 10).tolist() == [True, False, False]


def test_disparities_by_hand():
    first, second = np.array([[0.9, 0.2, 0.5, 0.1]]), np.array([[0.6, 0.7, 0.5, np.nan]])
    found = class_disparity(first, second, np.array([True, True, True, True]))
    np.testing.assert_allclose(found, [[0.3, -0.5, 0.0, np.nan]])
    np.testing.assert_allclose(mean_signed(found), [-0.2 / 3])
    np.testing.assert_allclose(mean_absolute(found), [0.8 / 3])
    np.testing.assert_allclose(worst(found), [-0.5])


def test_a_class_that_is_not_usable_is_in_no_summary():
    found = class_disparity(np.array([[1.0, 0.5]]), np.array([[0.0, 0.4]]), np.array([False, True]))
    for summary in (mean_signed, mean_absolute, worst):
        np.testing.assert_allclose(summary(found), [0.1])


def test_without_a_usable_class_all_is_undetermined():
    for disparity in (np.full((2, 3), np.nan), np.empty((2, 0))):
        for summary in (mean_signed, mean_absolute, worst):
            np.testing.assert_array_equal(summary(disparity), [np.nan, np.nan])
