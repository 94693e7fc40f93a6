"""Retrieval between images and captions: ranks of the best own target in both directions, in bounded memory.

Recall@k counts 0/1 hits (Karpathy & Fei-Fei 2015): an image hits if *any* of its own captions is among the k most
similar ones, a caption if its image is. Ties are broken by the lower index.
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
    """What n queries found.

    Attributes
    ----------
    first : numpy.ndarray
        ``(n,)`` int64, index of the target in first place.
    rank : numpy.ndarray
        ``(n,)`` int64, 0-based rank of the best own target: the query hits at k where it is below k.
    margin : numpy.ndarray
        ``(n,)``, best own target minus best other; negative for a miss at 1; NaN where all targets are its own.
    runner_up_margin : numpy.ndarray
        ``(n,)``, first place minus second place; NaN with one target.
    """

    first: npt.NDArray[np.int64]
    rank: npt.NDArray[np.int64]
    margin: Floats
    runner_up_margin: Floats


def image_to_text(similarity: Similarity, owner: Integers, *, block_bytes: int = BLOCK_BYTES) -> Retrieved:
    """Each image looks for its captions.

    Parameters
    ----------
    similarity : Similarity
        Of images and captions.
    owner : numpy.ndarray
        ``(captions,)`` int, the image that each caption belongs to.
    block_bytes : int
        Bound of one block of similarities.
    """
    images, captions = similarity.shape
    found = _Found(images)
    for start, stop in blocks(images, captions, block_bytes):
        found.add(start, similarity.items(start, stop), owner[None, :] == np.arange(start, stop)[:, None])
    return found.done()


def text_to_image(similarity: Similarity, owner: Integers, *, block_bytes: int = BLOCK_BYTES) -> Retrieved:
    """Each caption looks for its image; parameters as for `image_to_text`."""
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
    """Weighted share of the queries whose rank is below `k`: ``(n,)`` and ``(b, n)`` → ``(b,)``."""
    return weighted_share(np.asarray(rank) < k, weights)
