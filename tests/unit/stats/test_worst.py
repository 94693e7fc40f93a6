"""The worst classes are picked without the luck of the baseline."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qbench.stats.worst import change_of_worst, worst_first


def test_both_count_and_the_undetermined_are_left_out() -> None:
    order = worst_first([0.1, -0.5, np.nan, 0.2], [-0.6, 0.1, 0.9, 0.2])
    assert order.tolist() == [0, 1, 3]


def test_no_change_does_not_look_like_one() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(0, 0.05, (500, 40))
    before, after = (true + rng.normal(0, 0.05, true.shape) for _ in range(2))
    ours = np.mean([change_of_worst(b, a) for b, a in zip(before, after, strict=True)])
    by_baseline = [np.argsort(-np.abs(b))[:10] for b in before]
    theirs = np.mean([np.mean(np.abs(a[i]) - np.abs(b[i])) for b, a, i in zip(before, after, by_baseline, strict=True)])
    assert ours == pytest.approx(0, abs=0.003)
    assert theirs < -0.02


def test_no_class_no_change() -> None:
    assert math.isnan(change_of_worst([], []))
    assert math.isnan(change_of_worst([np.nan], [0.1]))
