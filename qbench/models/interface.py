"""What a model source and a quantizer give: checkpoints, variants, encoders, and what was really quantized.

Plugins implement these; the runner uses nothing else of them. Arrays are numpy, so that an encoder need not be torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from qbench.images.preprocessing import Geometry, Preprocessing

DType = Literal["float32", "float16", "bfloat16"]

Tower = Literal["image", "projector", "text", "shared"]
"""A part of a model: the encoder of images, what projects its features (of a generative model), the encoder of texts or
the language model, and what belongs to none of them."""


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


class LoadedModel(Protocol):
    """A model that is loaded. What else it can do depends on the probes that it answers.

    What a probe asks of a model is a protocol of its own: `Encoder` for the probe ``embedding``. A plugin with a probe
    declares another one; for a probe that asks for the log-likelihoods of answers, for example, it would have a method
    that takes images, questions and answers. A model may satisfy several.
    """

    def close(self) -> None:
        """Release the memory."""
        ...


@runtime_checkable
class Encoder(LoadedModel, Protocol):
    """A model that is loaded and can embed: what the probe ``embedding`` asks."""

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed images: ``(b, height, width, 3)`` uint8 RGB → ``(b, d)`` float32, not normalised."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts → ``(b, d)`` float32, not normalised."""
        ...


@runtime_checkable
class BeginsImages(Protocol):
    """What an `Encoder` may have in addition, if it computes on a device beside the processor.

    The next batch is then read and copied to the device while the device computes this one.
    """

    def begin_images(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], npt.NDArray[np.float32]]:
        """Begin to embed images, and return what waits for the embeddings: those that `encode_images` would give.

        `pixels` may be read-only, and may lie on the disk: it is read once, before this returns.
        """
        ...


@runtime_checkable
class NamedEncoder(Protocol):
    """An encoder of precomputed embeddings: it is asked by ID, and sees no pixels.

    Variants of a quantizer whose record has ``provider="precomputed"`` have one.
    """

    def find_images(self, benchmark: str, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """The embeddings of images by ID (`qbench.images.ids.image_id`) → ``(n, d)`` float32.

        Parameters
        ----------
        benchmark : str
            The benchmark's label: IDs are unique in its dataset only.
        ids : sequence of str
            The images, in order.

        Raises
        ------
        ModelError
            Some are missing, or what is there cannot be an embedding.
        """
        ...

    def find_texts(self, benchmark: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The embeddings of texts, each looked up by its exact characters → ``(n, d)`` float32."""
        ...


class Checkpoint(Protocol):
    """Weights that were found on this machine, not loaded yet."""

    @property
    def identity(self) -> Identity:
        """Which weights these are."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """How they want their images."""
        ...

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> LoadedModel:
        """Load the weights.

        Parameters
        ----------
        device : str
            ``cpu``, ``cuda``, ``cuda:1``, …
        dtype : {"float32", "float16", "bfloat16"}
            The type of every layer that is not quantized. Always explicit.
        quantization_config : object, optional
            Passed to the library that loads the weights, for methods that quantize while loading.

        Raises
        ------
        ModelError
            The weights are damaged, or are stored quantized: no method may quantize them again by accident.
        """
        ...


@runtime_checkable
class Inspectable(Protocol):
    """What a checkpoint may offer besides: its layers and weights, looked at without loading it.

    Without it a quantizer that exchanges layers while loading takes no scope, and the weight error is not known.
    """

    def skeleton(self) -> Any:
        """The model without its weights (for torch: on the meta device), to see which layers it has."""
        ...

    def weight(self, name: str) -> npt.NDArray[np.float32] | None:
        """One weight as the checkpoint has it, by its name in the loaded model (``visual_projection.weight``).

        `None` where there is not one of that name, or where it is stored quantized.
        """
        ...

    def disk_bytes(self) -> int:
        """Bytes of the weight files."""
        ...


@runtime_checkable
class Storable(Protocol):
    """What a checkpoint may offer besides: variants of it are kept on disk, and loaded again as they were."""

    def save(self, encoder: LoadedModel, folder: Path) -> None:
        """Write a variant's model, and all that belongs to it, into the empty `folder`."""
        ...

    def load_stored(self, *, device: str) -> tuple[LoadedModel, DType]:
        """Load weights that are stored quantized, and the type of the layers that are not.

        Raises
        ------
        ModelError
            They are not stored quantized.
        """
        ...


@runtime_checkable
class Limited(Protocol):
    """An optional part of a checkpoint: it can be loaded in some types only, such as an exported runtime in float32.

    `Checkpoint.load` raises an error of qbench for every other type. A checkpoint without it can be loaded in all.
    """

    @property
    def dtypes(self) -> tuple[DType, ...]:
        """The types in which it can be loaded."""
        ...


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One weight matrix and what became of it.

    Attributes
    ----------
    name : str
        Its path in the model.
    tower : {"image", "projector", "text", "shared"}
        The part of the model it belongs to; see `Tower`.
    kind : str
        The class that holds it, such as ``Linear8bitLt``.
    parameters : int
        Number of weights (bias not counted).
    quantized : bool
        Whether the method changed its weights: stored in fewer bits than the dtype that was asked for, or pruned.
    bits : float
        Bits per weight, scales and other state of the quantization included.
    reason : str
        Why it was left out; empty where it was quantized.
    error : float or None
        Relative Frobenius norm of what the method (or a cast) did: ‖original − effective‖ / ‖original‖; `None` where
        it cannot be known.
    sparsity : float or None
        Share of the effective weights that are exactly zero, 0 to 1; `None` where it cannot be known.
    """

    name: str
    tower: Tower
    kind: str
    parameters: int
    quantized: bool
    bits: float
    reason: str = ""
    error: float | None = None
    sparsity: float | None = None

    @property
    def snr(self) -> float | None:
        """Signal to noise of the weights in dB; `None` where the error is not known, or where there is none."""
        return -20 * math.log10(self.error) if self.error else None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What was quantized, layer by layer: every Linear, measured before the first forward.

    For precomputed embeddings it is what their maker declares; a layer may then stand for many.

    Attributes
    ----------
    layers : tuple of Layer
        Every Linear of the model.
    total_parameters : int
        Parameters of the whole model, embeddings and norms included; 0 if they are not known.
    model_bytes : int or None
        Bytes of the whole model in memory, as loaded; `None` where they are not known.
    disk_bytes : int or None
        Bytes of the weight files that it was loaded from; `None` where they are not known.
    declared : bool
        Whether this is somebody's word rather than measured here.
    """

    layers: tuple[Layer, ...]
    total_parameters: int
    model_bytes: int | None
    disk_bytes: int | None = None
    declared: bool = False

    def share(self, tower: str | None = None) -> float:
        """Share of the Linear weights (of one tower) that is quantized, 0 to 1; 0 where there is none."""
        layers = [x for x in self.layers if tower is None or x.tower == tower]
        total = sum(x.parameters for x in layers)
        return sum(x.parameters for x in layers if x.quantized) / total if total else 0.0

    @property
    def bits_per_weight(self) -> float:
        """Effective bits per weight over all Linear layers."""
        total = sum(x.parameters for x in self.layers)
        return sum(x.parameters * x.bits for x in self.layers) / total if total else 0.0


class CalibrationData(Protocol):
    """Images and texts from which a method may learn ranges of activations: none of them is evaluated."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all images and texts, in order: a part of the variant's key."""
        ...

    @property
    def texts(self) -> Sequence[str]:
        """The texts."""
        ...

    def pixels(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """The images, decoded as `geometry` says → ``(n, size, size, 3)`` uint8 RGB."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where a variant is built, and from what.

    Attributes
    ----------
    device : str
        ``cpu``, ``cuda`` or ``cuda:1``.
    calibration : CalibrationData or None
        What a method that needs activations may run; `None` where none is given.
    """

    device: str
    calibration: CalibrationData | None = None


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A checkpoint after a quantizer: ready to be asked.

    Attributes
    ----------
    encoder : LoadedModel
        The loaded model: an `Encoder` for the probe ``embedding``; for another probe, what that one asks for.
    coverage : Coverage
        What was quantized.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that were not quantized.
    control : str
        Name of the control arm that only casts, to the same type; empty where it is one itself, or where there is none.
    note : str
        What else is cast, so that no arm matches in full.
    save : callable or None
        Writes the exact variant into an empty folder, which a model source can open, and gives the name of the
        quantizer that loads it as it is. Called before the first forward. `None` where the method cannot.
    kind : {"quantization", "control"} or None
        What it is, where that is known of the variant only; `None` where the quantizer's record says it.
    numerics : str
        Which kernels made the embeddings, in words, where that was not on this machine.
    """

    encoder: LoadedModel
    coverage: Coverage
    dtype: DType
    control: str = ""
    note: str = ""
    save: Callable[[Path], str] | None = None
    kind: Literal["quantization", "control"] | None = None
    numerics: str = ""
