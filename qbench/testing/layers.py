"""The matrix by which a layer really multiplies, whatever its class is and however it stores its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def linears(model: Any) -> dict[str, Any]:
    """The Linear layers of a torch model by name."""
    import torch

    return {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}


def matrix(layer: Any, width: int, *, device: str, dtype: str) -> npt.NDArray[np.float64]:
    """``layer(identity) − layer(0)``: the matrix of a linear map.

    The inputs are unit vectors, which every scheme for quantizing activations represents exactly, so the result shows
    the weights alone. Use it only on a model that is not needed afterwards: some layers change at their first forward
    pass.

    Parameters
    ----------
    layer : torch.nn.Module
        The layer.
    width : int
        The number of its inputs.
    device, dtype : str
        The device and the type of the inputs.

    Returns
    -------
    numpy.ndarray
        ``(width, outputs)`` float64.
    """
    import torch

    kind = getattr(torch, dtype)
    with torch.no_grad():
        unit = torch.eye(width, dtype=kind, device=device)
        found = layer(unit).double() - layer(torch.zeros_like(unit)).double()
    array: npt.NDArray[np.float64] = found.cpu().numpy()
    return array


def relative(original: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> float:
    """The relative error ‖original − found‖ / ‖original‖ (Frobenius norm)."""
    return float(np.linalg.norm(original - found) / np.linalg.norm(original))
