"""Unstructured magnitude pruning: the smallest weights of each layer become zero, and are stored in 32 bit."""

from __future__ import annotations

from pathlib import Path

from torch.nn.utils import prune

from qbench.api import Checkpoint, Context, Storable, Variant
from qbench.api.quantizers import CONTROL_ARMS, torch_module
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.options import PruneOptions
from qbench_quantizers.scope import resolve


def build_pruned(checkpoint: Checkpoint, context: Context, options: PruneOptions) -> Variant:
    """Prune each Linear layer of the scope separately, with PyTorch's ``l1_unstructured``."""
    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = torch_module(encoder)
    scope = resolve(model, options)
    for name in scope.wanted:
        layer = model.get_submodule(name)
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
