"""Permutation tests: against all arrangements by brute force, and the nulls they are about."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest

from qbench.stats.permutation import group_permutation, group_permutation_images, swap_absolute


def _brute(gain1: int, loss1: int, n1: int, gain2: int, loss2: int, n2: int) -> float:
    x = np.repeat([1.0, -1, 0, 1, -1, 0], [gain1, loss1, n1 - gain1 - loss1, gain2, loss2, n2 - gain2 - loss2])

    def size(chosen: tuple[int, ...]) -> float:
        first = np.isin(np.arange(n1 + n2), chosen)
        a, b = x[first], x[~first]
        variance = a.var(ddof=1) / n1 + b.var(ddof=1) / n2
        difference = abs(a.mean() - b.mean())
        return difference / math.sqrt(variance) if variance > 1e-12 else (math.inf if difference > 1e-12 else 0)

    sizes = np.array([size(c) for c in combinations(range(n1 + n2), n1)])
    mine = sizes[0]
    tie = np.isclose(sizes, mine) if math.isfinite(mine) else np.isinf(sizes)
    return float(((sizes > mine) & ~tie).mean() + tie.mean() / 2)


@pytest.mark.parametrize("counts", [(2, 0, 5, 0, 1, 7), (1, 1, 4, 0, 2, 7), (3, 0, 3, 0, 0, 9), (0, 1, 6, 2, 0, 6)])
def test_exact_from_counts(counts: tuple[int, ...]) -> None:
    assert group_permutation(*counts) == pytest.approx(_brute(*counts))


def test_large_counts_agree_with_the_normal_approximation() -> None:
    p = float(group_permutation(300, 380, 20_000, 150, 140, 10_000))
    d = (300 - 380) / 20_000 - 10 / 10_000
    se = math.sqrt((680 / 20_000 - 0.004**2) / 20_000 + (290 / 10_000 - 0.001**2) / 10_000)
    assert p == pytest.approx(math.erfc(abs(d) / se / math.sqrt(2)), rel=0.02)


def test_a_p_too_small_for_a_float_is_not_zero() -> None:
    assert 0 < group_permutation(3000, 0, 5000, 0, 3000, 5000) < 1e-300


def test_degenerate_counts() -> None:
    p = group_permutation([0, 0, 5, 1], [0, 0, 0, 0], [0, 9, 5, 1], [0, 0, 7, 0], [0, 0, 0, 0], [9, 9, 7, 1])
    assert np.isnan(p[0])
    assert p[1:].tolist() == [
        1.0,
        1.0,
        0.5,
    ]  # nothing flipped; all flipped alike; one item each: two arrangements alike
    assert len(group_permutation([], [], [], [], [], [])) == 0


def test_one_person_a_image_is_the_exact_test_by_random_draws() -> None:
    rng = np.random.default_rng(3)
    x, first = rng.choice([-1, 0, 1], 300, p=[0.06, 0.9, 0.04]), rng.random(300) < 0.6
    counts = [int(v) for m in (first, ~first) for v in ((x[m] > 0).sum(), (x[m] < 0).sum(), m.sum())]
    drawn = group_permutation_images(x, first, np.arange(300), draws=8000)
    exact = float(group_permutation(*counts))
    assert exact - 0.02 < drawn.p < exact + 0.05  # ties count half in the exact one, whole in the other


def test_persons_who_flip_together_are_weaker_evidence() -> None:
    x = np.r_[np.ones(32), np.zeros(368)]
    first = np.arange(400) < 200
    alone = group_permutation_images(x, first, np.arange(400))
    together = group_permutation_images(x, first, np.arange(400) // 4)
    assert alone.p < together.p
    assert abs(together.statistic) < abs(alone.statistic)
    assert abs(alone.statistic) == pytest.approx(0.16 / math.sqrt(0.16 * 0.84 / 199), rel=1e-6)


def test_images_without_one_of_the_groups_say_why() -> None:
    found = group_permutation_images([1, 0], [True, True], [0, 1])
    assert math.isnan(found.p)
    assert found.reason == "a group has no item"
    assert group_permutation_images([0, 0, 0], [True, False, True], [0, 0, 1]).p == 1


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
