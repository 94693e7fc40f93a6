"""Variants that ONNX Runtime runs: both towers of a checkpoint, exported by ``torch.onnx.export``.

``ort-fp32`` and ``ort-fp16`` are control arms: the same weights in another runtime. ``ort-int8-dynamic`` and
``ort-int8-static`` are ONNX Runtime's own quantization. They need the extra ``onnx``; without it they are listed, with
the command that installs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qbench.api import Quantizer, hookimpl
from qbench_onnx.options import DynamicOptions, RuntimeOptions, StaticOptions

if TYPE_CHECKING:
    from qbench.api import Checkpoint, Context, Variant

# ONNX Runtime sends usage data to its makers and keeps an ID of the machine, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
REQUIRES = ("torch", "transformers", *PACKAGES)
PROBES = ("embedding",)  # the towers of a dual encoder are exported; a generative model has none
INSTALL = "pip install 'qbench-vlm[onnx]'"


def _fp32(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    from qbench_onnx.build import build_fp32

    return build_fp32(checkpoint, context, options)


def _fp16(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    from qbench_onnx.build import build_fp16

    return build_fp16(checkpoint, context, options)


def _dynamic(checkpoint: Checkpoint, context: Context, options: DynamicOptions) -> Variant:
    from qbench_onnx.build import build_dynamic

    return build_dynamic(checkpoint, context, options)


def _static(checkpoint: Checkpoint, context: Context, options: StaticOptions) -> Variant:
    from qbench_onnx.build import build_static

    return build_static(checkpoint, context, options)


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Two control arms and two ways to quantize to 8 bit; all on the CPU."""
    install = "" if all(find_spec(package) for package in PACKAGES) else INSTALL
    yield Quantizer(
        name="ort-fp32",
        summary="ONNX Runtime in single precision: a control arm, compared with torch batch by batch",
        bits=32,
        kind="control",
        options=RuntimeOptions,
        devices=("cpu",),
        batch_invariant=True,
        requires=REQUIRES,
        probes=PROBES,
        build=_fp32,
        install=install,
    )
    yield Quantizer(
        name="ort-fp16",
        summary="ONNX Runtime in half precision: a control arm",
        bits=16,
        kind="control",
        options=RuntimeOptions,
        devices=("cpu",),
        batch_invariant=True,
        requires=REQUIRES,
        probes=PROBES,
        build=_fp16,
        install=install,
    )
    yield Quantizer(
        name="ort-int8-dynamic",
        summary="ONNX Runtime's dynamic quantization: 8 bit weights, activations scaled while the model runs",
        bits=8,
        options=DynamicOptions,
        devices=("cpu",),
        batch_invariant=False,  # one activation scale for the whole batch
        requires=REQUIRES,
        probes=PROBES,
        build=_dynamic,
        install=install,
    )
    yield Quantizer(
        name="ort-int8-static",
        summary="ONNX Runtime's static quantization: 8 bit weights and activations, with ranges from calibration data",
        bits=8,
        options=StaticOptions,
        devices=("cpu",),
        batch_invariant=True,  # the ranges are fixed
        requires=REQUIRES,
        probes=PROBES,
        build=_static,
        calibrates=True,
        install=install,
    )
