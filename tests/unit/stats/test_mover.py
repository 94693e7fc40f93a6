"""Differences of independent numbers by MOVER: a published example, and the change of a disparity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from qbench.stats.mover import disparity_interval, disparity_p, mover_difference
from qbench.stats.tango import tango_interval


def test_published_example() -> None:
    # Newcombe 1998 (independent proportions), table II, method 10: 56/70 and 48/80
    first, second = (proportion_confint(k, n, method="wilson") for k, n in ((56, 70), (48, 80)))
    low, high = mover_difference(56 / 70, *first, 48 / 80, *second)
    assert (low, high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_a_number_that_is_known_exactly_adds_nothing() -> None:
    low, high = mover_difference(0.3, 0.1, 0.6, 0.2, 0.2, 0.2)
    assert (low, high) == (pytest.approx(-0.1), pytest.approx(0.4))


def test_numbers_that_are_correlated_are_as_a_difference_of_normals_is() -> None:
    # symmetrical limits: the variance of a difference, 0.3² + 0.4² − 2 · 0.5 · 0.3 · 0.4
    low, high = mover_difference(1.0, 0.7, 1.3, 0.2, -0.2, 0.6, rho=0.5)
    assert (high - 0.8, 0.8 - low) == (pytest.approx(np.sqrt(0.13)), pytest.approx(np.sqrt(0.13)))


def test_what_is_undetermined_stays_so() -> None:
    assert np.isnan(mover_difference(0.3, np.nan, 0.6, 0.2, 0.1, 0.4)[0])
    assert all(np.isnan(x) for x in disparity_interval(0, 0, 0, 1, 0, 9))


@settings(deadline=None, max_examples=30)
@given(*(st.integers(0, 20) for _ in range(4)), st.integers(40, 400), st.integers(40, 400))
def test_the_change_of_a_disparity_is_inside_and_turns_with_the_groups(
    g1: int, l1: int, g2: int, l2: int, n1: int, n2: int
) -> None:
    change, low, high = (float(x) for x in disparity_interval(g1, l1, n1, g2, l2, n2))
    assert change == pytest.approx((g1 - l1) / n1 - (g2 - l2) / n2)
    assert low < change < high
    other = disparity_interval(g2, l2, n2, g1, l1, n1)
    assert [float(x) for x in other] == pytest.approx([-change, -high, -low], abs=1e-9)
    # wider than each group's own interval, narrower than the two of them end to end
    widths = [float(high_ - low_) for low_, high_ in (tango_interval(g1, l1, n1), tango_interval(g2, l2, n2))]
    assert max(widths) < high - low < sum(widths)


def test_p_is_where_the_interval_touches_zero() -> None:
    rng = np.random.default_rng(1)
    n1, n2 = rng.integers(1, 900, 300), rng.integers(1, 300, 300)
    g1, l1, g2, l2 = (rng.binomial(n // 2, 0.05) for n in (n1, n1, n2, n2))
    p = disparity_p(g1, l1, n1, g2, l2, n2)
    for confidence in (0.5, 0.9, 0.99):
        _, low, high = disparity_interval(g1, l1, n1, g2, l2, n2, confidence)
        assert ((p < 1 - confidence) == ((low > 0) | (high < 0))).all()


def test_p_is_where_the_interval_of_correlated_groups_touches_zero() -> None:
    rng = np.random.default_rng(2)
    n1, n2 = rng.integers(20, 900, 300), rng.integers(20, 300, 300)
    g1, l1, g2, l2 = (rng.binomial(n // 2, 0.05) for n in (n1, n1, n2, n2))
    rho = rng.uniform(-0.5, 0.8, 300)
    p = disparity_p(g1, l1, n1, g2, l2, n2, rho=rho)
    assert (p < disparity_p(g1, l1, n1, g2, l2, n2))[(rho > 0) & (p < 1)].mean() > 0.9
    for confidence in (0.5, 0.9, 0.99):
        sides = (((g - b) / n, *tango_interval(g, b, n, confidence)) for g, b, n in ((g1, l1, n1), (g2, l2, n2)))
        low, high = mover_difference(*next(sides), *next(sides), rho=rho)
        assert ((p < 1 - confidence) == ((low > 0) | (high < 0))).all()


def test_p_at_the_ends() -> None:
    p = disparity_p([0, 3, 5000, 2], [0, 3, 0, 0], [9, 9, 5000, 4], [0, 0, 0, 0], [0, 0, 5000, 0], [9, 7, 5000, 0])
    assert p[:2].tolist() == [1, 1]
    assert 0 < p[2] < 1e-300
    assert np.isnan(p[3])
    assert len(disparity_p([], [], [], [], [], [])) == 0
