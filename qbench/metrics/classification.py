"""Zero-shot classification: from similarities to each item's prediction, rank, margins and confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.metrics.blocks import BLOCK_BYTES, blocks
from qbench.metrics.interface import Similarity
from qbench.metrics.ranks import Places, joined, places
from qbench.metrics.weights import Floats, Integers

LOGIT_SCALE = 100.0
"""Cosines are multiplied by it before the softmax. 100 is where CLIP clips its learned scale (Radford et al. 2021,
section 2.5), and all released CLIP checkpoints ended there; a fixed value keeps confidences comparable."""

LOG_SCALE = 1.0
"""Log-likelihoods are logarithms of probabilities already."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """The result of classifying n items.

    Attributes
    ----------
    prediction : numpy.ndarray
        ``(n,)`` int64, the class with the highest similarity; of equal ones the one with the lowest index.
    rank : numpy.ndarray
        ``(n,)`` int64, rank of the correct class from 0; of the best one where several count as correct.
    margin : numpy.ndarray
        ``(n,)``, similarity of the best correct class minus that of the best incorrect one; negative if the
        prediction is incorrect.
    runner_up_margin : numpy.ndarray
        ``(n,)``, similarity of the prediction minus that of the second class; never negative.
    confidence : numpy.ndarray
        ``(n,)``, softmax probability of the prediction among the classes.
    """

    prediction: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    margin: Floats
    runner_up_margin: Floats
    confidence: Floats


def confidence(scores: Floats, scale: float = LOGIT_SCALE) -> Floats:
    """Softmax probability of the highest score of each row: ``(b, c)`` → ``(b,)``.

    Examples
    --------
    >>> confidence(np.array([[0.25, 0.25], [0.30, 0.20]])).round(4).tolist()
    [0.5, 1.0]
    """
    below = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(1.0 / np.exp(scale * below).sum(axis=1), dtype=np.float64)


def classify(
    similarity: Similarity, accepted: Integers, *, scale: float = LOGIT_SCALE, block_bytes: int = BLOCK_BYTES
) -> Classified:
    """Classify all items, block by block.

    Parameters
    ----------
    similarity : Similarity
        The similarity of ``n`` items and ``c`` classes.
    accepted : numpy.ndarray
        ``(n, a)`` int, the indices of the classes that count as correct for each item; negative entries are ignored.
    scale : float
        What similarities are multiplied by before the softmax: `LOGIT_SCALE` for cosines, `LOG_SCALE` for logarithms of
        probabilities. It decides the confidence only.
    block_bytes : int
        Size of one block of similarities.

    Raises
    ------
    ValueError
        No class counts as correct for an item.
    """
    n, classes = similarity.shape
    found: list[Places] = []
    sure = np.empty(n)
    for start, stop in blocks(n, classes, block_bytes):
        scores = similarity.items(start, stop)
        labels = np.asarray(accepted[start:stop])
        row, number = np.nonzero(labels >= 0)
        found.append(places(scores, row, labels[row, number]))
        sure[start:stop] = confidence(scores, scale)
    first, rank, margin, lead = joined(found)
    return Classified(prediction=first, rank=rank, margin=margin, runner_up_margin=lead, confidence=sure)
