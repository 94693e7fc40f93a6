"""What a rule limits: drops, biases that are better low, growth of signed biases, whose sign may not be known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qbench.gate.loss import losses_of
from tests.unit.gate.conftest import Study, bounds

Z = stats.norm.ppf(0.975)
PAIR = {"attribute": "age", "group": "older-young"}


def of(study: Study, metric: str, confidence: float = 0.95) -> tuple[float, float, float]:
    comparison = study.comparison()
    rows = comparison.effects[comparison.effects["metric"] == metric]
    losses = losses_of(rows)
    low, high = losses.interval(bounds, np.full(len(rows), confidence))
    return float(losses.found()[0]), float(low[0]), float(high[0])


def test_a_drop_is_minus_the_change(study: Study) -> None:
    study.effect("accuracy", -0.03, 0.01)
    assert of(study, "accuracy") == pytest.approx((0.03, 0.03 - Z * 0.01, 0.03 + Z * 0.01))


def test_a_bias_that_is_better_low_grows_by_its_change(study: Study) -> None:
    study.effect("max_skew@50", 0.03, 0.01, benchmark="fairface", attribute="race", before=0.4)
    assert of(study, "max_skew@50") == pytest.approx((0.03, 0.03 - Z * 0.01, 0.03 + Z * 0.01))


def test_students_t_is_used_where_there_are_degrees_of_freedom(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.01, df=4.0)
    assert of(study, "accuracy")[2] == pytest.approx(stats.t.ppf(0.975, 4) * 0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gap_whose_sign_is_clear_grows_in_its_own_direction(study: Study, sign: int) -> None:
    study.effect("disparity", sign * 0.03, 0.01, before=sign * 0.3, **PAIR, sum_se=0.03)
    assert of(study, "disparity") == pytest.approx((0.03, 0.03 - Z * 0.01, 0.03 + Z * 0.01))


@pytest.mark.parametrize("change", [0.03, -0.03])
def test_a_gap_whose_sign_is_not_clear_has_the_bounds_of_any_sign(study: Study, change: float) -> None:
    study.effect("disparity", change, 0.01, before=0.02, **PAIR, sum_se=0.03)
    _, low, high = of(study, "disparity")
    assert high == pytest.approx(0.03 + Z * 0.01)
    assert low == -high


def test_a_gap_whose_level_has_no_error_has_the_bounds_of_any_sign(study: Study) -> None:
    study.effect("disparity", 0.03, 0.01, before=0.9, **PAIR)
    _, low, high = of(study, "disparity")
    assert low == -high < 0


def test_a_gap_that_turned_grew_by_less_than_it_changed(study: Study) -> None:
    study.effect("disparity", 0.5, 0.01, before=-0.1, **PAIR, sum_se=0.01)
    found, low, high = of(study, "disparity")
    assert found == pytest.approx(0.3)
    assert low == pytest.approx(0.3 - 3 * 0.01)  # the least that |after + before| may be
    assert high >= found


@pytest.mark.parametrize(
    ("before", "error", "sign"), [(0.3, 0.15, 1), (-0.3, 0.15, -1), (0.3, 0.25, 0), (-0.3, 0.0, -1)]
)
def test_the_sign_of_a_skew_is_clear_beyond_three_of_the_standard_errors_in_the_table(
    study: Study, before: float, error: float, sign: int
) -> None:
    names = {"benchmark": "fairface", "attribute": "race", "group": "Black"}
    study.effect("skew@1000", 0.02, before=before, sum_se=error, **names)
    assert losses_of(study.comparison().effects).direction.tolist() == [sign]


@pytest.mark.parametrize("seed", range(5))
def test_growth_stays_within_its_bounds_as_often_as_it_should(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, replicates, true_before, true_after = 400, 4000, rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)
    level_error = np.sqrt(2 * 0.25 / n)
    shared = rng.normal(0, level_error * 0.9, replicates)  # before and after are of the same items
    before = true_before + shared + rng.normal(0, level_error * 0.3, replicates)
    after = true_after + shared + rng.normal(0, level_error * 0.3, replicates)
    se = level_error * 0.3 * np.sqrt(2)
    study = Study()
    study.cell("facet")
    study.effect("disparity", 0.0, se, **PAIR, sum_se=2 * level_error)
    row = study.rows[0]
    frame = pd.DataFrame([row] * replicates)
    frame = frame.assign(baseline_value=before, value=after, change=after - before)
    study.rows = frame.to_dict("records")
    comparison = study.comparison()
    low, high = losses_of(comparison.effects).interval(bounds, np.full(replicates, 0.95))
    grown = abs(true_after) - abs(true_before)
    error = 3 * np.sqrt(0.025 * 0.975 / replicates)
    assert (low > grown).mean() <= 0.025 + error
    assert (high < grown).mean() <= 0.025 + error
