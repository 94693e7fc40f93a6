"""8 and 4 bit of bitsandbytes, through transformers' own configuration.

transformers decides which layers are replaced (it leaves out ``text_projection`` of a CLIPModel, being the model's last
parameter); nothing is added to its list here, and coverage shows what came of it.
"""

from __future__ import annotations

from typing import Any

import torch

from qbench.api import Checkpoint, Context, DType, QuantizationError, Variant
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.module import module_of
from qbench_quantizers.options import Int4Options, Int8Options

BLOCK = 64
"""Weights a block of NF4 and fp4; on a CPU every input width has to be a multiple of it."""


def build_int8(checkpoint: Checkpoint, context: Context, options: Int8Options) -> Variant:
    """LLM.int8() (Dettmers et al. 2022)."""
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=options.threshold)
    return _build(checkpoint, context, options.dtype, config)


def build_int4(checkpoint: Checkpoint, context: Context, options: Int4Options) -> Variant:
    """4 bit by blocks (Dettmers et al. 2023)."""
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=options.quant_type,
        bnb_4bit_use_double_quant=options.double_quant,
        bnb_4bit_compute_dtype=getattr(torch, options.compute_dtype),
    )
    variant = _build(checkpoint, context, options.dtype, config)
    if context.device == "cpu":
        _check_widths(module_of(variant.encoder))
    return variant


def _build(checkpoint: Checkpoint, context: Context, dtype: DType, config: Any) -> Variant:
    encoder = checkpoint.load(device=context.device, dtype=dtype, quantization_config=config)
    coverage = measure_coverage(module_of(encoder), reason="left out by transformers")
    return Variant(encoder=encoder, coverage=coverage, dtype=dtype)


def _check_widths(model: torch.nn.Module) -> None:
    from bitsandbytes.nn.modules import Linear4bit

    for name, layer in model.named_modules():
        if isinstance(layer, Linear4bit) and layer.in_features % BLOCK:
            raise QuantizationError(
                f"the layer {name} has {layer.in_features} inputs; 4 bit on a CPU needs a multiple of {BLOCK}",
                fix="Use a CUDA device, another quantizer, or a model whose widths fit.",
            )
