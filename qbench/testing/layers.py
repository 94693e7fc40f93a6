"""The matrix by which a layer really multiplies, whatever its class is and however it stores its weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

HALF_A_STEP = 1.25 / 254
"""Half a step of 8 bit, as a share of the largest value; a quarter more, because the factor is estimated from weights
that are rounded themselves."""


def linears(model: Any) -> dict[str, Any]:
    """The Linear layers of a torch model by name."""
    import torch

    return {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}


def matrix(layer: Any, width: int, *, device: str, dtype: str) -> npt.NDArray[np.float64]:
    """``(layer(identity) − layer(−identity)) / 2``: the matrix of a linear map without its bias.

    No input is zero, which a method may not be able to scale. The inputs are unit vectors, so the result shows the
    weights alone, up to a factor with which a method that quantizes activations represents a one (see
    `without_input_rounding`). Use it only on a model that is not needed afterwards: some layers change at their first
    forward pass.

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
        found = (layer(unit).double() - layer(-unit).double()) / 2
    array: npt.NDArray[np.float64] = found.cpu().numpy()
    return array


def without_input_rounding(
    original: npt.NDArray[np.float64], found: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """`found` without the common factor that comes from how a method of 8 bit represents the input 1.

    A method that quantizes activations may represent a one as the nearest of its 256 values, and every product has this
    factor then: torchao's symmetric int8 has a scale of 2 / 255 for values of at most 1, so that a one becomes 127
    steps of 1 / 127.5. A factor that is further from 1 than half a step is not of this kind, and is left.

    Parameters
    ----------
    original, found : numpy.ndarray
        Matrices of one shape.

    Examples
    --------
    >>> without_input_rounding(np.eye(2), np.eye(2) * 127 / 127.5).diagonal().round(6).tolist()
    [1.0, 1.0]
    >>> without_input_rounding(np.eye(2), np.eye(2) * 0.9).diagonal().tolist()
    [0.9, 0.9]
    """
    factor = float((original * found).sum() / (original * original).sum())
    return found / factor if abs(1 - factor) <= HALF_A_STEP else found


def relative(original: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> float:
    """The relative error ‖original − found‖ / ‖original‖ (Frobenius norm)."""
    return float(np.linalg.norm(original - found) / np.linalg.norm(original))
