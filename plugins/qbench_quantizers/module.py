"""The torch model inside an encoder."""

from __future__ import annotations

from torch import nn

from qbench.api import Encoder, QuantizationError


def module_of(encoder: Encoder) -> nn.Module:
    """``encoder.module``, by convention the torch model that an encoder runs.

    Raises
    ------
    QuantizationError
        The encoder does not run a torch model (an exported runtime, for example).
    """
    module = getattr(encoder, "module", None)
    if not isinstance(module, nn.Module):
        raise QuantizationError(f"{type(encoder).__name__} holds no torch model, so its layers cannot be quantized")
    return module
