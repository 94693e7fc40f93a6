"""What was really quantized: every Linear of a torch model, looked at before its first forward.

Before, because bitsandbytes repacks NF4 weights on a CPU at the first forward. Bits are counted from the bytes that are
really held, scales and other state included, not from a method's name.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from qbench.api import Checkpoint, Coverage, Inspectable, Layer, QuantizationError, tower_of
from qbench_quantizers.effective import effective_weight, sparsity, weight_error
from qbench_quantizers.scope import Scope

BITS = {torch.float64: 64, torch.float32: 32, torch.float16: 16, torch.bfloat16: 16}


def measure_coverage(
    model: nn.Module,
    *,
    reason: str,
    checkpoint: Checkpoint | None = None,
    scope: Scope | None = None,
    pruned: Collection[str] = (),
    control: bool = False,
) -> Coverage:
    """The table of a model's Linear layers.

    Parameters
    ----------
    model : torch.nn.Module
        A model that was loaded and not yet run.
    reason : str
        Why a layer would not be quantized, where the scope does not say.
    checkpoint : Checkpoint, optional
        Where the original weights are read; without it no error is known.
    scope : Scope, optional
        What was to be quantized; compared with what was.
    pruned : collection of str
        Layers that the method changed in place, in the type they had.
    control : bool
        A control arm: nothing is expected to be quantized.

    Raises
    ------
    QuantizationError
        Nothing was quantized, or not what the scope says: that is a failure, not a result.
    """
    layers = []
    linear_bytes = 0
    inside: set[str] = set()  # parameters that belong to a Linear and are counted with it
    for name, module in model.named_modules():
        found = _weights(module)
        if found is None:
            continue
        count, held, quantized = found
        quantized = quantized or name in pruned
        effective = effective_weight(module)
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
                reason="" if quantized else scope.reasons.get(name, reason) if scope else reason,
                error=None if effective is None else weight_error(name, effective, checkpoint),
                sparsity=None if effective is None else sparsity(effective),
            )
        )
    if not control and not any(layer.quantized for layer in layers):
        raise QuantizationError(
            f"none of the model's {len(layers)} Linear layers was quantized",
            fix="The method does not know this architecture; a result would be that of the baseline.",
        )
    if scope is not None:
        scope.check([layer.name for layer in layers if layer.quantized])
    others = [p for n, p in model.named_parameters() if n not in inside] + _packed_biases(model)
    return Coverage(
        layers=tuple(layers),
        total_parameters=sum(x.parameters for x in layers) + sum(p.numel() for p in others),
        model_bytes=linear_bytes + sum(p.nbytes for p in others) + sum(b.nbytes for b in model.buffers()),
        disk_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None,
    )


def _weights(module: nn.Module) -> tuple[int, int, bool] | None:
    """Number of weights, bytes held for them, whether quantized; `None` for what is no Linear."""
    if isinstance(module, torch.ao.nn.quantized.dynamic.Linear):
        weight = module.weight()
        return weight.numel(), weight.numel() * weight.element_size() + _channel_bytes(weight), True
    if not isinstance(module, nn.Linear):
        return None
    count = module.in_features * module.out_features
    weight = module.weight
    held = weight.nbytes + _state_bytes(weight)
    return count, held, weight.dtype not in BITS


def _channel_bytes(weight: torch.Tensor) -> int:
    """Bytes of the scales and zero points that PyTorch keeps a row; one for the whole tensor counts as nothing."""
    if weight.qscheme() == torch.per_tensor_affine:
        return 0
    return weight.q_per_channel_scales().nbytes + weight.q_per_channel_zero_points().nbytes


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
