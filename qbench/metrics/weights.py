"""Weights of the items, and sums and shares under them: what every metric does with a resample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]
Booleans = npt.NDArray[np.bool_]


def item_weights(weights: npt.ArrayLike | None, n: int) -> Floats:
    """Weights as ``(b, n)`` float64; one row of ones where there are none.

    Parameters
    ----------
    weights : array_like or None
        ``(b, n)`` or ``(n,)``; a weight of 2 counts an item twice, 0 leaves it out.
    n : int
        Number of items.

    Raises
    ------
    ValueError
        Another shape, or a weight that is negative or not finite.
    """
    if weights is None:
        return np.ones((1, n))
    given = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if given.ndim != 2 or given.shape[1] != n:
        raise ValueError(f"weights have shape {given.shape}, not (b, {n})")
    if given.size and not (np.isfinite(given).all() and given.min() >= 0):
        raise ValueError("weights are to be finite and not negative")
    return given


def divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """Divide element by element; NaN (undetermined) where the denominator is 0, without a warning."""
    above, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def mean_of_known(values: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def cell_sums(weights: Floats, cell: Integers, cells: int) -> Floats:
    """Sum weights within the cells of a partition.

    Parameters
    ----------
    weights : numpy.ndarray
        ``(b, n)``.
    cell : numpy.ndarray
        ``(n,)`` int, the cell of each item; negative for an item in none.
    cells : int
        Number of cells.

    Returns
    -------
    numpy.ndarray
        ``(b, cells)``; 0 for a cell without an item.
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
    """Weighted share of the hits: ``(n,)`` bool and ``(b, n)`` weights → ``(b,)``; NaN where all weights are 0."""
    return divide(weights[:, hits].sum(axis=1), weights.sum(axis=1))
