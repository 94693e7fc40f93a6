"""Roots of many functions at a time: the same bits as scipy's."""

from __future__ import annotations

import numpy as np
from scipy.optimize import elementwise

from qbench.stats.roots import find_roots


def test_roots_are_those_of_scipy() -> None:
    a = np.random.default_rng(0).uniform(0, 30, 500)
    args = (a, np.repeat([1.0, 2.0, 3.0, 0.0], 125))

    def function(x: np.ndarray, a: np.ndarray, power: np.ndarray) -> np.ndarray:
        return np.sign(x) * np.abs(x) ** power - a

    low, high = np.full(500, -1.0), np.full(500, 20.0)
    roots, found = find_roots(function, low, high, args)
    wanted = elementwise.find_root(function, (low, high), args=args)
    assert np.array_equal(roots, wanted.x, equal_nan=True)
    assert found.tolist() == wanted.success.tolist()
    assert 0 < found.sum() < 500, "some have no root"


def test_what_is_not_a_number_has_no_root() -> None:
    roots, found = find_roots(lambda x, a: x - a, np.zeros(3), np.ones(3), (np.array([np.nan, 0.25, 7.0]),))
    assert found.tolist() == [False, True, False]
    assert roots[1] == 0.25
    assert np.isnan(roots[[0, 2]]).all()


def test_no_function_has_no_root() -> None:
    roots, found = find_roots(lambda x: x, np.empty(0), np.empty(0))
    assert len(roots) == len(found) == 0
