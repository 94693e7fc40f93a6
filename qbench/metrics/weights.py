"""Weights of the items, and sums and shares under them. A resample of the items is a set of weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]
Booleans = npt.NDArray[np.bool_]


def item_weights(weights: npt.ArrayLike | None, n: int) -> Floats:
    """Weights as ``(b, n)`` float64, one row per set of weights; without weights one row of ones.

    Parameters
    ----------
    weights : array_like or None
        ``(b, n)`` or ``(n,)``. An item with weight 2 counts twice, and one with weight 0 is left out.
    n : int
        Number of items.

    Raises
    ------
    ValueError
        The shape is another one, or a weight is negative or not finite.

    Examples
    --------
    >>> item_weights(None, 3).tolist()
    [[1.0, 1.0, 1.0]]
    """
    if weights is None:
        return np.ones((1, n))
    given = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if given.ndim != 2 or given.shape[1] != n:
        raise ValueError(f"weights have shape {given.shape}, not (b, {n})")
    if given.size and not (np.isfinite(given).all() and given.min() >= 0):
        raise ValueError("weights have to be finite and not negative")
    return given


def divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """Divide element by element; NaN (undetermined), without a warning, where the denominator is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def mean_of_known(values: Floats) -> Floats:
    """Mean over the last axis of the values that are not NaN; NaN if there is none.

    Examples
    --------
    >>> mean_of_known(np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])).tolist()
    [2.0, nan]
    """
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def cell_sums(weights: Floats, cell: Integers, cells: int) -> Floats:
    """Sum weights within the cells of a partition.

    Parameters
    ----------
    weights : numpy.ndarray
        ``(b, n)``.
    cell : numpy.ndarray
        ``(n,)`` int, the cell of each item; an item with a negative one is left out.
    cells : int
        Number of cells.

    Returns
    -------
    numpy.ndarray
        ``(b, cells)``; 0 for a cell without items.
    """
    order = np.argsort(cell, kind="stable")
    order = order[cell[order] >= 0]
    sums = np.zeros((len(weights), cells))
    if len(order):
        codes = cell[order]
        starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
        sums[:, codes[starts]] = np.add.reduceat(weights[:, order], starts, axis=1)
    return sums


def weighted_share(hits: Booleans, weights: Floats) -> Floats:
    """Weighted share of the hits: ``(n,)`` bool and ``(b, n)`` weights → ``(b,)``; NaN where all weights are 0.

    Examples
    --------
    >>> weighted_share(np.array([True, False, True]), np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])).round(3).tolist()
    [0.667, 0.5]
    """
    return divide(weights[:, hits].sum(axis=1), weights.sum(axis=1))
