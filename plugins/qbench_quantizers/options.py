"""The options of the built-in quantizers: light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qbench.api import DType


@dataclass(frozen=True, kw_only=True)
class Int8Options:
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
class Int4Options:
    """4 bit by blocks (QLoRA) through transformers.

    Attributes
    ----------
    quant_type : {"nf4", "fp4"}
        The 16 values. NF4 is the study's; the library's own default is fp4.
    double_quant : bool
        Whether the scales of the blocks are quantized too.
    compute_dtype : {"float32", "float16", "bfloat16"}
        The type of the products.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that are not quantized.
    """

    quant_type: Literal["nf4", "fp4"] = "nf4"
    double_quant: bool = False
    compute_dtype: DType = "float32"
    dtype: DType = "float32"
