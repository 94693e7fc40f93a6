"""The permutation test that swaps before and after in whole images: against all arrangements by brute force."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from qbench.statistics.settings import MOST_DRAWS, Settings
from qbench.stats.permutation import swap_absolute


def _change(f: np.ndarray, q: np.ndarray, label: np.ndarray, side: np.ndarray) -> float:
    def size(x: np.ndarray) -> list[float]:
        return [abs(x[(label == c) & (side > 0)].mean() - x[(label == c) & (side < 0)].mean()) for c in (0, 1)]

    return float(np.mean(np.subtract(size(q), size(f))))


def test_swapping_is_of_whole_images_and_of_all_arrangements() -> None:
    rng = np.random.default_rng(4)
    label, side, image = rng.integers(0, 2, 24), np.tile([1, -1], 12), np.repeat(np.arange(8), 3)
    f, q = rng.integers(0, 2, 24).astype(float), rng.integers(0, 2, 24).astype(float)
    seen = _change(f, q, label, side)
    all_of = []
    for bits in product([False, True], repeat=8):
        swap = np.array(bits)[image]
        all_of.append(_change(np.where(swap, q, f), np.where(swap, f, q), label, side))
    wanted = np.mean(np.abs(all_of) >= abs(seen) - 1e-12)
    found = swap_absolute(f, q, label, side, image, draws=20_000)
    assert found.statistic == pytest.approx(seen)
    assert found.p == pytest.approx(wanted, abs=0.015)


def test_swapping_without_classes_or_flips() -> None:
    ones = np.ones(4)
    assert swap_absolute(ones, ones, [0, 0, 1, 1], [1, -1, 1, -1], np.arange(4)).p == 1
    none = swap_absolute(ones, ones, [0, 0, 1, 1], [1, 1, -1, 0], np.arange(4))
    assert (none.reason, math.isnan(none.p)) == ("no class has items of both groups", True)
    assert swap_absolute([], [], [], [], []).reason


def test_the_same_seed_gives_the_same_p() -> None:
    rng = np.random.default_rng(6)
    f, q = rng.integers(0, 2, (2, 200)).astype(float)
    arguments = (f, q, rng.integers(0, 5, 200), rng.choice([-1, 1], 200), np.arange(200))
    assert swap_absolute(*arguments, seed=1).p == swap_absolute(*arguments, seed=1).p


def strong(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Ten classes whose disparity is zero before and large after."""
    label, side = np.repeat(np.arange(10), 60), np.tile([1, -1], 300)
    before = (rng.random(600) < 0.9).astype(float)
    after = np.where((side < 0) & (rng.random(600) < 0.4), 0.0, before)
    return before, after, label, side, np.arange(600)


def test_a_small_p_is_refined_until_it_can_be_significant_in_its_family() -> None:
    data = strong(np.random.default_rng(0))
    family = 100
    first = swap_absolute(*data, draws=1999).p
    assert first * family >= 0.05
    assert swap_absolute(*data, draws=1999, most=Settings().draws_for(family)).p * family < 0.05


def test_a_p_that_is_not_small_is_not_refined() -> None:
    rng = np.random.default_rng(1)
    f, q = rng.integers(0, 2, (2, 200)).astype(float)
    arguments = (f, q, rng.integers(0, 5, 200), rng.choice([-1, 1], 200), np.arange(200))
    assert swap_absolute(*arguments, draws=199, most=10**9).p == swap_absolute(*arguments, draws=199).p


def test_draws_are_bounded_whatever_the_family() -> None:
    assert Settings().draws_for(10**7) == MOST_DRAWS
    assert Settings(resamples=5000).draws_for(1) == 5000
