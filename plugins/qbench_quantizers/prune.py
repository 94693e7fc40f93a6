"""Magnitude pruning: the smallest weights, of each layer or of every four, become zero, and are stored in 32 bit."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn.utils import prune

from qbench.api import Checkpoint, Context, QuantizationError, Storable, Variant
from qbench.api.quantizers import CONTROL_ARMS, torch_module
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.options import PruneOptions
from qbench_quantizers.scope import resolve


def build_pruned(checkpoint: Checkpoint, context: Context, options: PruneOptions) -> Variant:
    """Prune each Linear layer of the scope separately, in the pattern of the options.

    Raises
    ------
    QuantizationError
        The pattern does not fit the inputs of a layer.
    """
    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = torch_module(encoder)
    scope = resolve(model, options)
    for name in scope.wanted:
        layer = model.get_submodule(name)
        if options.pattern == "2:4":
            prune.custom_from_mask(layer, "weight", two_of_four(layer.weight, name))
        else:
            prune.l1_unstructured(layer, "weight", amount=options.sparsity)
        prune.remove(layer, "weight")  # keeps the zeros, removes the mask

    def save(folder: Path) -> str:
        assert isinstance(checkpoint, Storable)
        checkpoint.save(encoder, folder)
        return CONTROL_ARMS["float32"]

    return Variant(
        encoder=encoder,
        coverage=measure_coverage(model, reason="", checkpoint=checkpoint, scope=scope, pruned=scope.wanted),
        dtype="float32",
        control=CONTROL_ARMS["float32"],
        save=save if isinstance(checkpoint, Storable) else None,
    )


def two_of_four(weight: torch.Tensor, name: str = "") -> torch.Tensor:
    """The mask that keeps the two largest of every four consecutive weights of a row, by absolute value.

    Parameters
    ----------
    weight : torch.Tensor
        ``(outputs, inputs)``.
    name : str
        The layer, for a message.

    Returns
    -------
    torch.Tensor
        ``(outputs, inputs)`` bool, with exactly two of four true.

    Raises
    ------
    QuantizationError
        The number of inputs is not a multiple of four.

    Examples
    --------
    >>> two_of_four(torch.tensor([[0.1, -3.0, 2.0, 0.5]])).tolist()
    [[False, True, True, False]]
    """
    outputs, inputs = weight.shape
    if inputs % 4:
        raise QuantizationError(
            f"the pattern 2:4 needs a multiple of four inputs, and the layer {name} has {inputs}",
            fix="Leave the layer out with skip = […].",
        )
    largest = weight.detach().abs().reshape(outputs, inputs // 4, 4).topk(2, dim=-1).indices
    mask = torch.zeros(outputs, inputs // 4, 4, dtype=torch.bool, device=weight.device)
    return mask.scatter_(-1, largest, value=True).reshape(outputs, inputs)
