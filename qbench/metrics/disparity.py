"""Recall disparity of two groups (Gustafson et al., FACET, ICCV 2023, section 5), in one class and over the classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Booleans, Floats, mean_of_known


def comparable(n_first: npt.NDArray[np.int64], n_second: npt.NDArray[np.int64], minimum: int) -> Booleans:
    """Which classes have at least `minimum` items in *both* groups, ``(classes,)`` bool.

    The counts are unweighted, so that every resample compares the same classes.
    """
    return (n_first >= minimum) & (n_second >= minimum)


def class_disparity(recall_first: Floats, recall_second: Floats, usable: Booleans) -> Floats:
    """Recall of the first group minus recall of the second, with its sign.

    Parameters
    ----------
    recall_first, recall_second : numpy.ndarray
        ``(b, classes)``.
    usable : numpy.ndarray
        ``(classes,)`` bool, see `comparable`.

    Returns
    -------
    numpy.ndarray
        ``(b, classes)`` from −1 to 1; NaN for a class that is not usable, or if a resample has no item of a group.
    """
    return np.where(usable, recall_first - recall_second, np.nan)


def mean_signed(disparity: Floats) -> Floats:
    """Mean over the classes with a known disparity, ``(b, classes)`` → ``(b,)``: opposite disparities cancel."""
    return mean_of_known(disparity)


def mean_absolute(disparity: Floats) -> Floats:
    """Mean absolute value over the classes with a known disparity: nothing cancels; noise alone makes it positive."""
    return mean_of_known(np.abs(disparity))


def worst(disparity: Floats) -> Floats:
    """The disparity with the largest absolute value, *with its sign*; of equal ones that of the first class.

    Returns
    -------
    numpy.ndarray
        ``(b,)``; NaN if no disparity is known.
    """
    if not disparity.shape[1]:
        return np.full(len(disparity), np.nan)
    size = np.where(np.isnan(disparity), -1.0, np.abs(disparity))
    return np.asarray(disparity[np.arange(len(disparity)), size.argmax(axis=1)], dtype=np.float64)
