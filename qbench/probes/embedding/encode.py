"""Images or texts through an encoder, in a fixed order and batch size.

Order and batch size are part of the experiment (dynamic quantization scales activations over the whole batch), so they
are decided by the plan and never by what is convenient here. A last batch that is not full stays not full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qbench.errors import QuantizationError
from qbench.models.interface import Encoder
from qbench.probes.batch_order import DATASET, positions


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
        An embedding is not finite.
    """
    where = positions(order, len(pixels))
    batches = [where[start : start + batch_size] for start in range(0, len(where), batch_size)]
    return _stack([_stepped(encoder.encode_images(np.array(pixels[rows])), step) for rows in batches], where, "image")


def embed_texts(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    batch_size: int,
    order: str = DATASET,
    step: Callable[[int], None] = lambda n: None,
) -> npt.NDArray[np.float32]:
    """Embed texts → ``(n, d)`` float32; parameters as in `embed_images`."""
    where = positions(order, len(texts))
    batches = [where[start : start + batch_size] for start in range(0, len(where), batch_size)]
    return _stack([_stepped(encoder.encode_texts([texts[i] for i in rows]), step) for rows in batches], where, "text")


def _stepped(batch: npt.NDArray[np.float32], step: Callable[[int], None]) -> npt.NDArray[np.float32]:
    step(len(batch))
    return batch


def _stack(batches: list[npt.NDArray[np.float32]], where: npt.NDArray[np.int64], what: str) -> npt.NDArray[np.float32]:
    embedded = np.concatenate(batches).astype(np.float32, copy=False)
    embeddings = np.empty_like(embedded)
    embeddings[where] = embedded
    bad = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(bad):
        raise QuantizationError(
            f"{len(bad)} of {len(embeddings)} {what} embeddings are not finite (first: {what} {bad[0]})",
            fix="The variant overflows: try another compute dtype.",
        )
    return embeddings
