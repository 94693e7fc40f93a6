"""Retrieval between images and captions in both directions, in bounded memory.

Recall@k is the share of queries that are hits (Karpathy & Fei-Fei 2015). An image is a hit if *any* of its own captions
is among the k most similar captions, and a caption is a hit if its image is among the k most similar images. Of equally
similar targets, the one with the lowest index ranks first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.metrics.blocks import BLOCK_BYTES, blocks, gallery_bytes
from qbench.metrics.interface import Similarity
from qbench.metrics.ranks import Places, joined, places
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
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(images + 1))

    def found() -> Iterator[Places]:
        for start, stop in blocks(images, captions, block_bytes):
            own = order[starts[start] : starts[stop]]
            yield places(similarity.items(start, stop), owner[own] - start, own)

    return Retrieved(**joined(found())._asdict())


def text_to_image(similarity: Similarity, owner: Integers, *, block_bytes: int | None = None) -> Retrieved:
    """Retrieve images with each caption as the query; the parameters are those of `image_to_text`.

    A block has at least `qbench.metrics.blocks.QUERIES` captions if no size is given.
    """
    images, captions = similarity.shape
    return Retrieved(
        **joined(
            places(similarity.targets(start, stop), np.arange(stop - start), owner[start:stop])
            for start, stop in blocks(captions, images, block_bytes or gallery_bytes(images))
        )._asdict()
    )


def recall_at(rank: Integers, k: int, weights: Floats) -> Floats:
    """Weighted share of the queries whose rank is below `k`: ``(n,)`` int and ``(b, n)`` weights → ``(b,)``.

    Examples
    --------
    >>> recall_at(np.array([0, 3, 1]), 2, np.ones((1, 3))).round(3).tolist()
    [0.667]
    """
    return weighted_share(np.asarray(rank) < k, weights)
