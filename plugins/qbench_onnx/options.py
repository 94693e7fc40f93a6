"""The options of the quantizers that ONNX Runtime runs. Light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from qbench.api import FILES

Towers = Literal["both", "image", "text"]


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """How ONNX Runtime runs a graph.

    Attributes
    ----------
    threads : int
        Threads within an operator; 0 for as many as torch computes with, which every key says.
    provider : str
        The execution provider. Operators that it does not have run on the CPU.
    optimization : {"disabled", "basic", "extended", "all"}
        How far ONNX Runtime rewrites the graph before it runs.
    """

    threads: int = 0
    provider: str = "CPUExecutionProvider"
    optimization: Literal["disabled", "basic", "extended", "all"] = "all"

    def __post_init__(self) -> None:
        """Refuse a negative number of threads."""
        if self.threads < 0:
            raise ValueError(f"threads must be 0 or more, not {self.threads}")


@dataclass(frozen=True, kw_only=True)
class FolderOptions(RuntimeOptions):
    """An exported model, and how ONNX Runtime runs it and all of its variants.

    Attributes
    ----------
    path : str
        The folder with ``config.json``, the tokenizer and the graphs, in the layout of transformers.js or of Optimum.
    """

    path: str = field(default="", metadata=FILES)


@dataclass(frozen=True, kw_only=True)
class VariantOptions:
    """One variant of an exported model.

    Attributes
    ----------
    variant : str
        What the names of its graphs end with, without the underscore: ``fp16``, ``int8``, ``uint8``, ``q4``,
        ``q4f16``, ``bnb4`` or ``quantized``; ``fp32`` for the graphs in single precision.
    """

    variant: str = "quantized"


@dataclass(frozen=True, kw_only=True)
class DynamicOptions(RuntimeOptions):
    """What `onnxruntime.quantization` quantizes, and how.

    Attributes
    ----------
    towers : {"both", "image", "text"}
        Both towers, or only one.
    skip : tuple of str
        Layers to leave out, as shell patterns for their names (``*.fc2``). A pattern that matches no layer is an error.
    per_channel : bool
        Whether each output of a layer has a scale of its own.
    reduce_range : bool
        Whether weights have 7 bits. Without VNNI instructions, a CPU adds products of 8 bits with saturation.
    """

    towers: Towers = "both"
    skip: tuple[str, ...] = ()
    per_channel: bool = False
    reduce_range: bool = False


@dataclass(frozen=True, kw_only=True)
class StaticOptions(DynamicOptions):
    """Static quantization: the ranges of activations are measured on the calibration data.

    Attributes
    ----------
    method : {"minmax", "entropy", "percentile"}
        How a range follows from the activations that were seen: all of them, the range that loses least information,
        or the range of `percentile` per cent of them.
    percentile : float
        For the method ``percentile``, above 50 and at most 100.
    """

    method: Literal["minmax", "entropy", "percentile"] = "minmax"
    percentile: float = 99.999

    def __post_init__(self) -> None:
        """Refuse a percentile without a meaning."""
        super().__post_init__()
        if not 50 < self.percentile <= 100:
            raise ValueError(f"percentile must be above 50 and at most 100, not {self.percentile}")
