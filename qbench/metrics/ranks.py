"""Rank and margin of the correct candidates of each item, from scores with one row per item.

Of candidates with equal scores, the one with the lowest index ranks first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Booleans, Floats


def best_own_rank(scores: Floats, own: Booleans) -> npt.NDArray[np.int64]:
    """Rank of the best correct candidate of each row, from 0.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(b, c)`` similarities.
    own : numpy.ndarray
        ``(b, c)`` bool, which candidates are correct.

    Returns
    -------
    numpy.ndarray
        ``(b,)`` int64; a row is a hit at k if its rank is below k.

    Raises
    ------
    ValueError
        A row has no correct candidate.
    """
    if not own.any(axis=1).all():
        raise ValueError("an item has no correct candidate")
    best = np.where(own, scores, -np.inf).max(axis=1, keepdims=True)
    rank: npt.NDArray[np.int64] = np.count_nonzero(scores > best, axis=1).astype(np.int64)
    equal = scores == best
    ties = np.flatnonzero(np.count_nonzero(equal, axis=1) > 1)  # done for these rows only, because ties are rare
    first = (equal[ties] & own[ties]).argmax(axis=1)
    before = np.arange(scores.shape[1]) < first[:, None]
    rank[ties] += np.count_nonzero(equal[ties] & before, axis=1)
    return rank


def own_margin(scores: Floats, own: Booleans) -> Floats:
    """Score of the best correct candidate minus that of the best incorrect one, ``(b,)``; NaN if all are correct."""
    right = np.where(own, scores, -np.inf).max(axis=1)
    wrong = np.where(own, -np.inf, scores).max(axis=1)
    return np.where(np.isfinite(wrong), right - np.where(np.isfinite(wrong), wrong, 0.0), np.nan)


def runner_up_margin(scores: Floats) -> Floats:
    """The highest score minus the second highest, ``(b,)``, whichever is correct; NaN if there is one candidate."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.nan)
    rows = np.arange(len(scores))
    first = scores.argmax(axis=1)
    others = scores.copy()
    others[rows, first] = -np.inf
    return np.asarray(scores[rows, first] - others.max(axis=1), dtype=np.float64)
