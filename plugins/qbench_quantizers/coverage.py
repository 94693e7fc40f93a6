"""Measures what was really quantized: every Linear layer and other matrix of a torch model, before it runs.

Before, because bitsandbytes repacks NF4 weights on a CPU at the first forward pass. Bits are counted from the bytes in
memory, scales and other state included, not from the name of a method.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from qbench.api import Checkpoint, Coverage, Inspectable, Layer, QuantizationError, tower_of
from qbench.api.quantizers import bare_matrices
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
    """The coverage of a model's Linear layers.

    Parameters
    ----------
    model : torch.nn.Module
        A model that was loaded and not yet run.
    reason : str
        Why a layer is not quantized, if the scope does not say.
    checkpoint : Checkpoint, optional
        The source of the original weights; without it the weight error is not known.
    scope : Scope, optional
        The layers that should be quantized, which are compared with those that are.
    pruned : collection of str
        Layers that the method changed in place, without another type.
    control : bool
        Whether this is a control arm, in which nothing should be quantized.

    Returns
    -------
    Coverage
        One entry per Linear layer, and per matrix of attention or a projection that is not a Linear layer.

    Raises
    ------
    QuantizationError
        No layer was quantized, or not the layers of the scope.
    """
    layers = []
    linear_bytes = 0
    inside: set[str] = set()  # the weights of Linear layers, which are counted with their layer
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
                kind=_kind(module),
                parameters=count,
                quantized=quantized,
                bits=8 * held / count,
                reason="" if quantized else scope.reasons.get(name, reason) if scope else reason,
                error=None if effective is None else weight_error(f"{name}.weight", effective, checkpoint),
                sparsity=None if effective is None else sparsity(effective),
            )
        )
    for name, matrix in bare_matrices(model).items():
        linear_bytes += matrix.nbytes
        inside.add(name)
        layers.append(_bare(name, matrix, checkpoint))
    if not control and not any(layer.quantized for layer in layers):
        raise QuantizationError(
            f"none of the model's {len(layers)} Linear layers was quantized",
            fix="The method does not support this architecture: use another quantizer.",
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


def _bare(name: str, matrix: torch.Tensor, checkpoint: Checkpoint | None) -> Layer:
    """A matrix that is not a Linear layer, which no method of this package changes."""
    values = matrix.detach().float()
    return Layer(
        name=name,
        tower=tower_of(name),
        kind="Parameter",
        parameters=matrix.numel(),
        quantized=False,
        bits=8 * matrix.element_size(),
        reason="a parameter outside any Linear layer; its module multiplies by it directly",
        error=weight_error(name, values, checkpoint),
        sparsity=sparsity(values),
    )


def _weights(module: nn.Module) -> tuple[int, int, bool] | None:
    """The number of weights, their bytes, and whether they are quantized; `None` for any other kind of layer."""
    if isinstance(module, torch.ao.nn.quantized.dynamic.Linear):
        weight = module.weight()
        return weight.numel(), weight.numel() * weight.element_size() + _channel_bytes(weight), True
    if not isinstance(module, nn.Linear):
        return None
    count = module.in_features * module.out_features
    weight = module.weight
    if is_traceable_wrapper_subclass(weight):
        return count, _held(weight), True
    held = weight.nbytes + _state_bytes(weight)
    return count, held, weight.dtype not in BITS


def _kind(module: nn.Module) -> str:
    """The class of a layer; that of its weight where the layer stays and the weight is of a class of its own."""
    weight = getattr(module, "weight", None)
    return type(
        weight if isinstance(weight, torch.Tensor) and is_traceable_wrapper_subclass(weight) else module
    ).__name__


def _held(tensor: torch.Tensor) -> int:
    """The bytes in memory: ``nbytes`` of a tensor that wraps others (as torchao's do) is that of what it stands for."""
    if not is_traceable_wrapper_subclass(tensor):
        return tensor.nbytes
    return sum(_held(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])


def _channel_bytes(weight: torch.Tensor) -> int:
    """The bytes of the scales and zero points that PyTorch keeps per row; one for the whole tensor is not counted."""
    if weight.qscheme() == torch.per_tensor_affine:
        return 0
    return weight.q_per_channel_scales().nbytes + weight.q_per_channel_zero_points().nbytes


def _state_bytes(weight: Any) -> int:
    """The bytes of the scales that bitsandbytes keeps for a weight."""
    held = 0
    scales = getattr(weight, "SCB", None)  # LLM.int8: one per row
    if scales is not None:
        held += scales.nbytes
    state = getattr(weight, "quant_state", None)  # 4 bit: one per block, perhaps quantized again
    while state is not None:
        held += state.absmax.nbytes
        state = getattr(state, "state2", None)
    return held


def _packed_biases(model: nn.Module) -> list[torch.Tensor]:
    """The biases of dynamically quantized layers, which are not among the ``named_parameters``."""
    packed = (m for m in model.modules() if isinstance(m, torch.ao.nn.quantized.dynamic.Linear))
    return [bias for m in packed if (bias := m.bias()) is not None]
