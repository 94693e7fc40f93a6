"""Simulated quantization in one call: from a rule for one weight to a variant with true coverage.

This is for methods that are tried out before there is a kernel for them: the weights get the values that the method
would give them, and are stored as float32. The coverage (the tower of a layer, the scales in its bits, the error of its
weights), which is easily computed wrongly, is computed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qbench.errors import QuantizationError
from qbench.models.bare import bare_matrices, is_transposed
from qbench.models.control_arms import CONTROL_ARMS
from qbench.models.interface import Checkpoint, Context, Coverage, Inspectable, Layer, Variant
from qbench.models.layer_options import LayerOptions, tower_of
from qbench.models.torch_module import torch_module

Rule = Callable[[str, Any], "tuple[Any, float] | None"]
"""``(name, weight) -> (weight, bits)``, or `None` for a layer that is not quantized."""


def simulate(checkpoint: Checkpoint, context: Context, rule: Rule, *, layers: LayerOptions | None = None) -> Variant:
    """Apply `rule` to the weight of every Linear layer of a torch model, and to matrices that are not Linear layers.

    Parameters
    ----------
    checkpoint : Checkpoint
        The checkpoint that is quantized. It is loaded as float32, and its encoder must have a torch model as
        ``module`` (see `torch_module`).
    context : Context
        The device.
    rule : callable
        ``(name, weight) -> (weight, bits)``: `weight` is the ``(outputs, inputs)`` float32 tensor of the layer, a copy.
        A matrix that is not a Linear layer (`qbench.models.bare.bare_matrices`) has its own name and the same
        orientation. The returned weight has the same shape; `bits` is the number of bits per weight that the method
        would store, scales and other state included. `None` leaves the layer unchanged.
    layers : LayerOptions, optional
        Which layers the rule is applied to; all if not given.

    Returns
    -------
    Variant
        The variant in float32, with the control arm of float32. ``model_bytes`` is the memory of the simulation.

    Raises
    ------
    QuantizationError
        The encoder has no torch model, the rule returns another shape, or it leaves every layer unchanged.
    InputError
        A pattern of `layers` matches no layer.
    """
    import torch

    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = torch_module(encoder)
    linears = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    bare = bare_matrices(model)
    left_out = layers.left_out([*linears, *bare]) if layers is not None else {}
    # The module around a subclass (the output projection in PyTorch's own attention) reads its weight directly.
    kinds = {name: type(linear).__name__ for name, linear in linears.items()}
    own = {name: f"a {kinds[name]}" for name, linear in linears.items() if type(linear) is not torch.nn.Linear}
    with torch.no_grad():
        found = [
            _apply(name, linear.weight.detach(), rule, kinds[name], left_out.get(name) or own.get(name, ""))
            for name, linear in linears.items()
        ]
        found += [
            _apply(
                name,
                matrix.detach().T if is_transposed(name) else matrix.detach(),
                rule,
                "Parameter",
                left_out.get(name, ""),
            )
            for name, matrix in bare.items()
        ]
    if not any(layer.quantized for layer in found):
        raise QuantizationError(f"none of the model's {len(found)} Linear layers was quantized")
    coverage = Coverage(
        layers=tuple(found),
        total_parameters=sum(p.numel() for p in model.parameters()),
        model_bytes=sum(t.nbytes for t in (*model.parameters(), *model.buffers())),
        disk_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None,
    )
    return Variant(encoder=encoder, coverage=coverage, dtype="float32", control=CONTROL_ARMS["float32"])


def _apply(name: str, weight: Any, rule: Rule, kind: str, left_out: str) -> Layer:
    """Apply the rule to one weight, in place, unless there is a reason to leave it out."""
    import torch

    old = weight.clone()
    found = None if left_out else rule(name, old.clone())
    error, bits = 0.0, 32.0
    if found is not None:
        new, bits = found
        if new.shape != old.shape:
            raise QuantizationError(
                f"the rule returned the shape {tuple(new.shape)} for the {tuple(old.shape)} weights of {name}"
            )
        norm = torch.linalg.vector_norm(old, dtype=torch.float64)
        error = float(torch.linalg.vector_norm(old.double() - new.double()) / norm) if norm else 0.0
        weight.copy_(new)
    return Layer(
        name=name,
        tower=tower_of(name),
        kind=f"simulated {kind}" if found is not None else kind,
        parameters=weight.numel(),
        quantized=found is not None,
        bits=float(bits),
        reason="" if found is not None else left_out or "left out by the rule",
        error=error,
        sparsity=1 - int(torch.count_nonzero(weight)) / weight.numel(),
    )
