"""Checkpoints that share their images: what is known of their mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qbench.stats.population import Population, covariance, heterogeneity, population

K = 9


def made(mean, spread, seed=0, k=K):
    """Changes with exactly this mean and this standard deviation."""
    y = np.random.default_rng(seed).normal(size=k)
    return mean + spread * (y - y.mean()) / y.std(ddof=1)


def compound(se, rho, k=K):
    return se**2 * ((1 - rho) * np.eye(k) + rho)


def test_without_shared_images_it_is_the_paired_t_test():
    y = made(0.01, 0.02)
    found = population(y, compound(0.01, 0))
    theirs = stats.ttest_1samp(y, 0)
    low, high = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.df == K - 1


def test_what_the_errors_share_is_added():
    y = made(0.01, 0.02)
    found = population(y, compound(0.01, 0.3))
    within, shared = 0.02**2 / K, 0.3 * 0.01**2
    assert found.se == pytest.approx(math.sqrt(within + shared))
    assert found.df == pytest.approx((K - 1) * ((within + shared) / within) ** 2)
    assert found.tau == pytest.approx(math.sqrt(0.02**2 - 0.7 * 0.01**2))


def test_the_mean_of_these_checkpoints_has_its_own_interval():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(K, 40)) + rng.normal(size=40)
    s = covariance(values)
    found = population(made(0.5, 2.0), s)
    # the mean's own influence values are the mean of the influence values
    assert found.fixed_se == pytest.approx(math.sqrt((values.mean(axis=0) ** 2).sum()))
    half = stats.norm.ppf(0.975) * found.fixed_se
    assert (found.fixed_low, found.fixed_high) == pytest.approx((0.5 - half, 0.5 + half))


def test_a_negative_covariance_narrows_nothing():
    y = made(0.01, 0.02)
    assert population(y, compound(0.01, -0.05)).se == pytest.approx(population(y, compound(0.01, 0)).se)


def test_the_variance_is_right_on_average():
    """Over many draws, V has the mean of the variance that the mean of checkpoints really has."""
    rng = np.random.default_rng(2)
    k, tau, s = 5, 0.7, compound(1.0, 0.4, 5)
    s[0] *= 1.5
    s[:, 0] *= 1.5
    y = tau * rng.normal(size=(2000, k)) + rng.multivariate_normal(np.zeros(k), s, size=2000)
    found = np.mean([population(x, s).se ** 2 for x in y])
    assert found == pytest.approx(tau**2 / k + s.sum() / k**2, rel=0.04)


def test_heterogeneity_is_the_generalised_least_squares_residual():
    rng = np.random.default_rng(3)
    y = rng.normal(size=K)
    half = rng.normal(size=(K, 30))
    s = half @ half.T / 30
    inverse = np.linalg.inv(s)
    mean = (inverse @ y).sum() / inverse.sum()
    q, df = heterogeneity(y, s)
    assert q == pytest.approx((y - mean) @ inverse @ (y - mean))
    assert df == K - 1


def test_heterogeneity_agrees_with_statsmodels_where_nothing_is_shared():
    from statsmodels.stats import meta_analysis

    rng = np.random.default_rng(4)
    y, variance = rng.normal(size=K), rng.uniform(0.5, 2, size=K)
    theirs = meta_analysis.combine_effects(y, variance, method_re="chi2", nobs=np.full(K, 1000))
    found = population(y, np.diag(variance))
    assert found.q == pytest.approx(theirs.q)
    test = theirs.test_homogeneity()
    assert (found.q_df, found.q_p) == pytest.approx((test.df, test.pvalue))


def test_heterogeneity_where_the_covariance_has_no_inverse():
    """Two checkpoints with the same influence values and the same change count once."""
    y, s = made(0.1, 1.0, k=4), np.diag([1.0, 2.0, 1.5, 0.7])
    twice = np.ix_([0, 1, 2, 3, 3], [0, 1, 2, 3, 3])
    once, df = heterogeneity(y, s)
    q, df_twice = heterogeneity(np.r_[y, y[3]], s[twice])
    assert (q, df_twice) == (pytest.approx(once), df)
    q, df = heterogeneity(np.r_[y, y[3] + 1], s[twice])  # they differ and no error can explain it
    assert math.isnan(q)
    assert df == 0


def test_the_prediction_interval_is_wider_than_that_of_the_mean():
    found = population(made(0.01, 0.02), compound(0.01, 0.2))
    spread = math.sqrt(found.tau**2 + found.se**2)
    half = stats.t.ppf(0.95, K - 2) * spread
    assert (found.pi_low, found.pi_high) == pytest.approx((0.01 - half, 0.01 + half))


@pytest.mark.parametrize(
    ("mean", "spread", "margin", "verdict"),
    [
        (0.0, 0.001, 0.01, "negligible"),
        (0.003, 0.001, 0.01, "negligible"),  # sure to be there, and too small to matter
        (0.02, 0.004, 0.01, "consistent"),
        (0.0, 0.02, 0.01, "inconsistent"),
        (0.004, 0.02, 0.01, "inconsistent"),
        (0.003, 0.006, 0.001, "inconclusive"),
    ],
)
def test_verdicts(mean, spread, margin, verdict):
    se = 0.005 if verdict == "inconclusive" else 0.001
    found = population(made(mean, spread), compound(se, 0.1), margin=margin)
    assert found.verdict == verdict
    assert found.reason.endswith(".")


def test_a_sure_mean_whose_next_checkpoint_may_differ_is_not_yet_known():
    found = population(made(0.01, 0.011), compound(0.0085, 0.0), margin=0.001)
    assert found.low > 0 > found.pi_low
    assert found.verdict == "inconclusive"
    assert "The mean change is not zero, but" in found.reason


def test_nothing_is_negligible_without_a_margin():
    found = population(made(0.0, 0.001), compound(0.001, 0.1))
    assert found.verdict == "inconclusive"
    assert "no margin" in found.reason


def test_below_six_checkpoints_nothing_is_said_unless_declared():
    y, s = made(0.02, 0.001, k=5), compound(0.001, 0.1, 5)
    found = population(y, s, margin=0.01)
    assert found.verdict == "inconclusive"
    assert found.reason == "5 checkpoints are too few to speak of a population: at least 6 are needed."
    assert math.isfinite(found.low)
    assert population(y, s, margin=0.01, least=5).verdict == "consistent"


def test_a_source_is_left_out_in_turn():
    y = np.array([1.0, 2.0, 3.0, 10.0, 11.0, 12.0])
    found = population(y, np.eye(6), sources=["a", "a", "a", "b", "b", "b"])
    assert found.without == {"a": 11.0, "b": 2.0}
    assert (found.without_low, found.without_high) == (2.0, 11.0)
    one = population(y, np.eye(6), sources=["a"] * 6)
    assert one.without == {}
    assert math.isnan(one.without_low)


def test_signs_are_counted():
    assert population([1.0, 2.0, -0.5, 0.0, 3.0], np.eye(5)).same_sign == 3


def test_checkpoints_without_a_number_are_left_out_and_counted():
    y = np.r_[made(0.01, 0.02), np.nan, 0.5]
    s = np.zeros((K + 2, K + 2))
    s[:K, :K] = compound(0.01, 0.2)
    s[K], s[:, K], s[K + 1, K + 1] = np.nan, np.nan, np.nan
    found, plain = population(y, s, sources=["x"] * 11), population(y[:K], s[:K, :K])
    assert (found.checkpoints, found.left_out) == (K, 2)
    assert (found.mean, found.se, found.q) == (plain.mean, plain.se, plain.q)


NUMBERS = ("se", "low", "high", "p", "pi_low", "pi_high", "q", "q_p")


@pytest.mark.parametrize(
    ("y", "s", "reason"),
    [
        ([], np.zeros((0, 0)), "No checkpoint has a determined change."),
        ([np.nan] * 9, np.eye(9), "No checkpoint has a determined change."),
        ([0.1], np.eye(1), "One checkpoint says nothing of a population."),
        ([0.1] * 9, np.zeros((9, 9)), "All checkpoints changed exactly alike and no error is known: nothing to"),
    ],
)
def test_what_cannot_be_computed_says_why(y, s, reason):
    found = population(y, s, margin=0.01)
    assert found.verdict == "inconclusive"
    assert found.reason.startswith(reason)
    assert all(math.isnan(getattr(found, x)) for x in NUMBERS)


def test_checkpoints_that_all_changed_alike_are_judged_by_their_own_errors():
    found = population([0.0] * K, compound(0.001, 0.2), margin=0.01)
    assert found.se == pytest.approx(found.fixed_se)
    assert found.verdict == "negligible"
    assert population([0.0] * K, compound(0.02, 0.2), margin=0.01).verdict == "inconclusive"


def test_changes_without_any_known_error_are_a_plain_t_test():
    y = made(0.01, 0.02)
    found = population(y, np.zeros((K, K)), margin=0.01)
    assert found.p == pytest.approx(stats.ttest_1samp(y, 0).pvalue)
    assert math.isnan(found.q_p)
    assert found.verdict == "inconclusive"


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3) | st.sampled_from([0.0, math.nan, math.inf]), max_size=8),
    st.floats(0, 10),
    st.floats(-0.1, 1),
)
def test_it_never_warns_and_always_says_why(y, se, rho):
    found = population(y, compound(se, rho, len(y)), margin=0.1)
    assert isinstance(found, Population)
    assert found.reason
    if not math.isnan(found.low):
        assert found.low <= found.mean <= found.high


def test_the_covariance_of_shared_images():
    values = np.array([[1.0, -1.0, 0.5], [0.5, -0.5, 0.0]])
    np.testing.assert_allclose(covariance(values), [[2.25, 1.0], [1.0, 0.5]])
    raised = covariance(values, se=[1.0, 2.0])  # only a larger standard error than the values' own counts
    np.testing.assert_allclose(raised, [[2.25, 1.0], [1.0, 4.0]])


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="a covariance of"):
        population([1.0, 2.0], np.eye(3))
    with pytest.raises(ValueError, match="1 sources"):
        population([1.0, 2.0], np.eye(2), sources=["a"])
