"""Resampling images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qbench.stats.bootstrap import (
    LOST,
    NO_LENGTH,
    ONE,
    UNDETERMINED,
    bootstrap_change,
    cautious_error,
    swing,
)


def mean_of(x):
    return lambda weights: (weights @ x / weights.sum(axis=1))[:, None]


def test_the_standard_error_of_a_mean():
    x = np.random.default_rng(0).normal(size=400)
    found = bootstrap_change(mean_of(x), np.arange(400), resamples=4000)
    assert found.change[0] == pytest.approx(x.mean())
    assert found.se[0] == pytest.approx(x.std() / 20, rel=0.03)
    assert (found.low[0], found.high[0]) == pytest.approx(
        (x.mean() - 1.96 * x.std() / 20, x.mean() + 1.96 * x.std() / 20), abs=0.01
    )
    assert found.low[0] < found.change[0] < found.high[0]


def test_items_of_an_image_are_drawn_together():
    x = np.repeat(np.random.default_rng(1).normal(size=100), 4)
    together = bootstrap_change(mean_of(x), np.repeat(np.arange(100), 4), resamples=2000)
    apart = bootstrap_change(mean_of(x), np.arange(400), resamples=2000)
    assert together.se[0] / apart.se[0] == pytest.approx(2, rel=0.08)


def test_as_many_images_as_there_are_are_drawn():
    seen = []
    bootstrap_change(lambda w: (seen.append(w), w[:, :1])[1], [5, 5, 9, 12], resamples=50)
    drawn = np.vstack(seen[1:])
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    np.testing.assert_array_equal(drawn[:, 1:].sum(axis=1), 3)


def test_the_size_of_a_chunk_does_not_matter():
    x = np.random.default_rng(2).normal(size=60)
    one, other = (
        bootstrap_change(mean_of(x), np.arange(60), 500, np.random.default_rng(7), chunk=c) for c in (None, 33)
    )
    np.testing.assert_allclose(one.low, other.low)
    np.testing.assert_allclose(one.se, other.se)


def test_an_interval_of_no_length_is_refused():
    x = np.zeros(50)
    found = bootstrap_change(lambda w: np.column_stack([w @ x, w @ np.r_[1.0, x[1:]] / 50]), np.arange(50), 400)
    assert found.reason == (NO_LENGTH, NO_LENGTH)  # none flipped; one of fifty did
    assert np.isnan([*found.low, *found.high, *found.se]).all()
    np.testing.assert_allclose(found.change, [0, 0.02])


def test_numbers_that_differ_by_rounding_only_have_no_length():
    x = np.full(300, 0.1)
    found = bootstrap_change(mean_of(x), np.arange(300), 400)
    assert found.reason == (NO_LENGTH,)


def test_what_cannot_be_computed_says_why():
    x = np.arange(30.0)
    never = bootstrap_change(lambda w: np.full((len(w), 1), np.nan), np.arange(30), 100)
    assert never.reason == (UNDETERMINED,)
    seldom = bootstrap_change(lambda w: np.where(w[:, :1] > 0, w @ x[:, None], np.nan), np.arange(30), 100)
    assert seldom.reason == (LOST,)
    assert np.isfinite(seldom.change).all()
    one = bootstrap_change(mean_of(np.array([1.0, 2.0])), [3, 3], 100)
    assert one.reason == (ONE,)
    assert np.isnan(one.low).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="gave numbers of shape"):
        bootstrap_change(lambda w: w.sum(axis=1), np.arange(3), 10)
    with pytest.raises(ValueError, match="0 items"):
        bootstrap_change(lambda w: w, np.arange(0), 10)


def gap(x: np.ndarray, group: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def of(weights: np.ndarray) -> np.ndarray:
        first, second = ((weights * (group == g)) for g in (0, 1))
        return (first @ x / first.sum(1) - second @ x / second.sum(1))[:, None]

    return of


def test_one_image_moves_a_share_by_one_of_its_images() -> None:
    group = np.repeat([0, 1], [50, 450])
    level = gap(np.tile([0.0, 1.0], 250), group)
    assert swing(level, np.arange(500)) == pytest.approx([1 / 49])
    assert swing(level, np.arange(500), most=100) == pytest.approx([1 / 49], rel=1e-6)
    assert swing(level, np.repeat(np.arange(250), 2)) == pytest.approx([0.0], abs=1e-12)  # each image has one of either


def test_what_does_not_change_at_all_has_the_error_of_its_size() -> None:
    found = bootstrap_change(lambda w: np.zeros((len(w), 1)), np.arange(200), 200)
    se, reason = cautious_error(found, np.array([1 / 200]))
    assert se == pytest.approx([2 / 200])  # as of `linear_change`; 1.96 · 2 is a little above the rule of three
    assert reason == ("",)
    assert cautious_error(found, np.zeros(1))[1] == (NO_LENGTH,)


def test_the_changes_of_a_large_group_say_nothing_of_a_small_one() -> None:
    group = np.repeat([0, 1], [112, 2800])
    before = np.tile([0.0, 1.0], 1456)
    x = np.zeros(2912)
    x[112:312] = np.tile([1.0, -1.0], 100)
    found = bootstrap_change(gap(x, group), np.arange(2912), 300)
    (se,), _ = cautious_error(found, swing(gap(before, group), np.arange(2912)))
    assert 1.96 * found.se[0] < 0.011
    assert 1.96 * se > 0.034


def test_the_error_of_many_changes_stays() -> None:
    x = np.tile([1.0, -1.0, 0.0, 0.0, 0.0], 100)
    found = bootstrap_change(lambda w: (w @ x / w.sum(1))[:, None], np.arange(500), 300)
    se, _ = cautious_error(found, np.array([1 / 500]))
    assert se == pytest.approx(found.se)
