"""Runs the graphs of an exported model, with the folder's own tokenizer and preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.api import ModelError, Preprocessing
from qbench_clip.family import clean_text
from qbench_onnx.folder_graphs import INPUT, OUTPUT
from qbench_onnx.options import RuntimeOptions
from qbench_onnx.sessions import session
from qbench_onnx.towers import TOWERS, Tower

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
"""Types of inputs, as ONNX Runtime names them."""


class FolderEncoder:
    """The two towers of an exported CLIP; see `qbench.api.Encoder`.

    Parameters
    ----------
    graphs : tuple of pathlib.Path
        The graphs of the image tower and of the text tower; the same file if it holds both.
    tokenizer : transformers tokenizer
        The tokenizer of the folder.
    context_length : int
        Tokens per text.
    preprocessing : Preprocessing
        Its mean and standard deviation are applied here.
    options : RuntimeOptions
        How ONNX Runtime runs the graphs.
    """

    def __init__(
        self,
        graphs: tuple[Path, Path],
        tokenizer: Any,
        context_length: int,
        preprocessing: Preprocessing,
        options: RuntimeOptions,
    ) -> None:
        loaded = {path: session(path, options) for path in dict.fromkeys(graphs)}
        self._graphs = dict(zip(TOWERS, graphs, strict=True))
        self._sessions = {tower: loaded[path] for tower, path in self._graphs.items()}
        self._tokenizer, self._length = tokenizer, context_length
        self._side = preprocessing.geometry.size
        self._mean, self._std = (
            np.array(x, dtype=np.float32).reshape(1, 3, 1, 1) for x in (preprocessing.mean, preprocessing.std)
        )

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed ``(b, h, w, 3)`` uint8 images → ``(b, d)`` float32, as the graph gives them."""
        values = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
        return self._run("image", {"pixel_values": (values - self._mean) / self._std})

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts → ``(b, d)`` float32; each is cut or padded to the context length."""
        return self._run("text", self._tokens(texts))

    def close(self) -> None:
        """Release the memory of the graphs."""
        self._sessions = {}

    def _tokens(self, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        found = self._tokenizer(
            [clean_text(text) for text in texts],
            padding="max_length",
            max_length=self._length,
            truncation=True,
            return_tensors="np",
        )
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    def _run(self, tower: Tower, inputs: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Ask for one output. A graph of both towers also wants the inputs of the other one: one image or text."""
        runs = self._sessions[tower]
        other = {"pixel_values": np.zeros((1, 3, self._side, self._side)), **self._tokens([""])} | inputs
        feeds = {}
        for wanted in runs.get_inputs():
            if wanted.type not in TYPES:
                raise ModelError(
                    f"the input {wanted.name!r} is a {wanted.type}, which is not supported",
                    where=str(self._graphs[tower]),
                )
            feeds[wanted.name] = other[wanted.name].astype(TYPES[wanted.type])
        try:
            found: npt.NDArray[Any] = runs.run([OUTPUT[tower]], feeds)[0]
        except Exception as error:  # the errors of ONNX Runtime have no common class
            first = str(error).strip().splitlines()[0]
            raise ModelError(
                f"the graph cannot be run with {INPUT[tower]} of shape {inputs[INPUT[tower]].shape} ({first})",
                where=str(self._graphs[tower]),
            ) from error
        return found.astype(np.float32)
