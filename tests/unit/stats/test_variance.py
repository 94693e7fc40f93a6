"""Shares of the variance of effects."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from qbench.stats.variance import chance_shares, variance_shares


def test_balanced_factors_have_their_sums_of_squares():
    quantizer, size = (np.array(x) for x in zip(*itertools.product("abc", "uvwx"), strict=True))
    y = np.select([quantizer == "a", quantizer == "b"], [1.0, 2.0], 4.0) + np.where(size == "u", 3.0, 0.0)
    shares = variance_shares(y, {"quantizer": quantizer, "size": size})
    effect = np.array([1.0, 2.0, 4.0])
    total = ((y - y.mean()) ** 2).sum()
    assert shares["quantizer"] == pytest.approx(4 * ((effect - effect.mean()) ** 2).sum() / total)
    assert shares["rest"] == pytest.approx(0, abs=1e-12)
    assert sum(shares.values()) == pytest.approx(1)


def test_factors_that_are_one_share_alike():
    source = np.array(list("aabbccaabbcc"))
    y = np.random.default_rng(0).normal(size=12)
    shares = variance_shares(y, {"source": source, "again": np.char.upper(source)})
    assert shares["source"] == pytest.approx(shares["again"])
    alone = variance_shares(y, {"source": source})
    assert shares["source"] + shares["again"] == pytest.approx(alone["source"])


def test_the_order_of_the_factors_does_not_matter():
    rng = np.random.default_rng(1)
    factors = {name: rng.integers(0, 3, 40) for name in "abc"}
    y = rng.normal(size=40) + factors["a"]
    one = variance_shares(y, factors)
    other = variance_shares(y, {name: factors[name] for name in "cab"})
    assert one == pytest.approx(other)
    assert one["a"] > one["b"] + one["c"]


def test_it_is_the_average_over_orders():
    """Against statsmodels' sums of squares, a factor after the other, in both orders."""
    from statsmodels.regression import linear_model as linear

    rng = np.random.default_rng(2)
    a = rng.integers(0, 2, 60)
    b = np.where(rng.random(60) < 0.6, a, rng.integers(0, 2, 60))
    y = a + 0.5 * b + rng.normal(size=60)
    one = np.ones(60)
    both, only_a, only_b = (linear.OLS(y, np.column_stack([one, *x])).fit().rsquared for x in ((a, b), (a,), (b,)))
    shares = variance_shares(y, {"a": a, "b": b})
    assert shares["a"] == pytest.approx((only_a + both - only_b) / 2)
    assert shares["rest"] == pytest.approx(1 - both)


def test_undetermined_effects_are_left_out():
    y, a = np.array([1.0, np.nan, 2.0, 4.0, np.inf]), np.array(list("uuvvv"))
    kept = np.isfinite(y)
    assert variance_shares(y, {"a": a}) == variance_shares(y[kept], {"a": a[kept]})


@pytest.mark.parametrize("y", [[], [1.0], [2.0, 2.0, 2.0], [np.nan, np.nan], [0.1 + 0.2, 0.3]])
def test_effects_that_do_not_vary_have_no_shares(y):
    shares = variance_shares(y, {"a": np.arange(len(y))})
    assert list(shares) == ["a", "rest"]
    assert all(math.isnan(x) for x in shares.values())


def test_a_factor_of_one_level_explains_nothing():
    shares = variance_shares([1.0, 2.0, 4.0], {"a": ["x"] * 3, "b": ["u", "u", "v"]})
    assert shares["a"] == 0
    assert shares["b"] > 0.5


def test_factors_of_another_length_are_refused():
    with pytest.raises(ValueError, match="effects and factors"):
        variance_shares([1.0, 2.0], {"a": ["x"]})


def test_labels_that_mean_nothing_have_the_shares_of_chance():
    rng = np.random.default_rng(3)
    factors = {"a": np.repeat(list("uvw"), 10), "b": np.tile(list("xy"), 15), "c": ["p"] * 28 + ["q", "r"]}
    expected = chance_shares(np.zeros(30), factors)
    drawn = [variance_shares(rng.normal(size=30), factors) for _ in range(400)]
    for name in expected:
        assert np.mean([x[name] for x in drawn]) == pytest.approx(expected[name], abs=0.01), name
    assert sum(expected.values()) == pytest.approx(1)
