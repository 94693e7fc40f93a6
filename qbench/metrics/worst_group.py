"""The group that is served worst, of any number of groups (Sagawa et al., ICLR 2020, section 2: worst-group accuracy).

Where a disparity compares two groups that were named before, these find the lowest of all. The lowest of many noisy
shares is low by selection: groups with few items are left out, and n is to be read beside the number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Floats, divide


def worst_group(shares: Floats, n: npt.NDArray[np.int64], minimum: int) -> tuple[Floats, Floats, int]:
    """Find the lowest share, and its ratio to the highest.

    Parameters
    ----------
    shares : numpy.ndarray
        ``(b, groups)``, 0 to 1; NaN where a resample left a group empty.
    n : numpy.ndarray
        ``(groups,)`` int64, the items of each group, unweighted.
    minimum : int
        Fewest items of a group that takes part.

    Returns
    -------
    lowest, ratio : numpy.ndarray
        ``(b,)``: the lowest share, and lowest / highest (1 is equal service, 0 a group that is never right). NaN where
        fewer than two groups take part; the ratio also where the highest is 0.
    count : int
        The groups that take part.
    """
    usable = n >= minimum
    count = int(usable.sum())
    some = shares[:, usable]
    undetermined = np.isnan(some).all(axis=1) if count >= 2 else np.ones(len(shares), dtype=bool)
    lowest = np.where(np.isnan(some), np.inf, some).min(axis=1, initial=np.inf)
    highest = np.where(np.isnan(some), -np.inf, some).max(axis=1, initial=-np.inf)
    lowest, highest = (np.where(undetermined, np.nan, values) for values in (lowest, highest))
    return lowest, divide(lowest, highest), count
