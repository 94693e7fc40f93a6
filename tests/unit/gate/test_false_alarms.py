"""Simulated runs in which nothing changed: how often the gate says that something did. A benchmark has many more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qbench.gate.holm import adjusted
from qbench.gate.loss import losses_of
from tests.unit.gate.conftest import Study, bounds

RUNS, ROWS = 300, 12
TOLERANCE = 3 * np.sqrt(0.025 * 0.975 / RUNS)


def answers(seed: int, loss: float, limit: float) -> tuple[float, float]:
    """Of each run (a family of its own) of unequal groups: how many have a row that fails, or passes."""
    rng, study = np.random.default_rng(seed), Study()
    study.effect("accuracy", 0.0)
    se = np.tile(0.01 / np.sqrt(1 + np.arange(ROWS)), RUNS)
    frame = pd.DataFrame(study.rows * (RUNS * ROWS)).assign(change=rng.normal(-loss, se), se=se)
    rows = losses_of(frame)
    runs, limits = np.repeat(np.arange(RUNS), ROWS), np.full(RUNS * ROWS, limit)
    low, high = adjusted(rows, limits, bounds, confidence=0.95, family=runs, holm=True)
    any_row = [float(x.reshape(RUNS, ROWS).any(axis=1).mean()) for x in (low > limits, high < limits)]
    return any_row[0], any_row[1]


@pytest.mark.parametrize("limit", [0.0, 0.01])
def test_a_run_without_an_effect_fails_in_at_most_five_per_cent(limit: float) -> None:
    assert answers(11, 0.0, limit)[0] <= 0.025 + TOLERANCE


def test_in_a_run_that_lost_the_limit_everywhere_anything_passes_or_fails_in_at_most_five_per_cent() -> None:
    failed, passed = answers(12, 0.02, 0.02)
    assert failed <= 0.025 + TOLERANCE
    assert passed <= 0.025 + TOLERANCE
    assert failed > 0  # the test could have seen it


def test_a_run_that_lost_far_more_fails() -> None:
    assert answers(13, 0.08, 0.02)[0] == 1
