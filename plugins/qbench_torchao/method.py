"""Applies torchao to a loaded model. What it did is read from its tensors, as for the other quantizers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torchao.quantization import (
    Float8DynamicActivationFloat8WeightConfig,
    Float8WeightOnlyConfig,
    Int4WeightOnlyConfig,
    Int8DynamicActivationInt8WeightConfig,
    Int8WeightOnlyConfig,
    IntxWeightOnlyConfig,
    quantize_,
)
from torchao.quantization.granularity import PerGroup, PerRow

from qbench.api import Checkpoint, Context, Coverage, QuantizationError, Variant
from qbench.api.quantizers import CONTROL_ARMS, torch_module
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.scope import Scope, resolve
from qbench_torchao.options import TorchaoOptions

FLOAT8 = ("float8wo", "float8dq")
"""The methods that scale each row of weights by its largest one, and a row of zeros by zero."""
CAPABILITY = {"float8dq": (8, 9), "int4": (8, 0)}
"""The least compute capability of a GPU that has the kernels of a method, where not every GPU has them."""
LEAST_ACTIVATION = 1e-12
"""The least value by which a row of activations is scaled: torchao would make NaN of a row of zeros otherwise."""
FLOAT8_MULTIPLE = 16
"""The product of float8 matrices needs inputs and outputs that are multiples of this."""


def build_torchao(method: str, checkpoint: Checkpoint, context: Context, options: Any) -> Variant:
    """Quantize the Linear layers that the options name and that the method supports.

    Raises
    ------
    QuantizationError
        The machine cannot run the method, or it quantized nothing.
    """
    _check_device(method, context.device)
    encoder = checkpoint.load(device=context.device, dtype=options.other_dtype)
    model = torch_module(encoder)
    scope = _fitting(model, resolve(model, options), method, options)
    try:
        quantize_(model, _config(method, context.device, options), filter_fn=lambda _, name: name in scope.wanted)
    except (AssertionError, NotImplementedError, ImportError) as error:  # torchao asserts properties of the machine
        raise QuantizationError(f"torchao cannot do {method} on this machine ({error})") from error
    coverage = measure_coverage(model, reason="left out by torchao", checkpoint=checkpoint, scope=scope)
    return Variant(
        encoder=encoder,
        coverage=_as_packed(coverage, options.bits) if method == "intx" else coverage,
        dtype=options.other_dtype,
        control=CONTROL_ARMS[options.other_dtype],
    )


def _check_device(method: str, device: str) -> None:
    """Refuse a GPU without the kernels of the method, before the weights are loaded."""
    needed = CAPABILITY.get(method)
    if needed is None or not device.startswith("cuda") or not torch.cuda.is_available():
        return
    found = torch.cuda.get_device_capability(device)
    if found < needed:
        raise QuantizationError(
            f"ao-{method} needs a GPU of compute capability {needed[0]}.{needed[1]} or higher, and this one has "
            f"{found[0]}.{found[1]}",
            fix="Use another GPU, or another quantizer, such as ao-int8wo or ao-intx.",
        )


def _config(method: str, device: str, options: Any) -> Any:
    """The configuration of a method. None may change settings of torch, which decide numbers of other variants too."""
    plain = {"set_inductor_config": False}
    if method == "intx":
        kind = getattr(torch, f"int{options.bits}")
        return IntxWeightOnlyConfig(weight_dtype=kind, granularity=PerGroup(options.group))
    if method == "int4" and device.startswith("cuda"):
        return Int4WeightOnlyConfig(group_size=options.group, int4_packing_format="tile_packed_to_4d", **plain)
    if method == "int4":
        from torchao.prototype.quantization.int4.inference_workflow import PrototypeInt4WeightOnlyConfig

        return PrototypeInt4WeightOnlyConfig(group_size=options.group, **plain)
    if method == "float8dq":
        return Float8DynamicActivationFloat8WeightConfig(
            granularity=PerRow(), activation_value_lb=LEAST_ACTIVATION, **plain
        )
    return {
        "int8wo": Int8WeightOnlyConfig,
        "int8dq": Int8DynamicActivationInt8WeightConfig,
        "float8wo": Float8WeightOnlyConfig,
    }[method](**plain)


def _fitting(model: nn.Module, scope: Scope, method: str, options: TorchaoOptions) -> Scope:
    """The scope without the layers whose shapes the method does not support, which torchao would pass over."""
    reasons = {name: reason for name in scope.wanted if (reason := _misfit(model.get_submodule(name), method, options))}
    return replace(scope, wanted=scope.wanted - reasons.keys(), reasons={**scope.reasons, **reasons})


def _misfit(layer: Any, method: str, options: Any) -> str:
    """Why the shape of a layer does not fit; empty if it does."""
    group = getattr(options, "group", 1)
    if layer.in_features % group:
        return f"{layer.in_features} inputs are not a multiple of group = {group}"
    if method == "float8dq" and (layer.in_features % FLOAT8_MULTIPLE or layer.out_features % FLOAT8_MULTIPLE):
        return f"{layer.in_features} inputs and {layer.out_features} outputs are not multiples of {FLOAT8_MULTIPLE}"
    if method in FLOAT8 and bool((layer.weight == 0).all(dim=1).any()):
        return "an output has no weight but zero, of which float8 in torchao makes NaN"
    return ""


def _as_packed(coverage: Coverage, bits: int) -> Coverage:
    """The coverage with the bits that packed weights would take; ``model_bytes`` stays what is held.

    `IntxWeightOnlyConfig` stores one byte per weight, whatever the bits are.
    """
    return replace(
        coverage,
        layers=tuple(replace(x, bits=x.bits - 8 + bits) if x.quantized else x for x in coverage.layers),
    )
