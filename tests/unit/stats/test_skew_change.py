"""Changes of skews: the values are the metric's, and influence values are its derivatives by the items' weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qbench.metrics import skew as metric
from qbench.stats import skew as module
from qbench.stats.skew import skew_change

REDUCE = {"max": metric.max_skew, "min": metric.min_skew}


def gallery(seed, n=90, count=4, queries=5, effect=0.4):
    """Groups without an item of the last group, and two sets of rankings that prefer different groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, count - 1, n)
    score = rng.normal(size=(queries, n))
    before = np.argsort(-(score + effect * (groups == 0)), axis=1)
    noise = 0.4 * rng.normal(size=(queries, n))
    after = np.argsort(-(score + noise + effect * (groups == 1)), axis=1)
    return before, after, groups


def measured(ranking, groups, count, k, kind, weights):
    """Skews ``(queries, b, count)`` of the metric."""
    columns = np.ascontiguousarray(weights.T)
    target = metric.target_shares(groups, count, kind, weights)
    return np.stack([metric.skew(metric.top_shares(groups, count, k, r, columns), target, k) for r in ranking])


def target_of(groups, count, kind):
    return metric.target_shares(groups, count, kind, np.ones((1, len(groups))))[0]


def judged(before, after, groups, k, kind, count=4, image=None):
    return skew_change(
        before, after, groups, target_of(groups, count, kind), k, target_is_gallery=kind == "gallery", image=image
    )


@pytest.mark.parametrize("kind", ["uniform", "gallery"])
def test_changes_are_those_of_the_metric(kind):
    before, after, groups = gallery(1)
    found = judged(before, after, groups, 20, kind)
    ones = np.ones((1, len(groups)))
    old, new = (measured(x, groups, 4, 20, kind, ones)[:, 0] for x in (before, after))
    for g in range(3):
        np.testing.assert_allclose(found.groups[g].change, (new - old)[:, g], atol=1e-12)
        assert found.groups[g].mean == pytest.approx(np.mean((new - old)[:, g]))
    for name, reduce in REDUCE.items():
        np.testing.assert_allclose(getattr(found, name).change, reduce(new) - reduce(old), atol=1e-12)
    assert found.groups[3].reason == "the group has no item in the gallery"
    assert np.isnan(found.groups[3].se).all()


@pytest.mark.parametrize("kind", ["uniform", "gallery"])
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_influence_values_are_derivatives_by_the_weights(kind, seed, monkeypatch):
    """A little more weight on one item, through the metric itself: the item at the cut has to give way to it."""
    before, after, groups = gallery(seed, queries=20)
    k, n, count = 20, len(groups), 4
    for b, a in zip(before, after, strict=True):  # one group at the cut of both, so that its local share is 1
        at = np.flatnonzero(groups[a] == groups[b[k - 1]])
        at = at[np.abs(at - (k - 1)).argmin()]
        a[[at, k - 1]] = a[[k - 1, at]]
    # groups with equally many hits have no derivative of their maximum
    distinct = [
        all(len(set(np.bincount(groups[r[:k]], minlength=3))) == 3 for r in two)
        for two in zip(before, after, strict=True)
    ]
    before, after = before[distinct], after[distinct]
    assert len(before) > 3
    monkeypatch.setattr(module, "_local_share", lambda f, *_: np.eye(count)[groups[f[:, k - 1]]])
    monkeypatch.setattr(module, "FEW", 0)
    found = judged(before, after, groups, k, kind)

    step = 1e-6
    weights = np.vstack([np.ones(n), np.ones(n) + step * np.eye(n)])
    old, new = (measured(x, groups, count, k, kind, weights) for x in (before, after))

    def check(one, values):  # (queries, 1 + n) of the metric
        slope = (values[:, 1:] - values[:, :1]) / step
        slope = (slope - slope.mean(axis=1, keepdims=True)) * math.sqrt(n / (n - 1))
        np.testing.assert_allclose(one.influence, slope.mean(axis=0), atol=2e-5)
        np.testing.assert_allclose(one.se, np.sqrt((slope**2).sum(axis=1)), atol=2e-5)
        assert one.mean_se == pytest.approx(math.sqrt(one.influence @ one.influence))

    for g in range(3):
        check(found.groups[g], new[:, :, g] - old[:, :, g])
    for name, reduce in REDUCE.items():
        check(getattr(found, name), np.stack([reduce(y) - reduce(x) for x, y in zip(old, new, strict=True)]))


def test_the_extreme_group_is_each_variants_own():
    before, after, groups = gallery(5, effect=2.0)
    found = judged(before, after, groups, 20, "uniform")
    # group 0 is the largest before and group 1 after: neither group's own change is the change of the maximum
    assert not np.allclose(found.max.change, found.groups[0].change)
    assert found.max.mean_se > 0


def test_the_gallerys_own_shares_matter_only_where_the_extreme_group_changes():
    before, after, groups = gallery(5, effect=2.0)
    uniform, own = (judged(before, after, groups, 20, kind) for kind in ("uniform", "gallery"))
    for g in range(3):
        np.testing.assert_array_equal(uniform.groups[g].se, own.groups[g].se)
    assert not np.allclose(uniform.max.se, own.max.se)


def test_items_of_a_image_are_summed():
    before, after, groups = gallery(6, n=200)
    image = np.arange(200) // 2
    alone, shared = (judged(before, after, groups, 60, "uniform", image=x) for x in (None, image))
    for one, two in zip([*alone.groups[:3], alone.max], [*shared.groups[:3], shared.max], strict=True):
        summed = one.influence.reshape(100, 2).sum(axis=1) / math.sqrt(200 / 199) * math.sqrt(100 / 99)
        np.testing.assert_allclose(two.influence, summed, atol=1e-14)
    assert shared.groups[0].influence.shape == (100,)


def test_images_may_have_any_numbers():
    before, after, groups = gallery(7, n=200)
    alone, odd = (judged(before, after, groups, 60, "gallery", image=x) for x in (None, 3 * np.arange(200)))
    for one, two in zip([*alone.groups[:3], alone.max, alone.min], [*odd.groups[:3], odd.max, odd.min], strict=True):
        np.testing.assert_allclose(two.se, one.se, rtol=1e-12)
        np.testing.assert_allclose(two.influence[::3], one.influence, atol=1e-15)


def test_the_influence_over_two_queries_is_their_mean():
    before, after, groups = gallery(8)
    both = judged(before[:2], after[:2], groups, 20, "uniform").groups[1]
    each = [judged(before[[q]], after[[q]], groups, 20, "uniform").groups[1] for q in (0, 1)]
    np.testing.assert_allclose(both.influence, (each[0].influence + each[1].influence) / 2, atol=1e-15)
    np.testing.assert_allclose(both.se, [x.se[0] for x in each])


def test_the_same_rankings_have_a_change_of_zero_and_no_certainty():
    before, _, groups = gallery(9)
    found = judged(before, before, groups, 20, "uniform")
    for one in (found.groups[0], found.max, found.min):
        assert one.few.all()
        assert one.mean_few
        np.testing.assert_array_equal(one.change, 0)
        assert (one.se > 0.01).all()
        assert one.mean_se > 0.01


def test_one_more_image_is_added_where_few_moved(monkeypatch):
    before, after, groups = gallery(10)
    cautious = judged(before, after, groups, 20, "uniform").groups[0]
    monkeypatch.setattr(module, "FEW", 0)
    plain = judged(before, after, groups, 20, "uniform").groups[0]
    assert cautious.few.all()
    assert not plain.few.any()
    assert (cautious.se > plain.se).all()
    np.testing.assert_array_equal(cautious.influence, plain.influence)


def test_nothing_is_claimed_of_a_group_without_a_hit():
    groups = np.r_[np.zeros(50, dtype=int), np.ones(50, dtype=int)]
    ranking = np.arange(100)[None]
    found = judged(ranking, ranking, groups, 20, "uniform", count=2)
    assert found.groups[1].change[0] == 0
    assert found.groups[1].se[0] == pytest.approx(1.0, abs=1e-3)
    assert found.groups[1].few[0]


@pytest.mark.parametrize(
    ("groups", "k", "reason"),
    [
        ([0, 1, 0, 1], 4, "the cut-off is the whole gallery or more (4 of 4): every ranking has the same top"),
        ([0, 1, 0, 1], 9, "the cut-off is the whole gallery or more (9 of 4): every ranking has the same top"),
        ([1, 1, 1, 1], 2, "fewer than two groups have an item in the gallery"),
    ],
)
def test_what_cannot_be_computed_says_why(groups, k, reason):
    ranking = np.array([[0, 1, 2, 3]])
    found = judged(ranking, ranking[:, ::-1], np.array(groups), k, "uniform", count=2)
    for one in (*found.groups, found.max, found.min):
        assert one.reason == reason
        assert np.isnan([*one.change, *one.se, one.mean, one.mean_se]).all()


def test_one_image_and_no_query_are_undetermined():
    groups, ranking = np.array([0, 1, 0, 1]), np.array([[0, 1, 2, 3]])
    assert "one image" in judged(ranking, ranking, groups, 2, "uniform", 2, np.zeros(4, dtype=int)).max.reason
    assert judged(ranking[:0], ranking[:0], groups, 2, "uniform", 2).max.reason == "no query"


def test_shapes_that_do_not_match_are_refused():
    groups, ranking = np.array([0, 1, 0, 1]), np.array([[0, 1, 2, 3]])
    with pytest.raises(ValueError, match="rankings of shapes"):
        skew_change(ranking, ranking[:, :3], groups, [0.5, 0.5], 2)
    with pytest.raises(ValueError, match="images of"):
        skew_change(ranking, ranking, groups, [0.5, 0.5], 2, image=[0, 1])
    with pytest.raises(ValueError, match="cut-off is 0"):
        skew_change(ranking, ranking, groups, [0.5, 0.5], 0)


def test_the_error_of_a_level_is_that_of_a_share_in_the_top() -> None:
    """Of twice ln(p / d) with p a share of k of a large gallery: 2 √((1 − p) / (k p)), by the delta method."""
    rng = np.random.default_rng(3)
    n, k = 20_000, 400
    groups = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    ranking = np.argsort(rng.normal(size=(1, n)), axis=1)
    found = skew_change(ranking, ranking, groups, np.full(3, 1 / 3), k)
    share = np.bincount(groups[ranking[0, :k]], minlength=3) / k
    assert [g.sum_se[0] for g in found.groups] == pytest.approx(2 * np.sqrt((1 - share) / (k * share)), rel=0.05)
    assert [g.mean_sum_se for g in found.groups] == pytest.approx([g.sum_se[0] for g in found.groups])


@pytest.mark.parametrize("gallery", [False, True])
def test_the_error_of_a_level_is_the_spread_over_galleries(gallery: bool) -> None:
    """Of one query, and of the mean over queries that rank alike."""
    rng = np.random.default_rng(4)
    n, k, queries, draws = 1000, 120, 4, 400
    totals, errors = np.empty((draws, 2)), np.empty((draws, 2))
    for i in range(draws):
        groups = rng.choice(2, n, p=[0.3, 0.7])
        score = 0.7 * rng.normal(size=n) + 0.7 * rng.normal(size=(queries, n)) + 0.2 * (groups == 0)
        orders = [np.argsort(-(score + 0.1 * rng.normal(size=score.shape)), axis=1) for _ in range(2)]
        target = np.bincount(groups) / n if gallery else np.full(2, 0.5)
        found = skew_change(*orders, groups, target, k, target_is_gallery=gallery).groups[0]
        shares = [(groups[order[:, :k]] == 0).mean(axis=1) for order in orders]
        total = sum(np.log(share / target[0]) for share in shares)
        totals[i], errors[i] = (total[0], total.mean()), (found.sum_se[0], found.mean_sum_se)
    assert np.sqrt((errors**2).mean(axis=0)) == pytest.approx(totals.std(axis=0, ddof=1), rel=0.12)


def test_few_hits_leave_the_sign_open_and_the_smallest_skew_has_a_sign() -> None:
    rng = np.random.default_rng(5)
    groups = (rng.random(2000) < 0.03).astype(np.int64)
    order = np.argsort(rng.normal(size=(2, 2000)) + 5 * (groups == 1), axis=1)  # none of the rare group in the top
    found = skew_change(order, order, groups, np.full(2, 0.5), 100)
    rare = found.groups[1]
    assert (rare.sum_se > 1.9).all()
    assert rare.mean_sum_se > 1.9
    assert found.min.mean_sum_se == 0
    assert found.min.sum_se.tolist() == [0, 0]


def test_images_with_several_items_make_a_level_less_sure() -> None:
    rng = np.random.default_rng(6)
    n, k = 3000, 300
    image = np.repeat(np.arange(n // 3), 3)
    groups = rng.choice(2, n // 3)[image]  # all items of an image are of one group, and rank alike
    order = np.argsort(-(rng.normal(size=n // 3)[image] + 0.01 * rng.normal(size=n)))[None]
    alone, together = (
        skew_change(order, order, groups, np.full(2, 0.5), k, image=x).groups[0].sum_se[0] for x in (None, image)
    )
    assert together == pytest.approx(np.sqrt(3) * alone, rel=0.1)
