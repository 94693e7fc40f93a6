"""From raw columns to one group an item: flags, votes, numbers in bins. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

NONE, SEVERAL = "na", "several"
"""What an item without a flag or a vote is, and one with more than one flag. Neither can be compared."""


def flagged_group(flags: npt.NDArray[np.int64], values: Sequence[str]) -> list[str]:
    """The one value whose flag is set: ``(n, len(values))`` of 0 and 1 → n values; ``na`` for none, ``several``."""
    count = flags.sum(axis=1)
    first = np.asarray(values, dtype=object)[flags.argmax(axis=1)]
    return [str(x) for x in np.where(count == 0, NONE, np.where(count > 1, SEVERAL, first))]


def mean_vote(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Mean of the values 1, 2, …, by the counts of votes for each: ``(n, values)`` → ``(n,)``; NaN without a vote."""
    total = votes.sum(axis=1)
    mean = (votes @ np.arange(1, votes.shape[1] + 1)) / np.maximum(total, 1)
    return np.where(total > 0, mean, np.nan)


def binned_group(numbers: npt.NDArray[np.float64], bins: Mapping[str, tuple[float, float]]) -> list[str]:
    """The bin of each number, ``low <= number < high``; the empty text for one in none of them, NaN included."""
    found = np.full(len(numbers), "", dtype=object)
    for name, (low, high) in bins.items():
        found[(numbers >= low) & (numbers < high)] = name
    return [str(x) for x in found]
