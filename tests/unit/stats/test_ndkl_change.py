"""NDKL: the fast jackknife is the slow one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbench.metrics import skew as metric
from qbench.stats.ndkl import ndkl_change, ndkl_levels


def target_of(groups, count, kind, weights=None):
    weights = np.ones(len(groups)) if weights is None else weights
    return metric.target_shares(np.asarray(groups), count, kind, np.asarray(weights)[None])[0]


def slow(ranking, groups, count, kind):
    """NDKL of one ranking, and without each item in turn, by the metric."""
    n = len(groups)
    without = np.empty(n)
    for j in range(n):
        weights = np.ones(n)
        weights[j] = 0
        without[j] = metric.ndkl(groups[ranking], target_of(groups, count, kind, weights), weights[ranking])
    return metric.ndkl(groups[ranking], target_of(groups, count, kind)), without


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=14), st.randoms(use_true_random=False))
def test_levels_are_those_of_the_metric_without_each_item(groups, random):
    groups = np.array(groups)
    if len(np.unique(groups)) < 2:
        groups[:2] = [0, 1]
    order = list(range(len(groups)))
    random.shuffle(order)
    ranking = np.array(order)
    for kind in ("uniform", "gallery"):
        target = target_of(groups, 5, kind)
        found = ndkl_levels(ranking[None], groups, target, target_is_gallery=kind == "gallery")
        value, without = slow(ranking, groups, 5, kind)
        assert found.value[0] == pytest.approx(value, abs=1e-12)
        np.testing.assert_allclose(found.without[0], without, atol=1e-12)


def two(seed, n=60, queries=4):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 3, n)
    score = rng.normal(size=(queries, n))
    before = np.argsort(-score, axis=1)
    after = np.argsort(-(score + 0.3 * rng.normal(size=(queries, n)) + 0.5 * (groups == 1)), axis=1)
    return before, after, groups


@pytest.mark.parametrize("kind", ["uniform", "gallery"])
def test_the_change_is_the_jackknife_of_the_difference(kind):
    before, after, groups = two(1)
    n = len(groups)
    found = ndkl_change(before, after, groups, target_of(groups, 3, kind), target_is_gallery=kind == "gallery")
    means = np.zeros(n)
    for q, (b, a) in enumerate(zip(before, after, strict=True)):
        (old, old_without), (new, new_without) = (slow(x, groups, 3, kind) for x in (b, a))
        without = new_without - old_without
        assert found.change[q] == pytest.approx(new - old, abs=1e-12)
        assert found.se[q] == pytest.approx(math.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
        means += without / len(before)
    assert found.mean == pytest.approx(found.change.mean())
    assert found.mean_se == pytest.approx(math.sqrt((n - 1) / n * ((means - means.mean()) ** 2).sum()))
    assert found.influence @ found.influence == pytest.approx(found.mean_se**2)
    assert not found.few.any()


def test_a_image_with_a_large_influence_value_raises_the_change():
    before, after, groups = two(2)
    found = ndkl_change(before, after, groups, target_of(groups, 3, "uniform"))
    most = int(found.influence.argmax())
    keep = np.arange(len(groups)) != most
    left = [np.array([np.searchsorted(np.flatnonzero(keep), r[r != most]) for r in x]) for x in (before, after)]
    assert ndkl_change(*left, groups[keep], target_of(groups[keep], 3, "uniform")).mean < found.mean


def test_levels_can_be_made_once():
    before, after, groups = two(3)
    target = target_of(groups, 3, "uniform")
    whole = ndkl_change(before, after, groups, target)
    parts = ndkl_change(ndkl_levels(before, groups, target), ndkl_levels(after, groups, target), groups, target)
    np.testing.assert_array_equal(whole.se, parts.se)


def test_many_rankings_are_each_ranking():
    before, after, groups = two(4, queries=35)
    target = target_of(groups, 3, "uniform")
    whole = ndkl_change(before, after, groups, target)
    for q in (0, 15, 16, 34):
        one = ndkl_change(before[[q]], after[[q]], groups, target)
        assert (one.change[0], one.se[0]) == pytest.approx((whole.change[q], whole.se[q]), abs=1e-14)


def test_items_of_a_image_are_summed():
    before, after, groups = two(5)
    target = target_of(groups, 3, "uniform")
    alone = ndkl_change(before, after, groups, target)
    shared = ndkl_change(before, after, groups, target, image=np.arange(60) // 3)
    summed = alone.influence.reshape(20, 3).sum(axis=1) / math.sqrt(60 / 59) * math.sqrt(20 / 19)
    np.testing.assert_allclose(shared.influence, summed, atol=1e-15)


def test_the_same_rankings_have_a_change_of_zero_and_no_certainty():
    before, _, groups = two(6)
    found = ndkl_change(before, before, groups, target_of(groups, 3, "uniform"))
    np.testing.assert_array_equal(found.change, 0)
    assert found.few.all()
    assert (found.se > 1e-3).all()
    assert found.mean_few
    assert found.mean_se > 1e-3


def test_what_cannot_be_computed_says_why():
    ranking = np.array([[0, 1, 2]])
    one = ndkl_change(ranking, ranking, np.zeros(3, dtype=int), [np.nan, np.nan])
    assert one.reason == "fewer than two groups have an item in the gallery"
    assert np.isnan([one.mean, one.mean_se, *one.se]).all()
    groups = np.array([0, 1, 0])
    alone = ndkl_change(ranking, ranking, groups, [0.5, 0.5], image=[0, 0, 0])
    assert alone.reason == "fewer than 10 images: too few for a jackknife"
    none = ndkl_change(ranking[:0], ranking[:0], groups, [0.5, 0.5])
    assert none.reason == "no query"


def test_shapes_that_do_not_match_are_refused():
    groups, ranking = np.array([0, 1, 0]), np.array([[0, 1, 2]])
    levels = ndkl_levels(ranking, groups, [0.5, 0.5])
    with pytest.raises(ValueError, match="rankings of shapes"):
        ndkl_change(levels, np.vstack([ranking, ranking]), groups, [0.5, 0.5])
    with pytest.raises(ValueError, match="rankings of shapes"):
        ndkl_change(ranking, ranking[:, :2], groups, [0.5, 0.5])
