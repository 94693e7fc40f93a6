"""Loads a variant that was saved on disk. It quantizes nothing and casts nothing."""

from __future__ import annotations

from qbench.api import Checkpoint, Context, ModelError, Storable, Variant
from qbench.api.quantizers import CONTROL_ARMS, torch_module
from qbench_quantizers.bitsandbytes_layers import compute_note
from qbench_quantizers.coverage import measure_coverage


def build_stored(checkpoint: Checkpoint, context: Context) -> Variant:
    """Load weights that are stored quantized. The original weights are not there, so the weight error is not known."""
    if not isinstance(checkpoint, Storable):
        raise ModelError(
            f"the model source {checkpoint.identity.source!r} cannot load weights that are stored quantized",
            where=checkpoint.identity.checkpoint,
        )
    encoder, dtype = checkpoint.load_stored(device=context.device)
    return Variant(
        encoder=encoder,
        coverage=measure_coverage(torch_module(encoder), reason="not quantized in the file", checkpoint=checkpoint),
        dtype=dtype,
        control=CONTROL_ARMS[dtype],
        note=compute_note(torch_module(encoder), dtype),
    )
