"""Sign-flip and Wilcoxon on many rows: the same as scipy row by row, exact where they can be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from qbench.stats.symmetric import EXACT, FEWEST, sign_flip, wilcoxon


@pytest.mark.parametrize("n", [FEWEST, 9, EXACT])
def test_sign_flip_looks_at_all_arrangements(n: int) -> None:
    d = np.random.default_rng(n).normal(0.5, 1, (4, n))
    wanted = [
        stats.permutation_test(
            (row,), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=np.inf
        ).pvalue
        for row in d
    ]
    assert sign_flip(d) == pytest.approx(wanted)


def test_many_differences_are_flipped_at_random() -> None:
    d = np.random.default_rng(1).normal(0.2, 1, (20, 100))
    assert sign_flip(d) == pytest.approx(stats.ttest_1samp(d, 0, axis=1).pvalue, abs=0.03)
    assert sign_flip(d + 5).min() == pytest.approx(1 / 5000)
    assert sign_flip(d).tolist() == sign_flip(d).tolist()


def test_rows_are_told_apart() -> None:
    d = np.array([[1.0] * 6, [1.0, -1.0] * 3, [1.0, 2, 3, 4, 5, -6]])
    assert sign_flip(d)[:2] == pytest.approx([2 / 64, 1])
    assert sign_flip(1e-300 * d) == pytest.approx(sign_flip(d))


@pytest.mark.parametrize("n", [6, 9, 30, 80])
def test_wilcoxon_is_scipy_s(n: int) -> None:
    d = np.random.default_rng(n).normal(0.3, 1, (5, n))
    assert wilcoxon(d) == pytest.approx([stats.wilcoxon(row).pvalue for row in d])


def test_wilcoxon_with_ties_and_zeros() -> None:
    d = np.random.default_rng(3).integers(-2, 5, (6, 10)).astype(float)
    wanted = [stats.wilcoxon(row[row != 0], method=stats.PermutationMethod()).pvalue for row in d]
    assert wilcoxon(d) == pytest.approx(wanted)
    long = np.random.default_rng(3).integers(-2, 5, (3, 60)).astype(float)
    assert wilcoxon(long) == pytest.approx([stats.wilcoxon(row, method="asymptotic").pvalue for row in long])


@pytest.mark.parametrize("function", [sign_flip, wilcoxon])
def test_fewer_than_six_that_differ_are_undetermined(function) -> None:
    assert np.isnan(function(np.ones((2, 5)))).all()
    assert np.isnan(function(np.array([[1.0, 2, 3, 4, 5, 0, 0]]))).all()
    assert len(function(np.empty((0, 8)))) == 0
    assert np.isnan(function(np.empty((1, 0)))).all()
