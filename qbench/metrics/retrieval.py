"""Retrieval between images and captions in both directions, in bounded memory.

Recall@k is the share of queries that are hits (Karpathy & Fei-Fei 2015). An image is a hit if *any* of its own captions
is among the k most similar captions, and a caption is a hit if its image is among the k most similar images. Of equally
similar targets, the one with the lowest index ranks first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.metrics.blocks import BLOCK_BYTES, blocks
from qbench.metrics.interface import Similarity
from qbench.metrics.ranks import best_own_rank, own_margin, runner_up_margin
from qbench.metrics.weights import Floats, Integers, weighted_share


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """The result of n queries.

    Attributes
    ----------
    first : numpy.ndarray
        ``(n,)`` int64, index of the most similar target.
    rank : numpy.ndarray
        ``(n,)`` int64, rank of the query's own target from 0 (of the best one, if it has several). The query is a hit
        at k if its rank is below k.
    margin : numpy.ndarray
        ``(n,)``, similarity of the best own target minus that of the best other target; negative if the query is no hit
        at 1; NaN if all targets are its own.
    runner_up_margin : numpy.ndarray
        ``(n,)``, similarity of the first target minus that of the second; NaN if there is one target.
    """

    first: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    margin: Floats
    runner_up_margin: Floats


def image_to_text(similarity: Similarity, owner: Integers, *, block_bytes: int = BLOCK_BYTES) -> Retrieved:
    """Retrieve captions with each image as the query.

    Parameters
    ----------
    similarity : Similarity
        The similarity of images and captions.
    owner : numpy.ndarray
        ``(captions,)`` int, the index of the image of each caption.
    block_bytes : int
        Size of one block of similarities.
    """
    images, captions = similarity.shape
    found = _Found(images)
    for start, stop in blocks(images, captions, block_bytes):
        found.add(start, similarity.items(start, stop), owner[None, :] == np.arange(start, stop)[:, None])
    return found.done()


def text_to_image(similarity: Similarity, owner: Integers, *, block_bytes: int = BLOCK_BYTES) -> Retrieved:
    """Retrieve images with each caption as the query; the parameters are those of `image_to_text`."""
    images, captions = similarity.shape
    found = _Found(captions)
    for start, stop in blocks(captions, images, block_bytes):
        found.add(start, similarity.targets(start, stop), owner[start:stop, None] == np.arange(images)[None, :])
    return found.done()


class _Found:
    """Collects blocks of queries."""

    def __init__(self, n: int) -> None:
        self.first, self.rank = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
        self.margin, self.lead = np.empty(n), np.empty(n)

    def add(self, start: int, scores: Floats, own: npt.NDArray[np.bool_]) -> None:
        rows = slice(start, start + len(scores))
        self.first[rows] = scores.argmax(axis=1)
        self.rank[rows] = best_own_rank(scores, own)
        self.margin[rows] = own_margin(scores, own)
        self.lead[rows] = runner_up_margin(scores)

    def done(self) -> Retrieved:
        return Retrieved(first=self.first, rank=self.rank, margin=self.margin, runner_up_margin=self.lead)


def recall_at(rank: Integers, k: int, weights: Floats) -> Floats:
    """Weighted share of the queries whose rank is below `k`: ``(n,)`` int and ``(b, n)`` weights → ``(b,)``.

    Examples
    --------
    >>> recall_at(np.array([0, 3, 1]), 2, np.ones((1, 3))).round(3).tolist()
    [0.667]
    """
    return weighted_share(np.asarray(rank) < k, weights)
