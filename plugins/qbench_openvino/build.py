"""Builds the variants: loads a checkpoint, exports its towers, has NNCF change their graphs, and OpenVINO run them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openvino

from qbench.api import Checkpoint, Context, Coverage, DType, Inspectable, Layer, Variant
from qbench_onnx.calibration import batches_of
from qbench_onnx.export import exported, graphs_in
from qbench_onnx.scope import check, left_out
from qbench_onnx.towers import TOWERS, RuntimeEncoder, Tower, compared_with_torch, loaded
from qbench_openvino.coverage import graph_bytes, products_of, read_layers
from qbench_openvino.options import (
    CalibratedInt4Options,
    Int4Options,
    Int8Options,
    LayersOptions,
    RuntimeOptions,
    StaticOptions,
)
from qbench_openvino.quantize import compress_int4, compress_int8, quantize_all
from qbench_openvino.runtime import core, opened, runner, settings

CONTROL = "ov-fp32"
FIX = "Try other versions of torch, onnxscript or openvino."
DTYPES: Mapping[str, DType] = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
Models = Mapping[Tower, Any]
Quantize = Callable[[Tower, Any, list[str]], Any]
"""``(tower, graph, names of nodes to leave out) -> graph``"""


def build_fp32(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    """The exported towers as they are. In single precision, every batch is compared with torch, once."""
    encoder, models = _opened(checkpoint, context, options)
    module = encoder.module
    coverage = _coverage(models, models, checkpoint, module, {}, "a control arm: another runtime only")
    run = runner(models, options)
    if options.precision == "f32":
        run = compared_with_torch(run, module, "OpenVINO", fix=FIX)
    return _variant(RuntimeEncoder(encoder, run), coverage, options)


def build_fp16(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    """The exported towers with weights in half precision, which is what OpenVINO's converter stores by default."""
    encoder, plain = _opened(checkpoint, context, options)
    with tempfile.TemporaryDirectory() as folder:
        models: dict[Tower, Any] = {}
        for tower, model in plain.items():
            path = Path(folder) / f"{tower}.xml"
            openvino.save_model(model, path, compress_to_fp16=True)
            models[tower] = core().read_model(path)
        coverage = _coverage(models, plain, checkpoint, encoder.module, {}, "a control arm: cast only")
        run = runner(models, options)
    return _variant(RuntimeEncoder(encoder, run), coverage, options, dtype="float16")


def build_int8(checkpoint: Checkpoint, context: Context, options: Int8Options) -> Variant:
    """8 bit weights, one scale per row."""
    return _quantized(checkpoint, context, options, lambda tower, model, out: compress_int8(model, options, out))


def build_int4(checkpoint: Checkpoint, context: Context, options: Int4Options) -> Variant:
    """4 bit weights in groups, rounded to the nearest."""
    return _quantized(checkpoint, context, options, lambda tower, model, out: compress_int4(model, options, out))


def build_calibrated(checkpoint: Checkpoint, context: Context, options: CalibratedInt4Options) -> Variant:
    """4 bit weights in groups, chosen by what the layers are given on the calibration data."""
    batches = batches_of(loaded(checkpoint, context), checkpoint, context, options.towers)
    return _quantized(
        checkpoint, context, options, lambda tower, model, out: compress_int4(model, options, out, batches[tower])
    )


def build_static(checkpoint: Checkpoint, context: Context, options: StaticOptions) -> Variant:
    """8 bit weights and activations; the ranges of activations are those of the calibration data."""
    batches = batches_of(loaded(checkpoint, context), checkpoint, context, options.towers)
    return _quantized(
        checkpoint,
        context,
        options,
        lambda tower, model, out: quantize_all(model, options, out, batches[tower]),
        note="NNCF also quantizes the products of activations and the patch convolution",
    )


BUILDERS: Mapping[str, Callable[[Checkpoint, Context, Any], Variant]] = {
    "ov-fp32": build_fp32,
    "ov-fp16": build_fp16,
    "ov-int8-weights": build_int8,
    "ov-int4-weights": build_int4,
    "ov-int4-calibrated": build_calibrated,
    "ov-int8-static": build_static,
}


def _opened(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> tuple[Any, dict[Tower, Any]]:
    """The encoder with its torch model, and the graphs of its towers; a precision that is not there is refused."""
    settings(options)
    encoder = loaded(checkpoint, context)
    graphs = graphs_in(exported(checkpoint, encoder))
    return encoder, {tower: opened(path) for tower, path in graphs.items()}


def _quantized(
    checkpoint: Checkpoint, context: Context, options: LayersOptions, quantize: Quantize, note: str = ""
) -> Variant:
    """Quantize the towers that the options name, check what was quantized, and compile the graphs."""
    encoder, plain = _opened(checkpoint, context, options)
    products = {tower: products_of(model) for tower, model in plain.items()}
    reasons = left_out(products, options.towers, options.skip) | _misfits(plain, products, options)
    models: dict[Tower, Any] = dict(plain)
    for tower in TOWERS:
        if products[tower].keys() - reasons.keys():
            excluded = [node for name, node in products[tower].items() if name in reasons]
            models[tower] = quantize(tower, plain[tower].clone(), excluded)
    coverage = _coverage(models, plain, checkpoint, encoder.module, reasons, "left out by NNCF")
    check(coverage, reasons, "NNCF")
    return _variant(RuntimeEncoder(encoder, runner(models, options)), coverage, options, control=CONTROL, note=note)


def _misfits(plain: Models, products: Mapping[Tower, Mapping[str, str]], options: LayersOptions) -> dict[str, str]:
    """The layers whose inputs are not a multiple of the group, with this reason."""
    group = getattr(options, "group", 1)
    inputs = {
        name: node.get_input_shape(1)[1]
        for tower, model in plain.items()
        for node in model.get_ops()
        for name, product in products[tower].items()
        if node.get_friendly_name() == product
    }
    return {name: f"{n} inputs are not a multiple of group = {group}" for name, n in inputs.items() if n % group}


def _coverage(
    models: Models, plain: Models, checkpoint: Checkpoint, module: Any, reasons: Mapping[str, str], reason: str
) -> Coverage:
    """What the nodes of the graphs say, layer by layer; the parameters are those of the torch model."""
    layers: list[Layer] = []
    for tower, model in models.items():
        layers += read_layers(
            model, tower, products_of(plain[tower]), checkpoint, lambda name: reasons.get(name, reason)
        )
    return Coverage(
        layers=tuple(layers),
        total_parameters=sum(parameter.numel() for parameter in module.parameters()),
        model_bytes=sum(map(graph_bytes, models.values())),
        disk_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None,
    )


def _variant(
    encoder: Any,
    coverage: Coverage,
    options: RuntimeOptions,
    *,
    dtype: DType | None = None,
    control: str = "",
    note: str = "",
) -> Variant:
    """The variant, whose note says in which type OpenVINO computes."""
    notes = [f"OpenVINO computes in {options.precision}", note]
    if options.dynamic_group:
        notes.insert(1, f"activations are quantized in groups of {options.dynamic_group}")
    return Variant(
        encoder=encoder,
        coverage=coverage,
        dtype=dtype or DTYPES[options.precision],
        control=control,
        note="; ".join(filter(None, notes)),
    )
