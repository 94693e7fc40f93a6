"""Where the right answers stand among all candidates, one row of scores an item.

Ties are broken by the lower index: of two candidates with the same score, the first one ranks before the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Booleans, Floats


def best_own_rank(scores: Floats, own: Booleans) -> npt.NDArray[np.int64]:
    """0-based rank of the best right answer of each row.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(b, c)`` similarities.
    own : numpy.ndarray
        ``(b, c)`` bool, the right answers.

    Returns
    -------
    numpy.ndarray
        ``(b,)`` int64; a row hits at k where its rank is below k.

    Raises
    ------
    ValueError
        A row has no right answer.
    """
    if not own.any(axis=1).all():
        raise ValueError("an item has no right answer among the candidates")
    best = np.where(own, scores, -np.inf).max(axis=1, keepdims=True)
    rank: npt.NDArray[np.int64] = np.count_nonzero(scores > best, axis=1).astype(np.int64)
    equal = scores == best
    ties = np.flatnonzero(np.count_nonzero(equal, axis=1) > 1)  # few rows, so the rest is spared the work
    first = (equal[ties] & own[ties]).argmax(axis=1)
    before = np.arange(scores.shape[1]) < first[:, None]
    rank[ties] += np.count_nonzero(equal[ties] & before, axis=1)
    return rank


def own_margin(scores: Floats, own: Booleans) -> Floats:
    """Best right answer minus best wrong one, ``(b,)``: negative where the row is wrong; NaN without a wrong one."""
    right = np.where(own, scores, -np.inf).max(axis=1)
    wrong = np.where(own, -np.inf, scores).max(axis=1)
    return np.where(np.isfinite(wrong), right - np.where(np.isfinite(wrong), wrong, 0.0), np.nan)


def runner_up_margin(scores: Floats) -> Floats:
    """Best score minus the second best, ``(b,)``, right or wrong; NaN with one candidate only."""
    if scores.shape[1] < 2:
        return np.full(len(scores), np.nan)
    rows = np.arange(len(scores))
    first = scores.argmax(axis=1)
    others = scores.copy()
    others[rows, first] = -np.inf
    return np.asarray(scores[rows, first] - others.max(axis=1), dtype=np.float64)
