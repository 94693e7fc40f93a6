"""The options of the built-in quantizers. Light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qbench.api import DType, LayerOptions, Tower

Towers = Literal["both", "image", "projector", "text"]
Projections = Literal["library", "both", "none"]


@dataclass(frozen=True, kw_only=True)
class ScopeOptions(LayerOptions):
    """Which Linear layers a method changes; a base class of the other options, which adds to `only` and `skip`.

    Attributes
    ----------
    towers : {"both", "image", "projector", "text"}
        All of the model, or only one part of it. Of a generative model, ``image`` is the vision tower and ``text`` the
        language model.
    projections : {"library", "both", "none"}
        Whether the last layers of the towers are quantized: as the library decides (transformers leaves out
        ``text_projection`` and quantizes ``visual_projection``), both, or neither.
    """

    towers: Towers = "both"
    projections: Projections = "library"

    @property
    def changed_towers(self) -> frozenset[Tower]:
        """Those of `only`, without the tower that `towers` leaves out."""
        named = super().changed_towers
        return named if self.towers == "both" else named & {self.towers}


@dataclass(frozen=True, kw_only=True)
class Int8Options(ScopeOptions):
    """LLM.int8() through transformers.

    Attributes
    ----------
    threshold : float
        Input features with a value above it are computed in 16 bit (Dettmers et al. 2022); 0 switches this off.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that are not quantized.
    """

    threshold: float = 6.0
    dtype: DType = "float32"

    @property
    def other_dtype(self) -> DType:
        """The option `dtype`."""
        return self.dtype

    def __post_init__(self) -> None:
        """Refuse a threshold without a meaning."""
        if not 0 <= self.threshold < float("inf"):
            raise ValueError(f"threshold must be 0 or more, not {self.threshold}")


@dataclass(frozen=True, kw_only=True)
class Int4Options(ScopeOptions):
    """4 bit in blocks (QLoRA) through transformers.

    Attributes
    ----------
    quant_type : {"nf4", "fp4"}
        The set of 16 values. The study uses NF4; the default of the library is fp4.
    double_quant : bool
        Whether the scales of the blocks are quantized too.
    block_size : {32, 64, 128, 256, 512, 1024, 2048, 4096}
        The number of weights that share a scale. On a CPU, the inputs of every layer must be a multiple of it.
    compute_dtype : {"float32", "float16", "bfloat16"}
        The type of the products, whatever the type of the inputs is. A CPU with AVX512-BF16 computes them in bfloat16
        whatever is asked for; the variant's note says so.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that are not quantized.
    """

    quant_type: Literal["nf4", "fp4"] = "nf4"
    double_quant: bool = False
    block_size: Literal[32, 64, 128, 256, 512, 1024, 2048, 4096] = 64
    compute_dtype: DType = "float32"
    dtype: DType = "float32"

    @property
    def other_dtype(self) -> DType:
        """The option `dtype`."""
        return self.dtype


@dataclass(frozen=True, kw_only=True)
class DynamicOptions(ScopeOptions):
    """PyTorch's dynamic quantization.

    Attributes
    ----------
    per_channel : bool
        Whether each row of a weight has a scale of its own.
    """

    per_channel: bool = False


@dataclass(frozen=True, kw_only=True)
class PruneOptions(ScopeOptions):
    """Magnitude pruning.

    Attributes
    ----------
    sparsity : float
        The share of the weights of each layer that become zero.
    pattern : {"unstructured", "2:4"}
        Where the zeros may be: anywhere, or two of every four consecutive weights of a row, which sparse tensor cores
        can skip (Mishra et al. 2021); the share is then 0.5.
    """

    sparsity: float = 0.5
    pattern: Literal["unstructured", "2:4"] = "unstructured"

    def __post_init__(self) -> None:
        """Refuse a share that prunes nothing or everything, or that is not that of the pattern."""
        if self.pattern == "2:4" and self.sparsity != 0.5:
            raise ValueError(f"the pattern 2:4 has a sparsity of 0.5, not {self.sparsity}")
        if not 0 < self.sparsity < 1:
            raise ValueError(f"sparsity must be between 0 and 1, not {self.sparsity}")
