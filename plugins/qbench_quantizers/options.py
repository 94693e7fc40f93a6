"""The options of the built-in quantizers: light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qbench.api import DType

CONTROLS: dict[DType, str] = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
"""The control arm that only casts, by the type of the layers that a quantizer leaves alone."""

Towers = Literal["both", "image", "text"]
Projections = Literal["library", "both", "none"]


@dataclass(frozen=True, kw_only=True)
class ScopeOptions:
    """Which Linear layers a method is to change; a base of the other options.

    Attributes
    ----------
    towers : {"both", "image", "text"}
        Both encoders, or only one.
    skip : tuple of str
        Layers to leave out, by shell patterns over their names (``*.fc2``). One that fits no layer is an error.
    projections : {"library", "both", "none"}
        The last layers of both towers: as the library has it (transformers leaves out ``text_projection`` and
        quantizes ``visual_projection``), or both quantized, or neither.
    """

    towers: Towers = "both"
    skip: tuple[str, ...] = ()
    projections: Projections = "library"


@dataclass(frozen=True, kw_only=True)
class Int8Options(ScopeOptions):
    """LLM.int8() through transformers.

    Attributes
    ----------
    threshold : float
        Input features with a value beyond it are computed in 16 bit (Dettmers et al. 2022); 0 switches that off.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that are not quantized.
    """

    threshold: float = 6.0
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        """Refuse a threshold that means nothing."""
        if not 0 <= self.threshold < float("inf"):
            raise ValueError(f"threshold has to be 0 or more, not {self.threshold}")


@dataclass(frozen=True, kw_only=True)
class Int4Options(ScopeOptions):
    """4 bit by blocks (QLoRA) through transformers.

    Attributes
    ----------
    quant_type : {"nf4", "fp4"}
        The 16 values. NF4 is the study's; the library's own default is fp4.
    double_quant : bool
        Whether the scales of the blocks are quantized too.
    block_size : {32, 64, 128, 256, 512, 1024, 2048, 4096}
        Weights that share a scale. On a CPU every layer's inputs have to be a multiple of it.
    compute_dtype : {"float32", "float16", "bfloat16"}
        The type of the products, whatever the type of what comes in. A CPU with AVX512-BF16 computes them in bfloat16
        whatever is asked for; the variant's note says so.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that are not quantized.
    """

    quant_type: Literal["nf4", "fp4"] = "nf4"
    double_quant: bool = False
    block_size: Literal[32, 64, 128, 256, 512, 1024, 2048, 4096] = 64
    compute_dtype: DType = "float32"
    dtype: DType = "float32"


@dataclass(frozen=True, kw_only=True)
class DynamicOptions(ScopeOptions):
    """PyTorch's dynamic quantization.

    Attributes
    ----------
    per_channel : bool
        One scale for each row of a weight in place of one for the whole.
    """

    per_channel: bool = False


@dataclass(frozen=True, kw_only=True)
class PruneOptions(ScopeOptions):
    """Magnitude pruning.

    Attributes
    ----------
    sparsity : float
        Share of each layer's weights that become zero.
    """

    sparsity: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a share that prunes nothing or all."""
        if not 0 < self.sparsity < 1:
            raise ValueError(f"sparsity has to be between 0 and 1, not {self.sparsity}")
