"""The permutation of groups that the calibration shows: against all arrangements by brute force."""

from __future__ import annotations

import importlib.util
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[3] / "benchmarks" / "calibrate" / "group_permutation.py"
SPEC = importlib.util.spec_from_file_location("group_permutation", FILE)
assert SPEC is not None and SPEC.loader is not None  # noqa: PT018 - for the type checker
module = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(module)
group_permutation = module.group_permutation


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
