"""A variant that was kept on disk, loaded as it is: nothing is quantized here, and nothing cast."""

from __future__ import annotations

from qbench.api import Checkpoint, Context, ModelError, Storable, Variant
from qbench_quantizers.bitsandbytes_layers import compute_note
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.module import module_of
from qbench_quantizers.options import CONTROLS


def build_stored(checkpoint: Checkpoint, context: Context) -> Variant:
    """Load weights that are stored quantized. Their originals are elsewhere, so the weight error is not known."""
    if not isinstance(checkpoint, Storable):
        raise ModelError(
            f"the model source {checkpoint.identity.source!r} knows no weights that are stored quantized",
            where=checkpoint.identity.checkpoint,
        )
    encoder, dtype = checkpoint.load_stored(device=context.device)
    return Variant(
        encoder=encoder,
        coverage=measure_coverage(module_of(encoder), reason="not quantized in the file", checkpoint=checkpoint),
        dtype=dtype,
        control=CONTROLS[dtype],
        note=compute_note(module_of(encoder), dtype),
    )
