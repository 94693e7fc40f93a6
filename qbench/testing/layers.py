"""What a layer really multiplies by, found by asking it, whatever class it has and however it keeps its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def linears(model: Any) -> dict[str, Any]:
    """The Linear layers of a torch model by name."""
    import torch

    return {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}


def matrix(layer: Any, width: int, *, device: str, dtype: str) -> npt.NDArray[np.float64]:
    """``layer(identity) − layer(0)``: the ``(width, outputs)`` matrix of a linear map.

    Each input is one of the unit vectors, which every scheme for activations can represent, so that what is seen is the
    weights. Only on a model that is not needed any more: some layers change themselves at their first forward.
    """
    import torch

    kind = getattr(torch, dtype)
    with torch.no_grad():
        unit = torch.eye(width, dtype=kind, device=device)
        found = layer(unit).double() - layer(torch.zeros_like(unit)).double()
    array: npt.NDArray[np.float64] = found.cpu().numpy()
    return array


def relative(original: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> float:
    """‖original − found‖ / ‖original‖ (Frobenius)."""
    return float(np.linalg.norm(original - found) / np.linalg.norm(original))
