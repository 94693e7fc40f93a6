"""The weights by which a quantized layer multiplies, measured on the layer itself, whatever its library is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qbench.models.interface import Checkpoint, Context, DType, Variant
from qbench.models.layer_options import LayerOptions
from qbench.models.simulate import simulate
from qbench.models.torch_module import torch_module


def weights_only(checkpoint: Checkpoint, context: Context, variant: Variant) -> Variant:
    """A variant in float32 with the weights of a quantized one: what the precision of the weights alone does.

    Parameters
    ----------
    checkpoint : Checkpoint
        The checkpoint of the variant.
    context : Context
        The device.
    variant : Variant
        The quantized variant, which has not answered anything yet. It is closed.

    Raises
    ------
    QuantizationError
        The variant does not run a torch model.
    """
    try:
        module = torch_module(variant.encoder)
        bits = {layer.name: layer.bits for layer in variant.coverage.layers if layer.quantized}
        weights = weights_of(module, bits, variant.dtype, context.device)
    finally:
        variant.encoder.close()

    def rule(name: str, weight: Any) -> tuple[Any, float] | None:
        return (weights[name].to(weight.device), bits[name]) if name in bits else None

    return simulate(checkpoint, context, rule, layers=LayerOptions())


def weights_of(model: Any, layers: Iterable[str], dtype: DType, device: str) -> dict[str, Any]:
    """The weights by which some layers of a torch model multiply, by their names: see `effective_weight`."""
    return {name: effective_weight(model.get_submodule(name), dtype, device) for name in layers}


def effective_weight(layer: Any, dtype: DType, device: str) -> Any:
    """The weight of a Linear layer, ``(outputs, inputs)`` float32 on the CPU: its answers to the unit vectors.

    A unit vector is exact in every precision of activations, so that only the precision of the weights shows.

    Parameters
    ----------
    layer : torch.nn.Module
        A layer with ``in_features``.
    dtype : {"float32", "float16", "bfloat16"}
        The type of its inputs.
    device : str
        Where it is.

    Examples
    --------
    >>> import torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> _ = layer.weight.data.copy_(torch.tensor([[0.5, -2.0]]))
    >>> effective_weight(layer, "float32", "cpu")
    tensor([[ 0.5000, -2.0000]])
    """
    import torch

    kind = getattr(torch, dtype)
    with torch.inference_mode():
        units = torch.eye(layer.in_features, dtype=kind, device=device)
        bias = layer(torch.zeros(1, layer.in_features, dtype=kind, device=device))
        return (layer(units).float() - bias.float()).T.contiguous().cpu().clone()
