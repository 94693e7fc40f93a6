"""A mixed model over checkpoints: what goes with the direction of a change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qbench.stats.mixed import ALIKE, CONFOUNDED, FEW, contrast
from qbench.stats.population import population

K = 9
SIZE = np.arange(K) // 3 - 1.0
SOURCE = np.arange(K) % 3


def changes(seed=0):
    return np.random.default_rng(seed).normal(0.01, 0.02, K)


def compound(se, rho):
    return se**2 * ((1 - rho) * np.eye(K) + rho)


def test_of_a_column_of_ones_it_is_the_mean_over_checkpoints():
    y, s = changes(), compound(0.015, 0.3)
    found, mean = contrast(y, s, np.ones((K, 1)), [1]), population(y, s)
    for name in ("se", "df", "low", "high", "p"):
        assert getattr(found, name) == pytest.approx(getattr(mean, name)), name
    assert found.estimate == pytest.approx(mean.mean)


def test_without_shared_images_it_is_least_squares():
    from statsmodels.regression import linear_model as linear

    design = np.column_stack([np.ones(K), SIZE, SOURCE == 1, SOURCE == 2]).astype(float)
    theirs = linear.OLS(changes(), design).fit()
    for at in range(4):
        found = contrast(changes(), np.zeros((K, K)), design, np.eye(4)[at])
        assert (found.estimate, found.se, found.p) == pytest.approx(
            (theirs.params[at], theirs.bse[at], theirs.pvalues[at])
        )
        assert found.df == K - 4


def test_an_error_that_all_share_cancels_in_a_slope_and_not_in_a_mean():
    design = np.column_stack([np.ones(K), SIZE])
    alone, shared = (contrast(changes(), compound(0.015, rho), design, [0, 1]) for rho in (0.0, 0.6))
    assert shared.se == pytest.approx(alone.se)
    alone, shared = (contrast(changes(), compound(0.015, rho), design, [1, 0]) for rho in (0.0, 0.6))
    assert shared.se > 1.3 * alone.se


def test_errors_in_common_within_a_source_widen_the_difference_of_sources():
    alike = 0.02**2 * np.where(SOURCE[:, None] == SOURCE, 0.9, 0.0) + 0.02**2 * 0.1 * np.eye(K)
    design = np.column_stack([i == SOURCE for i in range(3)]).astype(float)
    first, plain = (contrast(changes(), s, design, [1, -0.5, -0.5]) for s in (alike, np.zeros((K, K))))
    assert first.se > plain.se
    assert first.df > plain.df


def test_what_could_be_found_is_larger_than_the_half_of_the_interval():
    found = contrast(changes(), compound(0.01, 0.1), np.column_stack([np.ones(K), SIZE]), [0, 1])
    assert (found.high - found.low) / 2 < found.detectable < 2 * (found.high - found.low)


@pytest.mark.parametrize(
    ("design", "y", "reason"),
    [
        (np.column_stack([np.ones(K), SIZE, SIZE]), changes(), CONFOUNDED),
        (np.column_stack([np.ones(K), np.eye(K)[:, :6]]), changes(), FEW),
        (np.column_stack([np.ones(K), SIZE]), 0.01 + 0.02 * SIZE, ALIKE),
    ],
)
def test_there_is_a_reason_where_nothing_is_tested(design, y, reason):
    found = contrast(y, np.zeros((K, K)), design, np.eye(design.shape[1])[1])
    assert found.reason == reason
    assert math.isnan(found.p)
    assert math.isnan(found.low)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="covariance"):
        contrast(changes(), np.zeros((2, 2)), np.ones((K, 1)), [1])
    with pytest.raises(ValueError, match="not finite"):
        contrast([math.nan] * K, np.zeros((K, K)), np.ones((K, 1)), [1])
