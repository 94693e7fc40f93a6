"""Cosine similarities of items and targets from embeddings, in blocks on demand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import QbenchError
from qbench.metrics.interface import Prompts
from qbench.metrics.weights import Floats, Integers
from qbench.probes.constant import SAME

DECIMALS = 12
"""Similarities are rounded to this many decimals. A matrix product gives the same two vectors results that differ in
the last bits from block to block; rounded, equal embeddings tie in every block. Embeddings are float32: nothing is
lost."""


BLOCK = 1024
"""Targets that are compared with all others at a time: bounds memory."""
ROWS = 4096
"""Embeddings that are in memory in float64 at a time, however many there are. Where they come from is mapped."""


class CosineSimilarity:
    """The `qbench.metrics.interface.Similarity` of embeddings, in float64.

    Parameters
    ----------
    images : numpy.ndarray
        ``(images, d)`` image embeddings, not normalised.
    image_index : numpy.ndarray
        ``(n,)`` int, the image of each item.
    texts : numpy.ndarray
        ``(len(prompts.texts), d)`` text embeddings, not normalised.
    prompts : Prompts
        What the texts stand for. With ``pool`` the texts of a target become one vector: each L2-normalised, averaged,
        normalised again (Radford et al. 2021, section 3.1.4).

    Raises
    ------
    QbenchError
        An embedding is not finite or is zero: its direction is not known.
    """

    def __init__(
        self, images: npt.NDArray[np.floating], image_index: Integers, texts: npt.NDArray[np.floating], prompts: Prompts
    ) -> None:
        if images.ndim != 2 or texts.ndim != 2 or images.shape[1] != texts.shape[1]:
            raise ValueError(f"embeddings of shape {images.shape} and {texts.shape} cannot be compared")
        if len(texts) != len(prompts.texts):
            raise ValueError(f"{len(texts)} text embeddings for {len(prompts.texts)} texts")
        self._images, self._lengths = images, lengths(images, "image")
        self._image_index = np.asarray(image_index, dtype=np.int64)
        of_texts = normalised(texts, "text")
        self._targets = pooled(of_texts, prompts) if prompts.pool else of_texts

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, number of targets."""
        return len(self._image_index), len(self._targets)

    def tied_targets(self) -> list[tuple[int, int]]:
        """The pairs of targets whose embeddings are equal up to rounding, each with the smaller index first."""
        near = 1 - SAME**2 / 2  # the cosine of two vectors of length 1 at this distance
        pairs: list[tuple[int, int]] = []
        for start in range(0, len(self._targets), BLOCK):
            cosines = self._targets[start : start + BLOCK] @ self._targets.T
            rows, columns = np.nonzero(cosines >= near)
            pairs += [(i + start, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if i + start < j]
        return pairs

    def items(self, start: int, stop: int) -> Floats:
        """Rows ``start:stop`` → ``(stop - start, targets)``."""
        return _cosines(self._directions(slice(start, stop)), self._targets)

    def targets(self, start: int, stop: int) -> Floats:
        """Columns ``start:stop``, transposed → ``(stop - start, items)``."""
        targets = self._targets[start:stop]
        found = np.empty((len(targets), len(self._image_index)))
        for rows in _blocks(self._image_index):
            found[:, rows] = _cosines(targets, self._directions(rows))
        return found

    def _directions(self, rows: slice) -> Floats:
        """The image embeddings of some items, scaled to length 1."""
        index = self._image_index[rows]
        first = int(index[0]) if len(index) else 0
        in_order = np.array_equal(index, np.arange(first, first + len(index)))
        images = slice(first, first + len(index)) if in_order else index  # a slice copies nothing
        return _scaled(self._images[images], self._lengths[images])


def _cosines(first: Floats, second: Floats) -> Floats:
    product = first @ second.T
    return np.round(product, DECIMALS, out=product)


def normalised(vectors: npt.NDArray[np.floating], what: str) -> Floats:
    """Scale rows to length 1, in float64.

    Raises
    ------
    QbenchError
        A row is not finite or is zero.
    """
    return _scaled(vectors, lengths(vectors, what))


def _scaled(vectors: npt.NDArray[np.floating], of_rows: Floats) -> Floats:
    """Rows divided by their lengths, in float64."""
    return np.asarray(np.divide(vectors, of_rows[:, None], dtype=np.float64), dtype=np.float64)


def lengths(vectors: npt.NDArray[np.floating], what: str) -> Floats:
    """The length of each row, in float64.

    Raises
    ------
    QbenchError
        A row is not finite or is zero: its direction is not known.
    """
    found = np.empty(len(vectors))
    for rows in _blocks(vectors):
        found[rows] = np.linalg.norm(np.asarray(vectors[rows], dtype=np.float64), axis=1)
    unsure = np.flatnonzero(~np.isfinite(found))  # not finite, or too long for a float64
    bad, zero = np.zeros(len(vectors), dtype=bool), found == 0
    bad[unsure] = ~np.isfinite(vectors[unsure]).all(axis=1)
    if bad.any():
        raise QbenchError(
            f"{bad.sum()} of {len(bad)} {what} embeddings are not finite (the first is number {bad.argmax()})",
            fix="The model overflowed: try another dtype, or leave the layers that overflow unquantized.",
        )
    if zero.any():
        raise QbenchError(
            f"{zero.sum()} of {len(zero)} {what} embeddings are zero (the first is number {zero.argmax()})",
            fix="The model underflowed: try another dtype.",
        )
    return found


def _blocks(vectors: npt.NDArray[Any]) -> Iterator[slice]:
    return (slice(start, start + ROWS) for start in range(0, len(vectors), ROWS))


def pooled(of_texts: Floats, prompts: Prompts) -> Floats:
    """One vector of length 1 per target: the normalised mean of its texts' normalised embeddings."""
    counts = np.bincount(prompts.target_of, minlength=len(prompts.targets))
    if not counts.all():
        raise ValueError(f"the target {prompts.targets[int(counts.argmin())]!r} has no text")
    order = np.argsort(prompts.target_of, kind="stable")
    starts = np.r_[0, np.cumsum(counts)[:-1]]
    sums = np.add.reduceat(of_texts[order], starts, axis=0)
    return normalised(sums / counts[:, None], "pooled text")
