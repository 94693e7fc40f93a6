"""Comparing embeddings: how far two sets are apart, and whether one is what an encoder has to give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qbench.encode.interface import Encoder
from qbench.testing import tiny

Floats = npt.NDArray[np.float32]


def embed(encoder: Encoder, pixels: npt.NDArray[np.uint8], texts: Sequence[str] = tiny.TEXTS) -> tuple[Floats, Floats]:
    """Pictures and texts through an encoder, each checked.

    Raises
    ------
    AssertionError
        The embeddings are not ``(b, d)`` float32, are not finite, or differ in width.
    """
    images, words = encoder.encode_images(np.array(pixels)), encoder.encode_texts(list(texts))
    for what, found, count in (("image", images, len(pixels)), ("text", words, len(texts))):
        assert isinstance(found, np.ndarray), f"{what} embeddings are a {type(found).__name__}, not a numpy array"
        assert found.dtype == np.float32, f"{what} embeddings are {found.dtype}, not float32"
        assert found.ndim == 2, f"{what} embeddings have the shape {found.shape}, not (b, d)"
        assert len(found) == count, f"{len(found)} {what} embeddings for {count}"
        assert np.isfinite(found).all(), f"{what} embeddings are not finite"
        assert np.linalg.norm(found, axis=1).min() > 0, f"a {what} embedding is zero"
    assert images.shape[1] == words.shape[1], f"widths differ: images {images.shape[1]}, texts {words.shape[1]}"
    return images, words


def alone(encoder: Encoder, pixels: npt.NDArray[np.uint8], texts: Sequence[str] = tiny.TEXTS) -> tuple[Floats, Floats]:
    """The same, one by one."""
    images = [encoder.encode_images(np.array(pixels[i : i + 1])) for i in range(len(pixels))]
    return np.concatenate(images), np.concatenate([encoder.encode_texts([text]) for text in texts])


def distance(a: Floats, b: Floats) -> float:
    """The largest relative distance of two rows: ‖a − b‖ / ‖a‖."""
    return float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(a, axis=1)).max())
