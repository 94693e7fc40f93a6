"""Control arms: the whole model in one floating type, nothing quantized."""

from __future__ import annotations

from qbench.api import Checkpoint, Context, DType, Variant
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.module import module_of


def build_cast(checkpoint: Checkpoint, context: Context, dtype: DType) -> Variant:
    """Load `checkpoint` in `dtype`."""
    encoder = checkpoint.load(device=context.device, dtype=dtype)
    coverage = measure_coverage(
        module_of(encoder), reason="a control arm: cast only", checkpoint=checkpoint, control=True
    )
    return Variant(encoder=encoder, coverage=coverage, dtype=dtype)
