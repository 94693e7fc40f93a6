"""Simulated variants in which nothing changed: how often the gate says so all the same. A benchmark has more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qbench.gate.holm import TREE, proven_losses
from qbench.gate.loss import losses_of
from tests.unit.gate.conftest import Study, bounds

RUNS, ROWS = 300, 12
TOLERANCE = 3 * np.sqrt(0.025 * 0.975 / RUNS)


def answers(seed: int, loss: float, limit: float) -> tuple[float, float]:
    """Of each variant (a family of its own) of unequal groups: how many have a row that fails, and how many pass."""
    rng, study = np.random.default_rng(seed), Study()
    study.effect("accuracy", 0.0)
    se = np.tile(0.01 / np.sqrt(1 + np.arange(ROWS)), RUNS)
    frame = pd.DataFrame(study.rows * (RUNS * ROWS)).assign(change=rng.normal(-loss, se), se=se)
    rows = losses_of(frame)
    runs, limits = np.repeat(np.arange(RUNS), ROWS), np.full(RUNS * ROWS, limit)
    names = pd.DataFrame(
        {**dict.fromkeys(TREE, ""), "group": np.tile(np.arange(ROWS), RUNS), "family": runs, "weight": 1.0}
    )
    proven = proven_losses(rows, limits, bounds, confidence=0.95, names=names, holm=True)
    within = rows.interval(bounds, np.full(len(frame), 0.95))[1] < limits
    fails, passes = (x.reshape(RUNS, ROWS) for x in (proven > limits, within))
    return float(fails.any(axis=1).mean()), float(passes.all(axis=1).mean())


@pytest.mark.parametrize("limit", [0.0, 0.01])
def test_a_run_without_an_effect_fails_in_at_most_five_per_cent(limit: float) -> None:
    assert answers(11, 0.0, limit)[0] <= 0.025 + TOLERANCE


def test_a_variant_that_lost_the_limit_everywhere_fails_or_passes_in_at_most_two_and_a_half_per_cent() -> None:
    failed, passed = answers(12, 0.02, 0.02)
    assert failed <= 0.025 + TOLERANCE
    assert passed <= 0.025 + TOLERANCE
    assert failed > 0  # the test could have seen it


def test_a_run_that_lost_far_more_fails() -> None:
    assert answers(13, 0.08, 0.02)[0] == 1
