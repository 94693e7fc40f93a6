"""Skew and NDKL of rankings."""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from qbench.metrics.skew import max_skew, min_skew, ndkl, skew, target_shares, top_shares


def shares(ranked, k, weights=None, count=3):
    ranked = np.asarray(ranked)
    weights = np.ones((len(ranked), 1)) if weights is None else np.atleast_2d(weights).T.astype(float)
    return top_shares(ranked, count, k, np.arange(len(ranked)), weights)


def target(ranked, kind="uniform", count=3, weights=None):
    weights = np.ones((1, len(ranked))) if weights is None else np.atleast_2d(weights).astype(float)
    return target_shares(np.asarray(ranked), count, kind, weights)


def skews(ranked, k, kind="uniform", count=3, weights=None):
    return skew(shares(ranked, k, weights, count), target(ranked, kind, count, weights), k)


def test_shares_by_hand():
    np.testing.assert_allclose(shares([0, 0, 1, 2, 2, 2], 4), [[0.5, 0.25, 0.25]])


def test_a_ranking_is_a_gather_of_the_gallery():
    found = top_shares(np.array([0, 1, 2, 0]), 3, 2, np.array([3, 1, 0, 2]), np.ones((4, 1)))
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.0]])


def test_skews_by_hand():
    found = skews([0, 0, 1, 2, 2, 2], 4)
    np.testing.assert_allclose(found, [[math.log(1.5), math.log(0.75), math.log(0.75)]])
    np.testing.assert_allclose(max_skew(found), [math.log(1.5)])
    np.testing.assert_allclose(min_skew(found), [math.log(0.75)])


def test_a_group_without_a_hit_counts_as_one_in_k():
    found = skews([0, 0, 0, 1, 1, 1], 3, count=2)
    np.testing.assert_allclose(found, [[math.log(2), math.log(1 / 3) - math.log(1 / 2)]])


def test_the_gallery_as_target():
    found = skews([0, 1, 0, 0, 0, 1], 2, "gallery", count=2)
    np.testing.assert_allclose(found, [[math.log(0.5 / (4 / 6)), math.log(0.5 / (2 / 6))]])


def test_the_whole_gallery_is_undetermined():
    assert np.isnan(skews([0, 1, 2], 3)).all()
    assert np.isnan(max_skew(skews([0, 1, 2], 4))).all()
    assert np.isfinite(skews([0, 1, 2], 2)).all()


def test_a_group_that_the_gallery_does_not_have_is_left_out():
    found = skews([0, 1, 0, 1], 2)
    np.testing.assert_array_equal(found, [[0.0, 0.0, np.nan]])
    np.testing.assert_array_equal(max_skew(found), [0.0])
    np.testing.assert_array_equal(min_skew(found), [0.0])


def test_one_group_only_is_undetermined():
    assert np.isnan(target([1, 1, 1])).all()
    assert np.isnan(ndkl(np.array([1, 1, 1]), target([1, 1, 1])[0]))


def test_the_item_at_the_cut_counts_with_what_is_left():
    np.testing.assert_allclose(shares([0, 1, 0], 2, [1.5, 2.0, 1.0], count=2), [[0.75, 0.25]])


def test_more_ranks_are_read_where_the_first_have_no_weight():
    weights = np.r_[np.zeros(50), np.ones(10)]
    np.testing.assert_allclose(shares([0] * 55 + [1] * 5, 6, weights, count=2), [[5 / 6, 1 / 6]])


def naive_ndkl(ranked, wanted):
    total = norm = 0.0
    for i in range(1, len(ranked) + 1):
        p = [ranked[:i].count(g) / i for g in range(len(wanted))]
        total += sum(x * math.log(x / d) for x, d in zip(p, wanted, strict=True) if x) / math.log2(i + 1)
        norm += 1 / math.log2(i + 1)
    return total / norm


def test_ndkl_by_hand():
    expected = (math.log(2) / 1 + 0.0) / (1 + 1 / math.log2(3))
    np.testing.assert_allclose(ndkl(np.array([0, 1]), np.array([0.5, 0.5])), expected)


rankings = st.lists(st.integers(0, 2), min_size=2, max_size=25)
weighted = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=2, max_size=20)


@given(rankings, st.sampled_from(["uniform", "gallery"]))
def test_ndkl_agrees_with_its_definition(ranked, kind):
    assume(len(set(ranked)) > 1)
    wanted = np.nan_to_num(target(ranked, kind)[0], nan=1.0)
    np.testing.assert_allclose(ndkl(np.array(ranked), target(ranked, kind)[0]), naive_ndkl(ranked, wanted), atol=1e-12)


@given(weighted, st.integers(1, 12), st.sampled_from(["uniform", "gallery"]))
def test_integer_weights_are_repeated_items(rows, k, kind):
    groups, weights = (np.array(column) for column in zip(*rows, strict=True))
    repeated = np.repeat(groups, weights)
    assume(set(repeated) == set(groups) and len(set(groups)) > 1)
    np.testing.assert_allclose(skews(groups, k, kind, weights=weights), skews(repeated, k, kind))
    wanted = target(repeated, kind)[0]
    np.testing.assert_allclose(
        ndkl(groups, wanted, weights.astype(float)), ndkl(repeated, wanted), rtol=1e-9, atol=1e-12
    )


@given(rankings, st.integers(1, 20))
def test_max_skew_is_at_most_ln_g(ranked, k):
    present = len(set(ranked))
    assume(present > 1 and k < len(ranked))
    assert max_skew(skews(ranked, k))[0] <= math.log(present) + 1e-12


@given(rankings, st.integers(1, 10))
def test_a_gallery_twice_over_has_the_same_shares(ranked, k):
    assume(k < len(ranked))
    np.testing.assert_allclose(shares(np.repeat(ranked, 2), 2 * k), shares(ranked, k))


@given(st.permutations([0, 0, 1, 1, 2, 2]), st.integers(1, 4))
def test_perfect_balance_has_no_skew(top, more):
    found = skews([*top, *[0] * more, 1, 2], 6)
    np.testing.assert_allclose(found, [[0.0] * 3], atol=1e-12)


@given(rankings, st.integers(1, 10), st.randoms())
def test_the_order_within_the_top_k_does_not_matter(ranked, k, random):
    assume(k < len(ranked))
    top = ranked[:k]
    random.shuffle(top)
    np.testing.assert_array_equal(shares(top + ranked[k:], k), shares(ranked, k))


def test_several_sets_of_weights_are_each_their_own():
    ranked, weights = np.array([0, 1, 2, 0, 1, 2]), np.array([[1.0] * 6, [2, 0, 1, 1, 0, 1]])
    both = shares(ranked, 2, weights)
    np.testing.assert_array_equal(both, np.concatenate([shares(ranked, 2, row) for row in weights]))
