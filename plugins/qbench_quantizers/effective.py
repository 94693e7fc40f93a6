"""Reads the weights by which a layer really multiplies, with the functions of its library, and measures their error.

The results are correct before the first forward pass only: on some CPUs, bitsandbytes then repacks its 4 bit weights.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from qbench.api import Inspectable


def effective_weight(module: nn.Module) -> torch.Tensor | None:
    """The weight of a Linear layer as float32, on the layer's device; `None` if it cannot be read."""
    if isinstance(module, torch.ao.nn.quantized.dynamic.Linear):
        tensor: torch.Tensor = module.weight().dequantize()
        return tensor
    weight: Any = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor):
        return None
    if is_traceable_wrapper_subclass(weight):
        return _of_wrapper(weight)
    if weight.dtype.is_floating_point:
        return weight.detach().float()
    state, scales = getattr(weight, "quant_state", None), getattr(weight, "SCB", None)
    if state is not None and not getattr(state, "packing_format_for_cpu", False):
        from bitsandbytes.functional import dequantize_4bit

        tensor = dequantize_4bit(weight.data, state)
    elif scales is not None:
        from bitsandbytes.functional import int8_vectorwise_dequant

        tensor = int8_vectorwise_dequant(weight.data, scales)
    else:
        return None
    return tensor.float()


def _of_wrapper(weight: Any) -> torch.Tensor:
    """The weight of torchao. A packed format that cannot be read back is multiplied with unit vectors."""
    with torch.no_grad():
        if type(weight).dequantize is not torch.Tensor.dequantize:
            found: torch.Tensor = weight.dequantize()
        else:
            unit = torch.eye(weight.shape[-1], dtype=weight.dtype, device=weight.device)
            found = nn.functional.linear(unit, weight).T
    return found.detach().float()


def weight_error(name: str, effective: torch.Tensor, checkpoint: object) -> float | None:
    """‖original − effective‖ / ‖original‖ (Frobenius norm); `None` if there is no original, or if it is not finite."""
    original = checkpoint.weight(name) if isinstance(checkpoint, Inspectable) else None
    if original is None or original.shape != tuple(effective.shape):
        return None
    reference = torch.from_numpy(original).to(effective.device)
    if torch.equal(reference, effective):
        return 0.0
    norm = torch.linalg.vector_norm(reference, dtype=torch.float64)
    error = float(torch.linalg.vector_norm(reference - effective, dtype=torch.float64) / norm)
    return error if math.isfinite(error) else None


def sparsity(effective: torch.Tensor) -> float:
    """The share of weights that are exactly zero, 0 to 1."""
    return 1 - int(torch.count_nonzero(effective)) / effective.numel()
