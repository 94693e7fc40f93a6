"""Pictures or texts through an encoder, in a fixed order and batch size.

Order and batch size are part of the experiment (dynamic quantization scales activations over the whole batch), so they
are decided by the plan and never by what is convenient here. A last batch that is not full stays not full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qbench.encode.interface import Encoder
from qbench.errors import QuantizationError


def embed_pictures(
    encoder: Encoder,
    pixels: npt.NDArray[np.uint8],
    *,
    batch_size: int,
    step: Callable[[int], None] = lambda n: None,
) -> npt.NDArray[np.float32]:
    """Embed decoded pictures: ``(n, h, w, 3)`` uint8 → ``(n, d)`` float32; `step` hears how many were done."""
    return _stack(
        [
            _stepped(encoder.encode_images(np.array(pixels[start : start + batch_size])), step)
            for start in range(0, len(pixels), batch_size)
        ],
        "picture",
    )


def embed_texts(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    batch_size: int,
    step: Callable[[int], None] = lambda n: None,
) -> npt.NDArray[np.float32]:
    """Embed texts → ``(n, d)`` float32; `step` hears how many were done."""
    return _stack(
        [
            _stepped(encoder.encode_texts(texts[start : start + batch_size]), step)
            for start in range(0, len(texts), batch_size)
        ],
        "text",
    )


def _stepped(batch: npt.NDArray[np.float32], step: Callable[[int], None]) -> npt.NDArray[np.float32]:
    step(len(batch))
    return batch


def _stack(batches: list[npt.NDArray[np.float32]], what: str) -> npt.NDArray[np.float32]:
    embeddings = np.concatenate(batches).astype(np.float32, copy=False)
    bad = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(bad):
        raise QuantizationError(
            f"{len(bad)} of {len(embeddings)} {what} embeddings are not finite (first: {what} {bad[0]})",
            fix="The variant overflows: try another compute dtype.",
        )
    return embeddings
