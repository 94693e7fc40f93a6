"""Variants that OpenVINO runs and NNCF quantizes: the graphs of both towers are those of the plugin ``onnx``.

``ov-fp32`` and ``ov-fp16`` are control arms: the same weights in another runtime. They need the extra ``openvino``;
without it they are listed, with the command that installs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qbench.api import Quantizer, hookimpl
from qbench_openvino.options import CalibratedInt4Options, Int4Options, Int8Options, RuntimeOptions, StaticOptions

if TYPE_CHECKING:
    from qbench.api import Checkpoint, Context, Variant

# NNCF sends usage data to its makers where their consent file says so, unless this is set before it is imported.
os.environ.setdefault("NNCF_CI", "1")

PACKAGES = ("onnx", "onnxscript", "openvino", "nncf")
INSTALL = "pip install 'qbench-vlm[openvino]'"


def _record(name: str, summary: str, **more: Any) -> Quantizer:
    def build(checkpoint: Checkpoint, context: Context, options: Any) -> Variant:
        from qbench_openvino.build import BUILDERS

        return BUILDERS[name](checkpoint, context, options)

    return Quantizer(
        name=name,
        summary=f"OpenVINO: {summary}",
        build=build,
        devices=("cpu",),
        requires=("torch", "transformers", *PACKAGES),
        probes=("embedding",),  # the towers of a dual encoder are exported; a generative model has none
        install="" if all(find_spec(package) for package in PACKAGES) else INSTALL,
        **{"batch_invariant": True, **more},
    )


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Two control arms and four ways to quantize; all on the CPU."""
    control: dict[str, Any] = {"kind": "control", "options": RuntimeOptions}
    yield _record("ov-fp32", "single precision: a control arm, compared with torch batch by batch", bits=32, **control)
    yield _record("ov-fp16", "weights in half precision: a control arm", bits=16, **control)
    yield _record("ov-int8-weights", "NNCF's 8 bit weights, one scale per row", bits=8, options=Int8Options)
    yield _record("ov-int4-weights", "NNCF's 4 bit weights in groups", bits=4, options=Int4Options)
    yield _record(
        "ov-int4-calibrated",
        "NNCF's 4 bit weights in groups, chosen by GPTQ, scale estimation or AWQ on calibration data",
        bits=4,
        options=CalibratedInt4Options,
        calibrates=True,
    )
    yield _record(
        "ov-int8-static",
        "NNCF's post-training quantization: 8 bit weights and activations, with SmoothQuant and calibration data",
        bits=8,
        options=StaticOptions,
        calibrates=True,
    )
