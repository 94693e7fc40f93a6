"""What a model source and a quantizer give: checkpoints, variants, encoders, and what was really quantized.

Plugins implement these; the runner uses nothing else of them. Arrays are numpy, so that an encoder need not be torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from qbench.data.preprocessing import Preprocessing

DType = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which weights these are.

    Attributes
    ----------
    source, checkpoint : str
        The names they were asked for by, such as ``openai`` and ``ViT-B-32``.
    architecture : str
        The class that runs them, such as ``CLIPModel``.
    revision : str
        The hub's commit, or ``local`` for a folder.
    fingerprint : str
        SHA-256 over all that decides an embedding: weights, configuration, tokenizer, and every option of the source
        that changes what is loaded. Caches are keyed by it.
    """

    source: str
    checkpoint: str
    architecture: str
    revision: str
    fingerprint: str


class Encoder(Protocol):
    """A model that is loaded and can embed."""

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed pictures: ``(b, height, width, 3)`` uint8 RGB → ``(b, d)`` float32, not normalised."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts → ``(b, d)`` float32, not normalised."""
        ...

    def close(self) -> None:
        """Release the memory."""
        ...


class Checkpoint(Protocol):
    """Weights that were found on this machine, not loaded yet."""

    @property
    def identity(self) -> Identity:
        """Which weights these are."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """How they want their pictures."""
        ...

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> Encoder:
        """Load the weights.

        Parameters
        ----------
        device : str
            ``cpu``, ``cuda``, ``cuda:1``, …
        dtype : {"float32", "float16", "bfloat16"}
            The type of every layer that is not quantized. Always explicit.
        quantization_config : object, optional
            Passed to the library that loads the weights, for methods that quantize while loading.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One weight matrix and what became of it.

    Attributes
    ----------
    name : str
        Its path in the model.
    tower : {"image", "text", "shared"}
        The encoder it belongs to.
    kind : str
        The class that holds it, such as ``Linear8bitLt``.
    parameters : int
        Number of weights (bias not counted).
    quantized : bool
        Whether its weights are stored in fewer bits than the dtype that was asked for.
    bits : float
        Bits a weight, scales and other state of the quantization included.
    reason : str
        Why it was left out; empty where it was quantized.
    """

    name: str
    tower: Literal["image", "text", "shared"]
    kind: str
    parameters: int
    quantized: bool
    bits: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What was quantized, layer by layer: every Linear, measured before the first forward.

    Attributes
    ----------
    layers : tuple of Layer
        Every Linear of the model.
    total_parameters : int
        Parameters of the whole model, embeddings and norms included.
    model_bytes : int
        Bytes of the whole model in memory, as loaded.
    """

    layers: tuple[Layer, ...]
    total_parameters: int
    model_bytes: int

    def share(self, tower: str | None = None) -> float:
        """Share of the Linear weights (of one tower) that is quantized, 0 to 1; 0 where there is none."""
        layers = [x for x in self.layers if tower is None or x.tower == tower]
        total = sum(x.parameters for x in layers)
        return sum(x.parameters for x in layers if x.quantized) / total if total else 0.0

    @property
    def bits_per_weight(self) -> float:
        """Effective bits a weight over all Linear layers."""
        total = sum(x.parameters for x in self.layers)
        return sum(x.parameters * x.bits for x in self.layers) / total if total else 0.0


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where a variant is built.

    Attributes
    ----------
    device : str
        ``cpu``, ``cuda`` or ``cuda:1``.
    """

    device: str


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A checkpoint after a quantizer: ready to embed.

    Attributes
    ----------
    encoder : Encoder
        The loaded model.
    coverage : Coverage
        What was quantized.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that were not quantized.
    """

    encoder: Encoder
    coverage: Coverage
    dtype: DType
