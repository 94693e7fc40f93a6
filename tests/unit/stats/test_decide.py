"""Adjusted p-values against statsmodels; equivalence; detectable effects and needed items against their own tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from qbench.stats import decide
from qbench.stats.tango import tango_interval


@pytest.mark.parametrize(("function", "method"), [(decide.holm, "holm"), (decide.benjamini_hochberg, "fdr_bh")])
def test_adjusted_as_by_statsmodels(function, method: str) -> None:
    p = np.random.default_rng(2).random(40) ** 3
    p[5] = p[7]
    assert function(p) == pytest.approx(multipletests(p, method=method)[1])


@pytest.mark.parametrize("function", [decide.holm, decide.benjamini_hochberg])
def test_undetermined_p_values_are_not_of_the_family(function) -> None:
    assert function([0.01, np.nan, 0.02])[[0, 2]] == pytest.approx(function([0.01, 0.02]))
    assert np.isnan(function([0.01, np.nan, 0.02])[1])
    assert np.isnan(function([np.nan])).all()
    assert len(function([])) == 0


def test_no_p_value_is_zero() -> None:
    assert decide.holm([0.0, 0.5])[0] > 0


def test_equivalence_needs_the_whole_interval_inside() -> None:
    low, high = np.array([-0.005, -0.01, -0.005, np.nan]), np.array([0.005, 0.0, 0.02, 0.001])
    assert decide.equivalent(low, high, 0.01).tolist() == [True, False, False, False]


def test_the_detectable_effect_is_found_with_the_power_it_says() -> None:
    effect = decide.minimum_detectable(1 / math.sqrt(50), 49)
    assert TTestPower().power(float(effect), 50, 0.05) == pytest.approx(0.8, abs=0.01)
    assert decide.minimum_detectable(1.0) == pytest.approx(stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
    assert np.isnan(decide.minimum_detectable(np.nan, 5))


def test_the_detectable_change_fits_in_its_own_flips() -> None:
    psi, large, small = (
        np.array([0.01, 0.01, 0.01, 0.05, 0.0]),
        np.array([90, 300, 3000, 900, 300]),
        np.array([30, 100, 1000, 300, 100]),
    )
    found = decide.minimum_detectable_cell(psi, large, small)
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert found == pytest.approx(z * np.sqrt(psi / large + (np.maximum(psi, found) - found**2) / small))
    assert found == pytest.approx(decide.minimum_detectable_cell(psi, small, large))
    naive = z * np.sqrt(psi / large + psi / small)
    assert (found > 3 * naive)[0]
    assert found[2] == pytest.approx(naive[2], rel=0.02)


def test_where_nothing_can_be_detected_it_is_not_known() -> None:
    assert np.isnan(decide.minimum_detectable_cell(0.5, [0, 10], [10, 0])).all()
    assert np.isnan(decide.minimum_detectable_cell(0.9, 2, 2))
    assert 0 < decide.minimum_detectable_cell(0.01, 1) < 1


def _power(n: int, psi: float, margin: float, sides: int) -> float:
    """Probability that Tango's limits show it where gains and losses are alike, summed over all counts."""
    flips = np.arange(int(stats.binom.isf(1e-9, n, psi)) + 1)
    gain = np.concatenate([np.arange(k + 1) for k in flips])
    total = np.repeat(flips, flips + 1)
    weight = stats.binom.pmf(total, n, psi) * stats.binom.pmf(gain, total, 0.5)
    low, high = tango_interval(gain, total - gain, n, 0.9)
    shown = low > -margin if sides == 1 else decide.equivalent(low, high, margin)
    return float(weight[shown].sum())


@pytest.mark.parametrize(
    ("psi", "margin", "sides"), [(0.02, 0.01, 2), (0.02, 0.01, 1), (0.05, 0.02, 2), (0.01, 0.03, 1)]
)
def test_so_many_items_decide_with_the_power_it_says(psi: float, margin: float, sides: int) -> None:
    n = int(decide.needed_items(psi, margin, sides=sides))
    assert 0.77 < _power(n, psi, margin, sides) < 0.89  # counts are discrete: few flips overshoot
    assert _power(n // 2, psi, margin, sides) < 0.7


def test_without_flips_the_score_s_own_limit_decides() -> None:
    n = int(decide.needed_items(0.0, 0.01, sides=1))
    assert tango_interval(0, 0, n, 0.9)[0] > -0.01
    assert tango_interval(0, 0, n - 2, 0.9)[0] < -0.01


def test_groups_of_unequal_size_need_more() -> None:
    even, uneven = decide.needed_items(0.02, 0.01, 500, 500), decide.needed_items(0.02, 0.01, 900, 100)
    assert even == decide.needed_items(0.02, 0.01, 1, 1)
    assert uneven > 2 * even
    assert np.isnan(decide.needed_items(0.02, 0.01, 0, 10))
    assert np.isnan(decide.needed_items(0.02, [0.0, np.nan, 1.5])).all()


def test_needed_items_of_a_standard_error_shrink_it_to_what_the_margin_takes() -> None:
    n = decide.needed_from_se(0.02, 400, 0.01, sides=1)
    se = 0.02 * math.sqrt(400 / n)
    assert stats.norm.cdf(0.01 / se - stats.norm.ppf(0.95)) == pytest.approx(0.8, abs=1e-3)
    assert np.isnan(decide.needed_from_se(np.nan, 400, 0.01))


def test_with_the_items_to_prove_a_loss_the_score_test_proves_it_in_80_per_cent_of_data_sets() -> None:
    n = int(decide.items_to_prove(0.02, 0.02, 0.03))
    gain, lost, _ = np.random.default_rng(4).multinomial(n, [0.01, 0.04, 0.95], 4000).T
    _, high = tango_interval(gain, lost, np.full(4000, n))
    assert np.mean(high < -0.02) == pytest.approx(0.8, abs=0.02)


def test_no_number_of_items_proves_a_loss_that_is_within_the_limit() -> None:
    assert np.isnan(decide.items_to_prove(0.02, 0.02, [0.01, 0.02, 0.99])).tolist() == [True, True, True]
    assert decide.items_to_prove(0.02, 0.02, 0.03, alpha=0.001) > decide.items_to_prove(0.02, 0.02, 0.03)


def test_with_the_items_to_confirm_a_loss_that_was_found_is_proven_in_80_per_cent_of_data_sets() -> None:
    _, high = tango_interval(10, 40, 1000)
    n = int(decide.items_to_confirm(1000, 0.03, -float(high), 0.02))
    gain, lost, _ = np.random.default_rng(4).multinomial(n, [0.01, 0.04, 0.95], 4000).T
    _, high = tango_interval(gain, lost, np.full(4000, n))
    assert np.mean(high < -0.02) == pytest.approx(0.8, abs=0.03)
    assert np.isnan(decide.items_to_confirm(1000, [0.01, 0.02], 0.0, 0.02)).all()
