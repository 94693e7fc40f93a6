"""Worst-group accuracy: the lowest share over any number of groups (Sagawa et al., ICLR 2020, section 2).

A disparity compares two groups that were chosen beforehand; `worst_group` looks for the lowest of all groups. The
lowest of many noisy shares is low by selection, so groups with few items are left out, and n has to be read beside the
number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Floats, divide


def worst_group(shares: Floats, n: npt.NDArray[np.int64], minimum: int) -> tuple[Floats, Floats, int]:
    """The lowest share of all groups, and its ratio to the highest.

    Parameters
    ----------
    shares : numpy.ndarray
        ``(b, groups)``, from 0 to 1; NaN for a group without items in a resample.
    n : numpy.ndarray
        ``(groups,)`` int64, the number of items of each group, unweighted.
    minimum : int
        A group takes part if it has at least so many items.

    Returns
    -------
    lowest, ratio : numpy.ndarray
        ``(b,)``: the lowest share, and the lowest divided by the highest (1: all groups are equal; 0: a group has no
        correct item). NaN if fewer than two groups take part; the ratio also if the highest share is 0.
    count : int
        Number of groups that take part.

    Examples
    --------
    >>> lowest, ratio, count = worst_group(np.array([[0.8, 0.4, 0.1]]), np.array([50, 50, 2]), minimum=10)
    >>> lowest.tolist(), ratio.tolist(), count
    ([0.4], [0.5], 2)
    """
    usable = n >= minimum
    count = int(usable.sum())
    some = shares[:, usable]
    undetermined = np.isnan(some).all(axis=1) if count >= 2 else np.ones(len(shares), dtype=bool)
    lowest = np.where(np.isnan(some), np.inf, some).min(axis=1, initial=np.inf)
    highest = np.where(np.isnan(some), -np.inf, some).max(axis=1, initial=-np.inf)
    lowest, highest = (np.where(undetermined, np.nan, values) for values in (lowest, highest))
    return lowest, divide(lowest, highest), count
