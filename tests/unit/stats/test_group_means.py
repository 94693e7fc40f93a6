"""Means by group where items share images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from qbench.stats.group_means import group_means


@pytest.fixture
def three():
    """Three groups of different spread."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, 1, 40), rng.normal(0.3, 2, 60), rng.normal(0, 1, 35)]


def of(three, image=None):
    values, group = np.concatenate(three), np.repeat([0, 1, 2], [len(x) for x in three])
    return group_means(values, group, np.arange(len(values)) if image is None else image, 3)


def test_of_one_item_in_each_image_it_is_t_and_welch(three):
    from statsmodels.stats.oneway import anova_oneway

    found = of(three)
    for i, values in enumerate(three):
        assert found.mean[i] == pytest.approx(values.mean())
        theirs = stats.ttest_1samp(values, 0).confidence_interval()
        assert (found.low[i], found.high[i]) == pytest.approx(tuple(theirs))
    assert found.p == pytest.approx(anova_oneway(three, use_var="unequal").pvalue)


def test_items_twice_in_one_image_say_nothing_more(three):
    once, twice = of(three), of([np.repeat(x, 2) for x in three], np.repeat(np.arange(135), 2))
    np.testing.assert_allclose(twice.se, once.se)
    assert twice.p == pytest.approx(once.p)


def test_groups_that_meet_in_images_are_told_apart_by_their_difference():
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 1, 200)
    values = np.concatenate([shared, shared + 0.02 + rng.normal(0, 0.05, 200)])
    group, image = np.repeat([0, 1], 200), np.tile(np.arange(200), 2)
    assert group_means(values, group, image, 2).p < 1e-4
    assert group_means(values, group, np.arange(400), 2).p > 0.5


def test_a_group_of_few_images_has_a_mean_and_no_interval(three):
    found = of([three[0], three[1], three[2][:12]])
    assert math.isfinite(found.mean[2])
    assert math.isnan(found.low[2])
    assert found.p == pytest.approx(of([three[0], three[1], three[2][:0]]).p)
    assert math.isnan(group_means(three[0], np.zeros(40), np.arange(40), 1).p)


def test_what_is_not_finite_or_in_no_group_is_left_out(three):
    values = np.concatenate([three[0], [math.nan, 99.0]])
    found = group_means(values, [*[0] * 41, -1], np.arange(42), 1)
    assert found.mean[0] == pytest.approx(three[0].mean())
