"""Simulated quantization in one call: a rule for one weight → a variant with true coverage.

For methods that are tried out before anybody writes a kernel for them: the weights take the values that the method
would give them, and are stored as float32. What an author of a new method would write first, and easily gets wrong
(the tower of a layer, the scales in its bits, the error of its weights), is done here once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from qbench.errors import QuantizationError
from qbench.models.interface import Checkpoint, Context, Coverage, Inspectable, Layer, Variant

Rule = Callable[[str, Any], "tuple[Any, float] | None"]
"""``(name, weight) -> (weight, bits)``, or `None` for a layer to leave alone."""


def tower_of(name: str) -> Literal["image", "text", "shared"]:
    """The encoder that a layer belongs to, by the names that transformers' dual encoders use.

    Parameters
    ----------
    name : str
        The layer's path in the model, such as ``vision_model.encoder.layers.0.mlp.fc1``.
    """
    head = name.split(".", 1)[0]
    if head.startswith(("vision", "visual", "image")):
        return "image"
    return "text" if head.startswith("text") else "shared"


def simulate(checkpoint: Checkpoint, context: Context, rule: Rule) -> Variant:
    """Apply `rule` to the weight of every Linear layer of a torch model.

    Parameters
    ----------
    checkpoint : Checkpoint
        What is quantized; its encoder has to hold a torch model as ``module``. Loaded as float32.
    context : Context
        Where.
    rule : callable
        ``(name, weight) -> (weight, bits)``: `weight` is the layer's ``(outputs, inputs)`` float32 tensor, not to be
        changed in place; what comes back has the same shape, and `bits` are those a weight would take, scales and other
        state included. `None` leaves the layer as it is.

    Returns
    -------
    Variant
        In float32, matched by the control arm ``fp32``. ``model_bytes`` is what the simulation holds.

    Raises
    ------
    QuantizationError
        The encoder holds no torch model, the rule gives another shape, or it leaves every layer alone.
    """
    import torch

    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = getattr(encoder, "module", None)
    if not isinstance(model, torch.nn.Module):
        raise QuantizationError(f"{type(encoder).__name__} holds no torch model, so its layers cannot be quantized")
    layers = []
    with torch.no_grad():
        for name, linear in model.named_modules():
            if isinstance(linear, torch.nn.Linear):
                layers.append(_apply(name, linear, rule))
    if not any(layer.quantized for layer in layers):
        raise QuantizationError(f"none of the model's {len(layers)} Linear layers was quantized")
    coverage = Coverage(
        layers=tuple(layers),
        total_parameters=sum(p.numel() for p in model.parameters()),
        model_bytes=sum(t.nbytes for t in (*model.parameters(), *model.buffers())),
        disk_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None,
    )
    return Variant(encoder=encoder, coverage=coverage, dtype="float32", control="fp32")


def _apply(name: str, linear: Any, rule: Rule) -> Layer:
    """One layer: changed in place where the rule says so."""
    import torch

    old = linear.weight.detach()
    # A subclass (the output projection inside PyTorch's own attention) is read by its owner in ways of its own.
    plain = type(linear) is torch.nn.Linear
    found = rule(name, old.clone()) if plain else None
    error, bits = 0.0, 32.0
    if found is not None:
        new, bits = found
        if new.shape != old.shape:
            raise QuantizationError(f"the rule gave {tuple(new.shape)} for the {tuple(old.shape)} weights of {name}")
        norm = torch.linalg.vector_norm(old, dtype=torch.float64)
        error = float(torch.linalg.vector_norm(old.double() - new.double()) / norm) if norm else 0.0
        linear.weight.copy_(new)
    reason = "" if found is not None else "left out by the rule" if plain else f"a {type(linear).__name__}"
    return Layer(
        name=name,
        tower=tower_of(name),
        kind=f"simulated {type(linear).__name__}" if found is not None else type(linear).__name__,
        parameters=linear.weight.numel(),
        quantized=found is not None,
        bits=float(bits),
        reason=reason,
        error=error,
        sparsity=1 - int(torch.count_nonzero(linear.weight)) / linear.weight.numel(),
    )
