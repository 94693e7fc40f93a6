"""Watches embeddings while they are computed: what cannot be right stops at its batch, not after hours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import QuantizationError
from qbench.probes.constant import ConstantAnswers


class EmbeddingGuard:
    """Raises an error for the first batch with a fault.

    A fault is an embedding that is not finite, or one and the same embedding for all inputs so far, although they
    differ. The latter is what happens, for whatever reason, where a model does not see its input: it cannot be told
    from an ordinary result by the numbers that are made of it.

    Parameters
    ----------
    what : str
        What is embedded, such as ``image``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._constant = ConstantAnswers()

    def checked(
        self, inputs: npt.NDArray[Any], embeddings: npt.NDArray[np.float32], numbers: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """The embeddings of one batch, if they can be ones.

        Parameters
        ----------
        inputs : numpy.ndarray
            ``(b, …)``: what was embedded.
        embeddings : numpy.ndarray
            ``(b, d)``.
        numbers : numpy.ndarray
            ``(b,)`` int: the number of each input in the dataset, for messages.

        Raises
        ------
        QuantizationError
            An embedding is not finite, or all inputs so far have the same embedding although they differ.
        """
        bad = ~np.isfinite(embeddings).all(axis=1)
        if bad.any():
            raise QuantizationError(
                f"{bad.sum()} of {len(embeddings)} {self._what} embeddings of a batch are not finite (first: "
                f"{self._what} {numbers[int(bad.argmax())]})",
                fix="The variant overflows: try another compute dtype.",
            )
        if self._constant.seen(inputs, embeddings):
            raise QuantizationError(
                f"different {self._what}s have one and the same embedding, so the model does not see what is in them",
                fix="The files of the checkpoint may not belong together, or the quantization has failed: check the "
                "tokenizer and the configuration, and try another dtype.",
            )
        return embeddings.astype(np.float32, copy=False)
