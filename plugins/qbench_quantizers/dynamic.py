"""PyTorch's dynamic quantization: 8 bit weights, activations scaled while the model runs. CPU only.

This is the only module that uses ``torch.ao.quantization``, which PyTorch has deprecated.
"""

from __future__ import annotations

import warnings

import torch

from qbench.api import Checkpoint, Context, QuantizationError, Variant
from qbench.api.quantizers import CONTROL_ARMS, torch_module
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.options import DynamicOptions
from qbench_quantizers.scope import resolve


def build_dynamic(checkpoint: Checkpoint, context: Context, options: DynamicOptions) -> Variant:
    """``quantize_dynamic``: qint8, one scale per weight tensor (or per row), one scale per activation tensor."""
    try:
        from torch.ao.quantization import default_dynamic_qconfig, per_channel_dynamic_qconfig, quantize_dynamic
    except ImportError as error:
        raise QuantizationError(
            f"this version of torch ({torch.__version__}) no longer has dynamic quantization ({error})",
            fix="Install an older version: pip install 'torch<2.16' torchvision",
        ) from None
    encoder = checkpoint.load(device=context.device, dtype="float32")
    model = torch_module(encoder)
    scope = resolve(model, options)
    how = per_channel_dynamic_qconfig if options.per_channel else default_dynamic_qconfig
    with warnings.catch_warnings():
        # Two warnings of deprecation only; all others are shown.
        warnings.filterwarnings("ignore", message="torch.ao.quantization is deprecated", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        quantize_dynamic(model, dict.fromkeys(scope.wanted, how), inplace=True)
    return Variant(
        encoder=encoder,
        coverage=measure_coverage(model, reason="left out by PyTorch", checkpoint=checkpoint, scope=scope),
        dtype="float32",
        control=CONTROL_ARMS["float32"],
    )
