"""Images or texts through an encoder, in a fixed order and batch size.

Order and batch size are part of the experiment (dynamic quantization scales activations over the whole batch), so they
are decided by the plan and never by what is convenient here. A last batch that is not full stays not full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.models.interface import Encoder
from qbench.probes.batch_order import DATASET, positions
from qbench.probes.embedding.guard import EmbeddingGuard


def embed_images(
    encoder: Encoder,
    pixels: npt.NDArray[np.uint8],
    *,
    batch_size: int,
    order: str = DATASET,
    step: Callable[[int], None] = lambda n: None,
) -> npt.NDArray[np.float32]:
    """Embed decoded images: ``(n, h, w, 3)`` uint8 → ``(n, d)`` float32.

    Parameters
    ----------
    encoder : Encoder
        The model.
    pixels : numpy.ndarray
        The images, in the dataset's order; so are the embeddings that come back, whatever `order` is.
    batch_size : int
        How many images are in a batch.
    order : str
        The order in which they are put into batches (`qbench.probes.batch_order`).
    step : callable
        Is told how many were done.

    Raises
    ------
    QuantizationError
        An embedding is not finite, or different images have one and the same embedding.
    """
    return _embedded(encoder.encode_images, pixels, "image", batch_size, order, step)


def embed_texts(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    batch_size: int,
    order: str = DATASET,
    step: Callable[[int], None] = lambda n: None,
) -> npt.NDArray[np.float32]:
    """Embed texts → ``(n, d)`` float32; parameters as in `embed_images`."""
    every = np.array(texts, dtype=object)
    return _embedded(lambda batch: encoder.encode_texts(batch.tolist()), every, "text", batch_size, order, step)


def _embedded(
    embed: Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]],
    inputs: npt.NDArray[Any],
    what: str,
    batch_size: int,
    order: str,
    step: Callable[[int], None],
) -> npt.NDArray[np.float32]:
    where, guard = positions(order, len(inputs)), EmbeddingGuard(what)
    batches = []
    for start in range(0, len(where), batch_size):
        rows = where[start : start + batch_size]
        batch = np.array(inputs[rows])
        embeddings = embed(batch)
        guard.check(batch, embeddings, rows)
        batches.append(embeddings)
        step(len(rows))
    embedded = np.concatenate(batches).astype(np.float32, copy=False)
    found = np.empty_like(embedded)
    found[where] = embedded
    return found
