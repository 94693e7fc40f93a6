"""From raw columns to one group an item: flags, votes, numbers in bins. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

NONE, SEVERAL = "na", "several"
"""The group of an item without any flag or vote, and that of an item with several flags. Neither is compared."""


def flagged_group(flags: npt.NDArray[np.int64], values: Sequence[str]) -> list[str]:
    """The group of each item from 0/1 columns.

    Parameters
    ----------
    flags : numpy.ndarray
        ``(n, len(values))`` of 0 and 1.
    values : sequence of str
        The group of each column.

    Returns
    -------
    list of str
        ``n`` groups: ``na`` for an item without a flag, ``several`` for one with more than one flag.

    Examples
    --------
    >>> flagged_group(np.array([[1, 0], [0, 1], [0, 0], [1, 1]]), ["day", "night"])
    ['day', 'night', 'na', 'several']
    """
    count = flags.sum(axis=1)
    first = np.asarray(values, dtype=object)[flags.argmax(axis=1)]
    return [str(x) for x in np.where(count == 0, NONE, np.where(count > 1, SEVERAL, first))]


def mean_vote(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The mean of votes for the values 1, 2, 3, … from the number of votes for each; NaN without a vote.

    Parameters
    ----------
    votes : numpy.ndarray
        ``(n, values)`` int, the number of votes.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` float64.

    Examples
    --------
    >>> mean_vote(np.array([[1, 3, 0], [0, 0, 0]])).tolist()
    [1.75, nan]
    """
    total = votes.sum(axis=1)
    mean = (votes @ np.arange(1, votes.shape[1] + 1)) / np.maximum(total, 1)
    return np.where(total > 0, mean, np.nan)


def binned_group(numbers: npt.NDArray[np.float64], bins: Mapping[str, tuple[float, float]]) -> list[str]:
    """The bin of each number, ``low <= number < high``; the empty text for NaN and for a number in no bin.

    Examples
    --------
    >>> binned_group(np.array([3.0, 50.0, np.nan]), {"young": (0, 18), "old": (60, 120)})
    ['young', '', '']
    """
    found = np.full(len(numbers), "", dtype=object)
    for name, (low, high) in bins.items():
        found[(numbers >= low) & (numbers < high)] = name
    return [str(x) for x in found]
