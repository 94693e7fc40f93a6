"""Control arms: the whole model in one floating-point type, nothing quantized."""

from __future__ import annotations

from torch import nn

from qbench.api import (
    Checkpoint,
    Context,
    Coverage,
    DType,
    Inspectable,
    Limited,
    LoadedModel,
    QuantizationError,
    Variant,
)
from qbench_quantizers.coverage import measure_coverage


def build_cast(checkpoint: Checkpoint, context: Context, dtype: DType) -> Variant:
    """Load `checkpoint` in `dtype`.

    Raises
    ------
    QuantizationError
        The checkpoint cannot be loaded in this type.
    """
    if isinstance(checkpoint, Limited) and dtype not in checkpoint.dtypes:
        identity = checkpoint.identity
        raise QuantizationError(
            f"this checkpoint cannot be loaded in {dtype}",
            where=f"{identity.source}/{identity.checkpoint}",
            fix=f"Use the control arm of a type in which it can be loaded: {', '.join(checkpoint.dtypes)}.",
        )
    encoder = checkpoint.load(device=context.device, dtype=dtype)
    return Variant(encoder=encoder, coverage=_coverage(encoder, checkpoint), dtype=dtype)


def _coverage(encoder: LoadedModel, checkpoint: Checkpoint) -> Coverage:
    """The layers of a torch model; of any other model they are not known, and a cast quantizes none of them."""
    module = getattr(encoder, "module", None)
    if isinstance(module, nn.Module):
        return measure_coverage(module, reason="a control arm: cast only", checkpoint=checkpoint, control=True)
    disk_bytes = checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None
    return Coverage(layers=(), total_parameters=0, model_bytes=None, disk_bytes=disk_bytes)
