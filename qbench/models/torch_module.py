"""The torch model inside an encoder."""

from __future__ import annotations

from typing import Any

from qbench.errors import QuantizationError
from qbench.models.interface import LoadedModel


def torch_module(encoder: LoadedModel) -> Any:
    """The torch model that an encoder runs: its attribute ``module``, by convention of the built-in model sources.

    Parameters
    ----------
    encoder : LoadedModel
        A loaded model.

    Returns
    -------
    torch.nn.Module
        The model.

    Raises
    ------
    QuantizationError
        The encoder does not run a torch model, for example because it is an exported runtime.
    """
    import torch

    module = getattr(encoder, "module", None)
    if not isinstance(module, torch.nn.Module):
        raise QuantizationError(
            f"{type(encoder).__name__} has no torch model, so its layers cannot be quantized",
            fix="Use a quantizer that is made for this model source.",
        )
    return module
