"""Roots of many increasing or decreasing functions at a time, by Chandrupatla's method.

`scipy.optimize.elementwise.find_root` gives the same numbers, bit for bit. It works on any kind of array, which takes
most of the time where functions are cheap, and its import takes as long as that of all of numpy; every report needs the
bounds of a gate.

References
----------
T. R. Chandrupatla, A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function without
using derivatives, Advances in Engineering Software 28 (1997) 145-149.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
TINY = float(np.finfo(np.float64).smallest_normal)
EPSILON = float(np.finfo(np.float64).eps)
MOST_STEPS = 2046
"""As many bisections as lead from the largest to the smallest float."""


def find_roots(
    function: Callable[..., Floats], low: Floats, high: Floats, args: Sequence[Floats] = ()
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Find where each element of a function is zero, to the precision of a float.

    Parameters
    ----------
    function : callable
        ``function(x, *args)``, elementwise: it is called with ever fewer elements.
    low, high : numpy.ndarray
        ``(n,)`` float64: between these the sign changes.
    args : sequence of numpy.ndarray
        ``(n,)`` each: further arguments.

    Returns
    -------
    roots : numpy.ndarray
        ``(n,)`` float64; NaN where the sign does not change.
    found : numpy.ndarray
        ``(n,)`` bool: whether there is a root.

    Examples
    --------
    >>> roots, found = find_roots(lambda x, a: x * x - a, np.zeros(2), np.full(2, 5.0), (np.array([4.0, 36.0]),))
    >>> roots.round(9).tolist(), found.tolist()
    ([2.0, nan], [True, False])
    """
    roots, found = np.full(len(low), np.nan), np.zeros(len(low), dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):  # of steps that are not taken
        at, x1, x2 = np.arange(len(low)), low, high
        f1, f2 = function(x1, *args), function(x2, *args)
        x3, f3 = x2, f2
        for _ in range(MOST_STEPS):
            best = np.where(np.abs(f1) < np.abs(f2), x1, x2)
            width, precision = np.abs(x2 - x1), np.abs(best) * (4 * EPSILON) + 4 * TINY
            reached = np.minimum(np.abs(f1), np.abs(f2)) <= TINY
            none = ~reached & ((np.sign(f1) == np.sign(f2)) | ~np.isfinite(width) | (np.isnan(f1) & np.isnan(f2)))
            stop = reached | none | (width < precision)
            if stop.any():
                roots[at[stop]], found[at[stop]] = np.where(none, np.nan, best)[stop], ~none[stop]
                go = ~stop
                at, x1, x2, x3, f1, f2, f3, width, precision, *args = (
                    x[go] for x in (at, x1, x2, x3, f1, f2, f3, width, precision, *args)
                )
            if not len(at):
                break
            least = 0.5 * precision / width
            x = x1 + np.clip(_step(x1, x2, x3, f1, f2, f3), least, 1 - least) * (x2 - x1)
            f = function(x, *args)
            same = np.sign(f) == np.sign(f1)
            x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
            x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
            x1, f1 = x, f
    return roots, found


def _step(x1: Floats, x2: Floats, x3: Floats, f1: Floats, f2: Floats, f3: Floats) -> Floats:
    """The next point, as a share of the way between the first two: by a parabola where that is safe, else half."""
    xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
    parabola = f1 / (f1 - f2) * f3 / (f3 - f2) - (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f2 - f3)
    return np.where((1 - np.sqrt(1 - xi) < phi) & (phi < np.sqrt(xi)), parabola, 0.5)
