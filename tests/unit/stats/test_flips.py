"""Flips: McNemar against published numbers and scipy, rates, groups, and items whose majority answer changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar

from qbench.stats.flips import exemplars, flip_rate_interval, flip_rates_differ, mcnemar, share_test


def test_mid_p_published_example() -> None:
    # Fagerland, Lydersen and Laake 2013/2014 on Cavo et al. 2012, as the R package contingencytables prints it
    assert mcnemar(6, 16)[0] == pytest.approx(0.034690, abs=5e-7)


@pytest.mark.parametrize(("gain", "loss"), [(3, 9), (0, 4), (40, 61), (1, 2)])
def test_mid_p_is_the_exact_p_less_the_point(gain: int, loss: int) -> None:
    exact = exact_mcnemar([[0, gain], [loss, 0]], exact=True).pvalue
    p, log10_p = mcnemar(gain, loss)
    assert p == pytest.approx(exact - stats.binom.pmf(gain, gain + loss, 0.5))
    assert log10_p == pytest.approx(math.log10(p))
    assert mcnemar(loss, gain)[0] == pytest.approx(p)


def test_no_flip_and_as_many_each_way_show_nothing() -> None:
    p, log10_p = mcnemar([0, 7], [0, 7])
    assert p.tolist() == [1, 1]
    assert log10_p.tolist() == [0, 0]


def test_a_p_below_the_smallest_float_keeps_its_logarithm() -> None:
    p, log10_p = mcnemar([0, 20_000], [2000, 30_000])
    assert log10_p[0] == pytest.approx(-2000 * math.log10(2))
    # mpmath, 40 digits: log10(2 P(X < 20000) + P(X = 20000)), X binomial(50000, 1/2)
    assert log10_p[1] == pytest.approx(-438.977042311924, rel=1e-9)
    assert (p > 0).all()


def test_rates_have_wilson_s_limits() -> None:
    low, high = flip_rate_interval([0, 3, 0], [20, 40, 0])
    wanted = stats.binomtest(3, 40).proportion_ci(method="wilson")
    assert (low[1], high[1]) == pytest.approx((wanted.low, wanted.high))
    z2 = stats.norm.ppf(0.975) ** 2
    assert (low[0], high[0]) == (0, pytest.approx(z2 / (20 + z2)))
    assert np.isnan([low[2], high[2]]).all()


def test_groups_with_many_flips_are_compared_by_chi_squared() -> None:
    flips, n = np.array([30, 60, 40]), np.array([1000, 1500, 1200])
    wanted = stats.chi2_contingency([flips, n - flips], correction=False).pvalue
    assert flip_rates_differ(flips, n) == pytest.approx(wanted)


def test_groups_with_few_flips_are_compared_by_random_tables() -> None:
    # of two groups the exact distribution is hypergeometric
    flips, n = np.array([1, 5]), np.array([40, 30])
    support = np.arange(7)
    weight = stats.hypergeom.pmf(support, 70, 40, 6)
    distance = np.abs(support - 6 * 40 / 70)
    wanted = weight[distance >= distance[1] - 1e-9].sum()
    assert flip_rates_differ(flips, n) == pytest.approx(wanted, abs=0.01)


def test_counts_of_a_design_effect_are_those_of_fewer_items() -> None:
    flips, n = np.array([30, 60, 40]), np.array([1000, 1500, 1200])
    assert flip_rates_differ(flips, n, 2.0) == pytest.approx(flip_rates_differ(flips / 2, n / 2))
    assert flip_rates_differ(flips, n, [2.0, 3.0, 2.0]) > flip_rates_differ(flips, n)
    # few flips: random tables of two groups, each of half as many items
    assert flip_rates_differ([2, 10], [80, 60], 2.0) == flip_rates_differ([1, 5], [40, 30])


def test_a_share_is_tested_by_mcnemar_or_by_the_score_test_of_fewer_items() -> None:
    p, log10_p = share_test([30, 30, 0], [12, 12, 0], 500, [1.0, 2.0, 3.0])
    assert p[0] == mcnemar(30, 12)[0]
    assert p[1] == pytest.approx(2 * stats.norm.sf(18 / math.sqrt(42) / math.sqrt(2)))
    assert p[2] == 1
    assert log10_p == pytest.approx(np.log10(p))


@pytest.mark.parametrize(
    ("flips", "n", "p"), [([0, 0], [9, 9], 1.0), ([9, 9], [9, 9], 1.0), ([1], [9], None), ([1, 0], [9, 0], None)]
)
def test_degenerate_groups(flips: list[int], n: list[int], p: float | None) -> None:
    found = flip_rates_differ(flips, n)
    assert math.isnan(found) if p is None else found == p


def test_exemplars_are_where_the_majority_changes() -> None:
    before = [[0, 1, 2, 0], [0, 1, 3, 1], [1, 1, 3, 2]]
    after = [[1, 1, 2, 0], [1, 0, 3, 0], [0, 1, 4, 0]]
    found = exemplars(before, after)
    assert found.before.tolist() == [0, 1, 3, -1]
    assert found.after.tolist() == [1, 1, -1, 0]
    assert found.changed.tolist() == [True, False, False, False]
    assert found.agree_before == pytest.approx([2 / 3, 1, 2 / 3, 1 / 3])
    with pytest.raises(ValueError, match="one row per model and one column per item"):
        exemplars([[0, 1]], [[0]])
