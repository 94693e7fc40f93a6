"""Rank and margin of the correct candidates of each item, from scores with one row per item.

Of candidates with equal scores, the one with the lowest index ranks first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Floats, Integers

CHUNK_BYTES = 2**20
"""Scores that are looked at together. They are read several times, and so few stay in the processor's cache."""


class Places(NamedTuple):
    """Which candidate comes first for each of n items, and where the best correct one is.

    Attributes
    ----------
    first : numpy.ndarray
        ``(n,)`` int64, index of the candidate with the highest score.
    rank : numpy.ndarray
        ``(n,)`` int64, rank of the best correct candidate from 0; the item is a hit at k if it is below k.
    margin : numpy.ndarray
        ``(n,)``, score of the best correct candidate minus that of the best incorrect one; NaN if all are correct.
    runner_up_margin : numpy.ndarray
        ``(n,)``, the highest score minus the second highest, whichever is correct; NaN if there is one candidate.
    """

    first: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    margin: Floats
    runner_up_margin: Floats


def places(scores: Floats, row: Integers, column: Integers) -> Places:
    """Places of the candidates of each row.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(b, c)`` finite similarities.
    row, column : numpy.ndarray
        ``(p,)`` int, the correct candidates: candidate ``column[i]`` of item ``row[i]``. `row` is in ascending order.

    Raises
    ------
    ValueError
        A row has no correct candidate.

    Examples
    --------
    >>> found = places(np.array([[0.1, 0.9, 0.5]]), np.array([0, 0]), np.array([0, 2]))
    >>> found.first.tolist(), found.rank.tolist(), found.margin.round(3).tolist()
    ([1], [1], [-0.4])
    """
    count, candidates = scores.shape
    starts = np.searchsorted(row, np.arange(count + 1))
    if not np.diff(starts).all():
        raise ValueError("an item has no correct candidate")
    step = max(1, CHUNK_BYTES // (8 * max(1, candidates)))
    chunks = []
    for start in range(0, count, step):
        stop = min(count, start + step)
        pairs = slice(starts[start], starts[stop])
        chunks.append(_places(np.array(scores[start:stop], dtype=np.float64), row[pairs] - start, column[pairs]))
    return joined(chunks)


def joined(chunks: Iterable[Places]) -> Places:
    """The places of all items, from those of consecutive ones."""
    none = Places(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
    every = [none, *chunks]
    return Places(
        first=np.concatenate([chunk.first for chunk in every]),
        rank=np.concatenate([chunk.rank for chunk in every]),
        margin=np.concatenate([chunk.margin for chunk in every]),
        runner_up_margin=np.concatenate([chunk.runner_up_margin for chunk in every]),
    )


def _places(scores: Floats, row: Integers, column: Integers) -> Places:
    """Places of a few rows; changes `scores`."""
    rows = np.arange(len(scores))
    starts = np.searchsorted(row, rows)
    own = scores[row, column]
    best = np.maximum.reduceat(own, starts)
    best_own = np.minimum.reduceat(np.where(own == best[row], column, scores.shape[1]), starts)
    first = scores.argmax(axis=1)
    top = scores[rows, first]
    rank = _rank(scores, first, best, best_own)
    scores[rows, first] = -np.inf
    lead = _minus(top, scores.max(axis=1))
    scores[row, column] = -np.inf
    wrong = np.where(first == best_own, scores.max(axis=1), top)
    return Places(first, rank, _minus(best, wrong), lead)


def _rank(scores: Floats, first: Integers, best: Floats, best_own: Integers) -> npt.NDArray[np.int64]:
    """How many candidates come before the best correct one, counted where it is not the first."""
    rank = np.zeros(len(scores), dtype=np.int64)
    rows = np.flatnonzero(first != best_own)
    behind, limit = scores[rows], best[rows, None]
    before = behind > limit
    before |= (behind == limit) & (np.arange(scores.shape[1]) < best_own[rows, None])
    rank[rows] = np.count_nonzero(before, axis=1)
    return rank


def _minus(score: Floats, other: Floats) -> Floats:
    """The difference; NaN where there is no other candidate."""
    return np.where(np.isfinite(other), score - np.where(np.isfinite(other), other, 0.0), np.nan)
