"""Holm's method by inverting bounds: against its definition, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from qbench.gate.holm import adjusted, holm_levels, one_sided_p
from qbench.gate.loss import losses_of
from qbench.stats.tango import tango_p
from tests.unit.gate.conftest import Study, bounds


def losses(changes: list[float], se: float = 0.01, df: float = np.inf) -> tuple[Study, np.ndarray]:
    study = Study()
    for at, change in enumerate(changes):
        study.effect("accuracy", change, se, group=f"g{at}", attribute="age", df=df)
    return study, np.full(len(changes), 0.02)


@pytest.mark.parametrize("df", [np.inf, 6.0])
def test_a_p_by_inversion_is_that_of_the_one_sided_test(df: float) -> None:
    changes = [-0.06, -0.03, -0.021, -0.01, 0.0, 0.02]
    study, limit = losses(changes, df=df)
    rows = losses_of(study.comparison().effects)
    t = (-np.array(changes) - limit) / 0.01
    test = stats.norm if np.isinf(df) else stats.t(df)
    beyond, within = (one_sided_p(rows, limit, bounds, side) for side in ("beyond", "within"))
    assert beyond == pytest.approx(np.where(t > 0, test.sf(t), 1.0), rel=1e-5)
    assert within == pytest.approx(np.where(t < 0, test.cdf(t), 1.0), rel=1e-5)


def test_what_has_no_bounds_has_no_p() -> None:
    study, limit = losses([-0.06, -0.03], se=np.nan)
    assert np.isnan(one_sided_p(losses_of(study.comparison().effects), limit, bounds, "within")).all()


def reference(p: np.ndarray, alpha: float) -> np.ndarray:
    """Holm's method as the paper has it, one step after another."""
    rejected = np.zeros(len(p), dtype=bool)
    order = [i for i in np.argsort(p, kind="stable") if np.isfinite(p[i])]
    for step, i in enumerate(order):
        if p[i] > alpha / (len(order) - step):
            break
        rejected[i] = True
    return rejected


@pytest.mark.parametrize("seed", range(20))
def test_levels_reject_what_holms_method_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.3, 3, size=rng.integers(1, 30))
    p[rng.random(len(p)) < 0.1] = np.nan
    levels = holm_levels(p, 0.05)
    with np.errstate(invalid="ignore"):
        assert ((p <= levels) == reference(p, 0.05)).all()
    assert (np.isnan(levels) == np.isnan(p)).all()
    assert levels[np.isfinite(p)] == pytest.approx(np.clip(levels[np.isfinite(p)], 0.05 / len(p), 0.05))


def test_one_row_alone_has_the_plain_interval() -> None:
    study, limit = losses([-0.03])
    rows = losses_of(study.comparison().effects)
    low, high = adjusted(rows, limit, bounds, confidence=0.95, family=np.zeros(1, dtype=np.int64), holm=True)
    z = stats.norm.ppf(0.975)
    assert (low[0], high[0]) == pytest.approx((0.03 - z * 0.01, 0.03 + z * 0.01))


@pytest.mark.parametrize("seed", range(10))
def test_adjusted_bounds_clear_the_limit_exactly_where_holm_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    study, limit = losses(list(-0.02 + rng.normal(0, 0.03, 12)))
    rows = losses_of(study.comparison().effects)
    low, high = adjusted(rows, limit, bounds, confidence=0.95, family=np.zeros(12, dtype=np.int64), holm=True)
    assert ((low > limit) == reference(one_sided_p(rows, limit, bounds, "beyond"), 0.025)).all()
    assert ((high < limit) == reference(one_sided_p(rows, limit, bounds, "within"), 0.025)).all()
    plain = adjusted(rows, limit, bounds, confidence=0.95, family=np.zeros(12, dtype=np.int64), holm=False)
    assert (low <= plain[0] + 1e-12).all()
    assert (high >= plain[1] - 1e-12).all()


def test_families_are_adjusted_apart() -> None:
    study, limit = losses([-0.045] * 10)
    rows = losses_of(study.comparison().effects)
    family = np.array([0] * 9 + [1])
    low, _ = adjusted(rows, limit, bounds, confidence=0.95, family=family, holm=True)
    assert low[9] == pytest.approx(0.045 - stats.norm.ppf(0.975) * 0.01)
    assert low[0] == pytest.approx(0.045 + stats.norm.ppf(0.025 / 9) * 0.01)


def test_intervals_of_counts_are_inverted_too() -> None:
    study = Study()
    counts = {"gain1": 3, "loss1": 40, "n1": 1000, "deff1": 1.0}
    study.effect("accuracy", -0.037, method="tango", **counts)
    second = {"gain2": 2, "loss2": 1, "n2": 400, "deff2": 1.0, "rho": 0.0}
    study.effect(
        "disparity", -0.0395, method="mover", attribute="age", group="a-b", before=-0.4, sum_se=0.01, **counts, **second
    )
    rows, limit = losses_of(study.comparison().effects), np.full(2, 0.02)
    p = one_sided_p(rows, limit, bounds, "beyond")
    low, _ = rows.interval(bounds, 1 - 2 * p)
    assert low == pytest.approx(limit, abs=1e-7)
    _, score = tango_p(3, 40, 1000, -0.02)
    assert p[0] == pytest.approx(1 - score, rel=1e-5)
