"""Recall disparity of two groups (Gustafson et al., FACET, ICCV 2023, section 5): by class, and over classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Booleans, Floats, mean_of_known


def comparable(n_first: npt.NDArray[np.int64], n_second: npt.NDArray[np.int64], minimum: int) -> Booleans:
    """Which classes have at least `minimum` items in *both* groups, ``(classes,)`` bool. Counts are unweighted, so
    that a resample never changes which classes are compared."""
    return (n_first >= minimum) & (n_second >= minimum)


def class_disparity(recall_first: Floats, recall_second: Floats, usable: Booleans) -> Floats:
    """Recall of the first group minus recall of the second, sign kept.

    Parameters
    ----------
    recall_first, recall_second : numpy.ndarray
        ``(b, classes)``.
    usable : numpy.ndarray
        ``(classes,)`` bool, see `comparable`.

    Returns
    -------
    numpy.ndarray
        ``(b, classes)`` in −1…1; NaN where the class is not usable, or a resample left one of its groups empty.
    """
    return np.where(usable, recall_first - recall_second, np.nan)


def mean_signed(disparity: Floats) -> Floats:
    """Mean over the classes that are known, ``(b, classes)`` → ``(b,)``: opposite disparities cancel."""
    return mean_of_known(disparity)


def mean_absolute(disparity: Floats) -> Floats:
    """Mean absolute value over the classes that are known: nothing cancels; noise alone makes it positive."""
    return mean_of_known(np.abs(disparity))


def worst(disparity: Floats) -> Floats:
    """Find the disparity that is largest in absolute value, *with its sign*; of equal ones the first class's.

    Returns
    -------
    numpy.ndarray
        ``(b,)``; NaN where no class is known.
    """
    if not disparity.shape[1]:
        return np.full(len(disparity), np.nan)
    size = np.where(np.isnan(disparity), -1.0, np.abs(disparity))
    return np.asarray(disparity[np.arange(len(disparity)), size.argmax(axis=1)], dtype=np.float64)
