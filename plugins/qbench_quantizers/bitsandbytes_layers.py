"""The 8 and 4 bit methods of bitsandbytes, through transformers' configuration.

The layers that are replaced are decided before loading, from the model without its weights. transformers gets the
complete list of layers to leave out, which includes its own choice (``text_projection`` of a CLIPModel, the last
parameter of the model).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from qbench.api import Checkpoint, Context, DType, Inspectable, LoadedModel, QuantizationError, Storable, Variant
from qbench.api.quantizers import CONTROL_ARMS, torch_module
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.options import Int4Options, Int8Options, ScopeOptions
from qbench_quantizers.scope import Scope, resolve

LEFT_OUT = "left out by transformers"


def build_int8(checkpoint: Checkpoint, context: Context, options: Int8Options) -> Variant:
    """LLM.int8() (Dettmers et al. 2022)."""
    from transformers import BitsAndBytesConfig

    return _build(
        checkpoint,
        context,
        options,
        lambda skip: BitsAndBytesConfig(
            load_in_8bit=True, llm_int8_threshold=options.threshold, llm_int8_skip_modules=skip
        ),
    )


def build_int4(checkpoint: Checkpoint, context: Context, options: Int4Options) -> Variant:
    """4 bit in blocks (QLoRA, Dettmers et al. 2023)."""
    from qbench_quantizers.blocks import BlocksConfig

    variant = _build(
        checkpoint,
        context,
        options,
        lambda skip: BlocksConfig(
            options.block_size,
            bnb_4bit_quant_type=options.quant_type,
            bnb_4bit_use_double_quant=options.double_quant,
            bnb_4bit_compute_dtype=getattr(torch, options.compute_dtype),
            llm_int8_skip_modules=skip,
        ),
    )
    if context.device == "cpu":
        _check_widths(torch_module(variant.encoder), options.block_size)
    return variant


def compute_note(model: torch.nn.Module, dtype: DType) -> str:
    """What the quantized layers of a model in `dtype` cast in addition; empty if they cast nothing else."""
    from bitsandbytes.nn.modules import Linear4bit, Linear8bitLt

    kinds = {type(layer): layer for layer in model.modules()}
    if Linear8bitLt in kinds and dtype != "float16":
        return "LLM.int8() casts its inputs to float16 inside the product"
    if Linear4bit in kinds:
        layer = kinds[Linear4bit]
        if layer.weight.device.type == "cpu" and runs_in_bfloat16():
            return "" if dtype == "bfloat16" else BFLOAT16_NOTE
        compute = str(layer.compute_dtype).removeprefix("torch.")
        if compute != dtype:
            return f"the products of the 4 bit layers are computed in {compute}"
    return ""


PACKED_ROWS = 32
"""Outputs that bitsandbytes packs together for its kernel on a CPU with AVX512-BF16."""

BFLOAT16_NOTE = "the products of the 4 bit layers are computed in bfloat16 on this kind of CPU, whatever is asked for"


def runs_in_bfloat16() -> bool:
    """Whether bitsandbytes computes 4 bit products on this CPU in bfloat16.

    Where the CPU has AVX512-BF16, its kernel for 4 bit layers takes bfloat16 only and casts everything to it
    (bitsandbytes 0.50, ``backends/cpu/ops.py``); elsewhere ``compute_dtype`` decides.
    """
    from bitsandbytes.functional import has_avx512bf16

    return bool(has_avx512bf16())


def _build(
    checkpoint: Checkpoint,
    context: Context,
    options: Int8Options | Int4Options,
    configure: Callable[[list[str] | None], Any],
) -> Variant:
    """Quantize with the configuration that `configure` makes of the list of layers to leave out."""
    scope = _scope(checkpoint, options)
    config = configure(None if scope is None else sorted(scope.reasons))
    encoder = checkpoint.load(device=context.device, dtype=options.dtype, quantization_config=config)
    return Variant(
        encoder=encoder,
        coverage=measure_coverage(torch_module(encoder), reason=LEFT_OUT, checkpoint=checkpoint, scope=scope),
        dtype=options.dtype,
        control=CONTROL_ARMS[options.dtype],
        note=compute_note(torch_module(encoder), options.dtype),
        save=_save(checkpoint, encoder),
    )


def _scope(checkpoint: Checkpoint, options: ScopeOptions) -> Scope | None:
    """The scope; `None` if the source cannot show its layers and the options leave the choice to the library."""
    if isinstance(checkpoint, Inspectable):
        model = checkpoint.skeleton()
        return resolve(model, options, library=dict.fromkeys(_library_list(model), LEFT_OUT))
    if (options.only, options.skip, options.towers, options.projections) != ((), (), "both", "library"):
        raise QuantizationError(
            f"the model source {checkpoint.identity.source!r} cannot show its layers before they are loaded, so "
            "the options only, skip, towers and projections cannot be used"
        )
    return None


def _library_list(model: Any) -> list[str]:
    """The Linear layers that transformers leaves out by default, found with its own functions.

    Raises
    ------
    QuantizationError
        The model is not one of transformers, so it would not be quantized while it is loaded.
    """
    from transformers import PreTrainedModel
    from transformers.quantizers.base import HfQuantizer
    from transformers.quantizers.quantizers_utils import should_convert_module

    if not isinstance(model, PreTrainedModel):
        raise QuantizationError(
            f"it quantizes while transformers loads a model, and a {type(model).__name__} is not one of its models",
            fix="Use a quantizer that exchanges layers after loading, such as torch-int8 or prune-magnitude.",
        )
    kept: Any = model._keep_in_fp32_modules
    keys = HfQuantizer.get_modules_to_not_convert(model, None, kept)
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and not should_convert_module(name, keys)
    ]


def _save(checkpoint: Checkpoint, encoder: LoadedModel) -> Any:
    if not isinstance(checkpoint, Storable):
        return None

    def save(folder: Path) -> str:
        # On some CPUs the first forward pass repacks 4 bit weights, so that the saved weights would be others.
        states = (getattr(p, "quant_state", None) for p in torch_module(encoder).parameters())
        if any(getattr(state, "packing_format_for_cpu", False) for state in states):
            raise QuantizationError(
                "the model has run already, which repacked its weights", fix="Save it before it runs."
            )
        checkpoint.save(encoder, folder)
        return "stored"

    return save


def _check_widths(model: torch.nn.Module, block_size: int) -> None:
    """Refuse layers for which the CPU kernels give wrong results without an error."""
    from bitsandbytes.nn.modules import Linear4bit

    for name, layer in model.named_modules():
        if not isinstance(layer, Linear4bit):
            continue
        if layer.in_features % block_size:
            raise QuantizationError(
                f"the layer {name} has {layer.in_features} inputs; blocks of {block_size} on a CPU need a multiple of "
                f"{block_size}",
                fix="Use a smaller block_size, a CUDA device, another quantizer, or a model whose widths fit.",
            )
        if layer.out_features % PACKED_ROWS and runs_in_bfloat16():
            raise QuantizationError(
                f"the layer {name} has {layer.out_features} outputs; the 4 bit kernel of this kind of CPU needs a "
                f"multiple of {PACKED_ROWS}",
                fix="Name the layer in skip, or use a CUDA device, another quantizer, or a model whose widths fit.",
            )
