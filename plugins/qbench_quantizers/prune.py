"""Unstructured magnitude pruning: in each layer the smallest weights become zero. Nothing is stored in fewer bits."""

from __future__ import annotations

from pathlib import Path

from torch.nn.utils import prune

from qbench.api import Checkpoint, Context, Storable, Variant
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.module import module_of
from qbench_quantizers.options import CONTROLS, PruneOptions
from qbench_quantizers.scope import resolve


def build_pruned(checkpoint: Checkpoint, context: Context, options: PruneOptions) -> Variant:
    """Prune every Linear of the scope by itself, with PyTorch's own ``l1_unstructured``."""
    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = module_of(encoder)
    scope = resolve(model, options)
    for name in scope.wanted:
        layer = model.get_submodule(name)
        prune.l1_unstructured(layer, "weight", amount=options.sparsity)
        prune.remove(layer, "weight")  # the zeros stay, the mask goes

    def save(folder: Path) -> str:
        assert isinstance(checkpoint, Storable)
        checkpoint.save(encoder, folder)
        return "fp32"

    return Variant(
        encoder=encoder,
        coverage=measure_coverage(model, reason="", checkpoint=checkpoint, scope=scope, pruned=scope.wanted),
        dtype="float32",
        control=CONTROLS["float32"],
        save=save if isinstance(checkpoint, Storable) else None,
    )
