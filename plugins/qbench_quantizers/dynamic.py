"""PyTorch's dynamic quantization: 8 bit weights, activations scaled while the model runs. CPU only.

The one place that touches ``torch.ao.quantization``, which is announced as deprecated.
"""

from __future__ import annotations

import warnings

import torch

from qbench.api import Checkpoint, Context, QuantizationError, Variant
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.module import module_of
from qbench_quantizers.options import CONTROLS, DynamicOptions
from qbench_quantizers.scope import resolve


def build_dynamic(checkpoint: Checkpoint, context: Context, options: DynamicOptions) -> Variant:
    """``quantize_dynamic``: qint8, one scale a weight tensor (or a row of it), one scale an activation tensor."""
    try:
        from torch.ao.quantization import default_dynamic_qconfig, per_channel_dynamic_qconfig, quantize_dynamic
    except ImportError as error:
        raise QuantizationError(
            f"this torch ({torch.__version__}) has no dynamic quantization any more ({error})",
            fix="Install an older one: pip install 'torch<2.16' torchvision",
        ) from None
    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = module_of(encoder)
    scope = resolve(model, options)
    how = per_channel_dynamic_qconfig if options.per_channel else default_dynamic_qconfig
    with warnings.catch_warnings():
        # Two announcements of deprecation, by origin: anything else that torch has to say is heard.
        warnings.filterwarnings("ignore", message="torch.ao.quantization is deprecated", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        quantize_dynamic(model, dict.fromkeys(scope.wanted, how), inplace=True)
    return Variant(
        encoder=encoder,
        coverage=measure_coverage(model, reason="left out by PyTorch", checkpoint=checkpoint, scope=scope),
        dtype="float32",
        control=CONTROLS["float32"],
    )
