"""What was really quantized: every Linear of a torch model, looked at before its first forward.

Before, because bitsandbytes repacks NF4 weights on a CPU at the first forward. Bits are counted from the bytes that are
really held, scales and other state included, not from a method's name.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from qbench.api import Coverage, Layer, QuantizationError

BITS = {torch.float64: 64, torch.float32: 32, torch.float16: 16, torch.bfloat16: 16}


def measure_coverage(model: nn.Module, *, reason: str, control: bool = False) -> Coverage:
    """The table of a model's Linear layers.

    Parameters
    ----------
    model : torch.nn.Module
        A model that was loaded and not yet run.
    reason : str
        Why a layer would not be quantized.
    control : bool
        A control arm: nothing is expected to be quantized.

    Raises
    ------
    QuantizationError
        Nothing was quantized: that is a failure, not a result.
    """
    layers = []
    linear_bytes = 0
    inside: set[str] = set()  # parameters that belong to a Linear and are counted with it
    for name, module in model.named_modules():
        found = _weights(module)
        if found is None:
            continue
        count, held, quantized = found
        linear_bytes += held
        inside.add(f"{name}.weight")
        layers.append(
            Layer(
                name=name,
                tower=tower_of(name),
                kind=type(module).__name__,
                parameters=count,
                quantized=quantized,
                bits=8 * held / count,
                reason="" if quantized else reason,
            )
        )
    if not control and not any(layer.quantized for layer in layers):
        raise QuantizationError(
            f"none of the model's {len(layers)} Linear layers was quantized",
            fix="The method does not know this architecture; a result would be that of the baseline.",
        )
    others = [p for n, p in model.named_parameters() if n not in inside] + _packed_biases(model)
    return Coverage(
        layers=tuple(layers),
        total_parameters=sum(x.parameters for x in layers) + sum(p.numel() for p in others),
        model_bytes=linear_bytes + sum(p.nbytes for p in others) + sum(b.nbytes for b in model.buffers()),
    )


def tower_of(name: str) -> Literal["image", "text", "shared"]:
    """The encoder that a layer belongs to, by the names that transformers' dual encoders use."""
    head = name.split(".", 1)[0]
    if head.startswith(("vision", "visual", "image")):
        return "image"
    return "text" if head.startswith("text") else "shared"


def _weights(module: nn.Module) -> tuple[int, int, bool] | None:
    """Number of weights, bytes held for them, whether quantized; `None` for what is no Linear."""
    if isinstance(module, torch.ao.nn.quantized.dynamic.Linear):
        weight = module.weight()
        return weight.numel(), weight.numel() * weight.element_size(), True
    if not isinstance(module, nn.Linear):
        return None
    count = module.in_features * module.out_features
    weight = module.weight
    held = weight.nbytes + _state_bytes(weight)
    return count, held, weight.dtype not in BITS


def _state_bytes(weight: Any) -> int:
    """Bytes of the scales that bitsandbytes keeps beside a weight."""
    held = 0
    scales = getattr(weight, "SCB", None)  # LLM.int8: one a row
    if scales is not None:
        held += scales.nbytes
    state = getattr(weight, "quant_state", None)  # 4 bit: one a block, perhaps quantized again
    while state is not None:
        held += state.absmax.nbytes
        state = getattr(state, "state2", None)
    return held


def _packed_biases(model: nn.Module) -> list[torch.Tensor]:
    """The biases of dynamically quantized layers, which hold them outside of ``named_parameters``."""
    packed = (m for m in model.modules() if isinstance(m, torch.ao.nn.quantized.dynamic.Linear))
    return [bias for m in packed if (bias := m.bias()) is not None]
