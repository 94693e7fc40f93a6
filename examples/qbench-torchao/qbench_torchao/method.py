"""Applies torchao to a loaded model, and reads from its tensors what it did."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torchao.quantization import (
    Float8DynamicActivationFloat8WeightConfig,
    Float8WeightOnlyConfig,
    Int8DynamicActivationInt8WeightConfig,
    Int8WeightOnlyConfig,
    IntxWeightOnlyConfig,
    quantize_,
)
from torchao.quantization.granularity import PerGroup, PerRow

from qbench.api import Coverage, Inspectable, Layer, QuantizationError, Variant, tower_of
from qbench.api.quantizers import CONTROL_ARMS, torch_module


def build_torchao(method: str, checkpoint: Any, context: Any, options: Any) -> Variant:
    """Quantize every plain Linear layer that the method supports.

    Raises
    ------
    QuantizationError
        The machine cannot run the method, or it quantized nothing.
    """
    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = torch_module(encoder)
    linears = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    reasons = {name: reason for name, m in linears.items() if (reason := _left_out(m, method, options))}
    before = {name: module.weight.detach() for name, module in linears.items()}
    try:
        quantize_(model, _config(method, options), filter_fn=lambda _, name: name in linears and name not in reasons)
    except (AssertionError, NotImplementedError, ImportError) as error:  # torchao asserts properties of the GPU
        raise QuantizationError(f"torchao cannot do {method} on this machine ({error})") from None
    layers = tuple(
        _layer(name, module, before[name], reasons.get(name, ""), method, options) for name, module in linears.items()
    )
    if not any(layer.quantized for layer in layers):
        raise QuantizationError(f"none of the model's {len(layers)} Linear layers was quantized")
    inside = {id(module.weight) for module in linears.values()}
    others = [p for p in model.parameters() if id(p) not in inside]
    coverage = Coverage(
        layers=layers,
        total_parameters=sum(layer.parameters for layer in layers) + sum(p.numel() for p in others),
        model_bytes=sum(_bytes(module.weight) for module in linears.values())
        + sum(t.nbytes for t in (*others, *model.buffers())),
        disk_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None,
    )
    return Variant(encoder=encoder, coverage=coverage, dtype="float32", control=CONTROL_ARMS["float32"])


def _config(method: str, options: Any) -> Any:
    if method == "intx":
        kind = getattr(torch, f"int{options.bits}")
        return IntxWeightOnlyConfig(weight_dtype=kind, granularity=PerGroup(options.group))
    return {
        "int8wo": Int8WeightOnlyConfig,
        "int8dq": Int8DynamicActivationInt8WeightConfig,
        "float8wo": Float8WeightOnlyConfig,
        "float8dq": lambda: Float8DynamicActivationFloat8WeightConfig(granularity=PerRow()),
    }[method]()


def _left_out(module: nn.Linear, method: str, options: Any) -> str:
    """Why a layer is not quantized; empty if it is."""
    if type(module) is not nn.Linear:
        return f"a {type(module).__name__}, which the module around it reads directly"
    if method == "intx" and module.in_features % options.group:
        return f"{module.in_features} inputs are not a multiple of group = {options.group}"
    return ""


def _layer(name: str, module: nn.Linear, before: torch.Tensor, reason: str, method: str, options: Any) -> Layer:
    weight: Any = module.weight
    quantized = hasattr(weight, "qdata")
    after = (weight.dequantize() if quantized else weight).detach().float()
    norm = torch.linalg.vector_norm(before, dtype=torch.float64)
    bits = 8 * _bytes(weight) / before.numel()
    if quantized and method == "intx":
        # One byte per weight is stored, whatever the bits are: coverage counts the bits, model_bytes the bytes.
        bits -= 8 - options.bits
    return Layer(
        name=name,
        tower=tower_of(name),
        kind=type(weight).__name__ if quantized else type(module).__name__,
        parameters=before.numel(),
        quantized=quantized,
        bits=bits,
        reason=reason if quantized or reason else "left out by torchao",
        error=float(torch.linalg.vector_norm(before.double() - after.double()) / norm),
        sparsity=1 - int(torch.count_nonzero(after)) / after.numel(),
    )


def _bytes(weight: Any) -> int:
    """The bytes in memory: ``nbytes`` of a torchao tensor is that of the tensor that it represents."""
    parts = (getattr(weight, name, None) for name in ("qdata", "scale", "zero_point"))
    held = sum(part.nbytes for part in parts if isinstance(part, torch.Tensor))
    return held or weight.nbytes
