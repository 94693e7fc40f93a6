"""Roots of many functions at a time."""

from __future__ import annotations

import numpy as np

from qbench.stats.roots import find_roots


def test_each_element_has_its_own_root() -> None:
    a = np.random.default_rng(0).uniform(0, 30, 500)
    roots, found = find_roots(lambda x, a: x**3 - a, np.full(500, -1.0), np.full(500, 3.0), (a,))
    assert (found == (a < 27)).all()
    assert 0 < found.sum() < 500, "some have no root"
    assert np.allclose(roots[found], np.cbrt(a[found]), rtol=1e-14)
    assert np.isnan(roots[~found]).all()


def test_what_is_not_a_number_has_no_root() -> None:
    roots, found = find_roots(lambda x, a: x - a, np.zeros(3), np.ones(3), (np.array([np.nan, 0.25, 7.0]),))
    assert found.tolist() == [False, True, False]
    assert roots[1] == 0.25
    assert np.isnan(roots[[0, 2]]).all()


def test_no_function_has_no_root() -> None:
    roots, found = find_roots(lambda x: x, np.empty(0), np.empty(0))
    assert len(roots) == len(found) == 0
