"""Variants that ONNX Runtime runs: both towers of a checkpoint, exported by ``torch.onnx.export``.

``ort-fp32`` and ``ort-fp16`` are control arms: the same weights in another runtime. ``ort-int8-dynamic`` and
``ort-int8-static`` are ONNX Runtime's own quantization. They need the extra ``onnx``; without it they are listed, with
the command that installs it.

The model source ``onnx-folder`` opens a folder with graphs that somebody else has exported, as transformers.js and
Optimum do; the quantizer of that name stands for the variants that lie in the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qbench.api import Located, ModelSource, Quantizer, hookimpl
from qbench_onnx.options import DynamicOptions, FolderOptions, RuntimeOptions, StaticOptions, VariantOptions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from qbench.api import Checkpoint, Context, Variant

# ONNX Runtime sends usage data to its makers and keeps an ID of the machine, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
REQUIRES = ("torch", "transformers", *PACKAGES)
FOLDER = "onnx-folder"
FOLDER_REQUIRES = ("ftfy", "numpy", "onnx", "onnxruntime", "tokenizers", "transformers")
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


def _locate(checkpoint: str, options: FolderOptions) -> Located:
    from qbench_onnx.folder_layout import locate

    return locate(options.path)


def _open(checkpoint: str, options: FolderOptions) -> Checkpoint:
    from qbench_onnx.folder_checkpoint import open_folder

    return open_folder(checkpoint, options)


def _variant(checkpoint: Checkpoint, context: Context, options: VariantOptions) -> Variant:
    from qbench_onnx.folder_checkpoint import build_variant

    return build_variant(checkpoint, context, options)


def _content(checkpoint: Checkpoint, options: VariantOptions) -> Iterable[Path]:
    from qbench_onnx.folder_checkpoint import content

    return content(checkpoint, options)


def _install() -> str:
    """The command that installs the extra; empty where its packages are there."""
    return "" if all(find_spec(package) for package in PACKAGES) else INSTALL


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """Exported models."""
    yield ModelSource(
        name=FOLDER,
        summary="a CLIP in exported graphs, as transformers.js and Optimum lay them out: a folder with path = …",
        options=FolderOptions,
        requires=FOLDER_REQUIRES,
        locate=_locate,
        open=_open,
        install=_install(),
    )


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Two control arms and two ways to quantize to 8 bit, all on the CPU; and variants that somebody else exported."""
    install = _install()
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
    yield Quantizer(
        name=FOLDER,
        summary="a variant that lies in the folder of a model of the source onnx-folder",
        bits=0,  # the graphs say
        options=VariantOptions,
        devices=("cpu",),
        batch_invariant=None,  # whether activations are scaled over a batch is not known before
        requires=FOLDER_REQUIRES,
        probes=PROBES,
        build=_variant,
        files=_content,
        install=install,
    )
