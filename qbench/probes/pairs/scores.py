"""Scores of images and texts, with one row per item and one column per target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Floats, Integers
from qbench.probes.pairs.interface import NO_TEXT, Pairs

ABSENT = float(np.finfo(np.float32).min)
"""Stands for the score of a text that an image does not have."""

FEWEST = 8
"""The least number of images from which ties of targets cannot be chance: a choice of ours, as in ``choices``."""

BLOCK = 4096
"""Images whose scores are in memory in float64 at a time."""


def texts_of(pairs: Pairs, images: Integers) -> Integers:
    """The numbers of the texts that some images are compared with, ``(images, k)``."""
    if pairs.candidates is not None:
        return pairs.candidates[images]
    every = np.arange(len(pairs.prompts.texts), dtype=np.int64)
    return np.broadcast_to(every, (len(images), len(every)))


class PairScores:
    """The `qbench.metrics.interface.Similarity` of pairs, in float64.

    Parameters
    ----------
    pairs : Pairs
        What was asked.
    image_index : numpy.ndarray
        ``(n,)`` int, the image of each item.
    found : numpy.ndarray
        ``(images, k)``: the score of each candidate of an image, in the order of `texts_of`.
    """

    def __init__(self, pairs: Pairs, image_index: Integers, found: npt.NDArray[np.floating]) -> None:
        self._pairs, self._image_index, self._found = pairs, image_index, found
        prompts = pairs.prompts
        self._target_of = prompts.target_of if prompts.pool else np.arange(len(prompts.texts), dtype=np.int64)
        self._targets = len(prompts.targets) if prompts.pool else len(prompts.texts)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, number of targets."""
        return len(self._image_index), self._targets

    def items(self, start: int, stop: int) -> Floats:
        """Rows ``start:stop`` → ``(stop - start, targets)``."""
        return self._of_images(self._image_index[start:stop])

    def targets(self, start: int, stop: int) -> Floats:
        """Columns ``start:stop``, transposed → ``(stop - start, items)``."""
        blocks = [self.items(at, at + BLOCK)[:, start:stop].T for at in range(0, len(self._image_index), BLOCK)]
        return np.ascontiguousarray(np.concatenate(blocks, axis=1)) if blocks else np.empty((stop - start, 0))

    def tied_targets(self) -> Iterator[tuple[int, int]]:
        """Pairs of targets with equal scores for every image, the smaller number first; none of few images.

        A target that is not a candidate of any image has no scores, and is left out.
        """
        if len(self._found) < FEWEST:
            return
        columns = [hashlib.sha256() for _ in range(self._targets)]
        scored = np.zeros(self._targets, dtype=bool)
        for start in range(0, len(self._found), BLOCK):
            images = np.arange(start, min(start + BLOCK, len(self._found)), dtype=np.int64)
            found = np.ascontiguousarray(self._of_images(images).T)
            scored |= np.isfinite(found).any(axis=1)
            for column, scores in zip(columns, found, strict=True):
                column.update(scores.tobytes())
        first: dict[bytes, int] = {}
        for number in np.flatnonzero(scored).tolist():
            if (other := first.setdefault(columns[number].digest(), number)) != number:
                yield other, number

    def _of_images(self, images: Integers) -> Floats:
        """The mean score of the texts of each target, ``(images, targets)``; −∞ where none is a candidate."""
        texts, found = texts_of(self._pairs, images), self._found[images].astype(np.float64)
        row, place = np.nonzero(texts != NO_TEXT)
        cell = row * self._targets + self._target_of[texts[row, place]]
        size = len(images) * self._targets
        counts = np.bincount(cell, minlength=size)
        sums = np.bincount(cell, weights=found[row, place], minlength=size)
        means: Floats = np.divide(sums, counts, out=np.full(size, -np.inf), where=counts > 0)
        return means.reshape(len(images), self._targets)
