"""Roots of many increasing or decreasing functions at a time, by scipy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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
    if not len(low):
        return np.empty(0), np.empty(0, dtype=np.bool_)
    from scipy.optimize import elementwise  # its import takes as long as that of all of numpy

    with np.errstate(divide="ignore", invalid="ignore"):  # of steps that scipy does not take
        found = elementwise.find_root(function, (low, high), args=tuple(args))
    return np.where(found.success, found.x, np.nan), found.success
