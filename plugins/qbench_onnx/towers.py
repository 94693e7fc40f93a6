"""The two towers of an encoder: what each is given, and a stand-in that answers in place of the torch model.

An encoder of the built-in model sources cleans and tokenizes texts, normalises images, and calls its ``module``. So the
runtime gets exactly what torch would get if it stands in for this module, whatever the model source is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from qbench.api import Checkpoint, Context, QuantizationError
from qbench.api.quantizers import torch_module

Tower = Literal["image", "text"]
TOWERS: tuple[Tower, ...] = ("image", "text")
METHODS: Mapping[Tower, str] = {"image": "get_image_features", "text": "get_text_features"}
"""The methods of a dual encoder of transformers."""
Inputs = npt.NDArray[Any]
Run = Callable[[Tower, Inputs], npt.NDArray[Any]]
MINIMUM_COSINE = 0.9999
"""The least cosine of an embedding of a runtime in single precision and torch's."""


class StandIn:
    """Answers the calls of an encoder in place of its torch model.

    Parameters
    ----------
    run : callable
        ``(tower, inputs) -> (b, d)``: gets what the encoder gives to the tower.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def get_image_features(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Embed normalised images."""
        return self._answer("image", inputs)

    def get_text_features(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Embed tokens."""
        return self._answer("text", inputs)

    def _answer(self, tower: Tower, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        if len(inputs) != 1:
            raise QuantizationError(f"the {tower} tower gets {', '.join(inputs)}: only one input can be exported")
        return torch.from_numpy(self._run(tower, next(iter(inputs.values())).numpy()))


class RuntimeEncoder:
    """An encoder whose towers are run by something else than torch; see `qbench.api.Encoder`."""

    def __init__(self, encoder: Any, run: Run) -> None:
        encoder.module = StandIn(run)
        self._encoder = encoder

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed ``(b, h, w, 3)`` uint8 images → ``(b, d)`` float32, not normalised."""
        found: npt.NDArray[np.float32] = self._encoder.encode_images(pixels)
        return found

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts → ``(b, d)`` float32, not normalised."""
        found: npt.NDArray[np.float32] = self._encoder.encode_texts(texts)
        return found

    def close(self) -> None:
        """Release the memory of the towers."""
        self._encoder.close()


def check_towers(encoder: Any) -> Any:
    """The torch model of an encoder; raises `QuantizationError` where it has no two towers that can be exported."""
    model = torch_module(encoder)
    if not all(hasattr(model, method) for method in METHODS.values()):
        raise QuantizationError(
            f"a {type(model).__name__} has no {' and '.join(METHODS.values())}, so its towers cannot be exported"
        )
    return model


def loaded(checkpoint: Checkpoint, context: Context) -> Any:
    """The encoder of a checkpoint in float32, which has two towers that can be exported."""
    encoder = checkpoint.load(device=context.device, dtype="float32")
    check_towers(encoder)
    return encoder


def captured(encoder: Any, ask: Callable[[Any], object]) -> Inputs:
    """What a tower is given when `ask` asks the encoder; the torch model is not run."""
    taken: list[Inputs] = []

    def run(tower: Tower, inputs: Inputs) -> npt.NDArray[Any]:
        taken.append(inputs)
        return np.zeros((len(inputs), 1), dtype=np.float32)

    module, encoder.module = encoder.module, StandIn(run)
    try:
        ask(encoder)
    finally:
        encoder.module = module
    return taken[0]


def features(model: Any, tower: Tower, inputs: torch.Tensor) -> torch.Tensor:
    """The embeddings of a torch model, whatever kind of output its version of transformers returns."""
    name = {"image": "pixel_values", "text": "input_ids"}[tower]
    output = getattr(model, METHODS[tower])(**{name: inputs})
    found: torch.Tensor = output if isinstance(output, torch.Tensor) else output.pooler_output
    return found


def compared_with_torch(run: Run, model: Any, runtime: str, *, fix: str) -> Run:
    """`run`, whose every answer is compared with that of the torch model, once for each batch.

    Parameters
    ----------
    run : callable
        ``(tower, inputs) -> (b, d)``.
    model : torch.nn.Module
        The model that was exported.
    runtime, fix : str
        What runs, and what to do where it computes something else; for the message.

    Raises
    ------
    QuantizationError
        An embedding has a smaller cosine with torch's than `MINIMUM_COSINE`; the message names the tower.
    """
    known: set[bytes] = set()

    def checked(tower: Tower, inputs: Inputs) -> npt.NDArray[Any]:
        found = run(tower, inputs)
        digest = hashlib.blake2b(np.ascontiguousarray(inputs).tobytes(), person=tower.encode()).digest()
        if digest not in known:
            with torch.inference_mode():
                wanted = features(model, tower, torch.from_numpy(inputs)).numpy()
            check_cosines(tower, found, wanted, runtime, fix=fix)
            known.add(digest)
        return found

    return checked


def check_cosines(tower: Tower, found: npt.NDArray[Any], wanted: npt.NDArray[Any], runtime: str, *, fix: str) -> None:
    """Raise `QuantizationError` if a row of `found` does not point where that row of `wanted` does."""
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    cosines = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    if not (cosines >= MINIMUM_COSINE).all():  # NaN is not
        raise QuantizationError(
            f"the {tower} tower in {runtime} does not compute what torch computes: the smallest cosine of their "
            f"embeddings is {np.nanmin(cosines) if not np.isnan(cosines).all() else float('nan'):.6f}, "
            f"below {MINIMUM_COSINE}",
            fix=fix,
        )
