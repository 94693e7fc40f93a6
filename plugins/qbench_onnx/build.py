"""Builds the variants: loads a checkpoint, exports its towers, changes their graphs, and lets ONNX Runtime run them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx

from qbench.api import Checkpoint, Context, Coverage, Inspectable, Layer, Variant
from qbench_onnx.calibration import batches_of
from qbench_onnx.coverage import graph_bytes, read_layers
from qbench_onnx.export import PRODUCTS, WEIGHT, exported, graphs_in
from qbench_onnx.options import DynamicOptions, RuntimeOptions, StaticOptions
from qbench_onnx.quantize import cast_to_half, quantize_all, quantize_weights
from qbench_onnx.scope import check, left_out
from qbench_onnx.sessions import runner
from qbench_onnx.towers import TOWERS, RuntimeEncoder, Tower, compared_with_torch, loaded

CONTROL = "ort-fp32"
FIX = "Try optimization = 'disabled', or other versions of torch, onnxscript or onnxruntime."
Graphs = Mapping[Tower, Path]


def build_fp32(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    """The exported towers as they are. Every batch is compared with torch, once.

    Raises
    ------
    QuantizationError
        A tower cannot be exported.
    """
    encoder = loaded(checkpoint, context)
    model, graphs = encoder.module, graphs_in(exported(checkpoint, encoder))
    coverage = _coverage(graphs, checkpoint, model, reason="a control arm: another runtime only")
    run = compared_with_torch(runner(graphs, options), model, "ONNX Runtime", fix=FIX)
    return Variant(encoder=RuntimeEncoder(encoder, run), coverage=coverage, dtype="float32")


def build_fp16(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    """The exported towers, cast to half precision by ONNX Runtime's own converter.

    Raises
    ------
    QuantizationError
        A tower cannot be exported.
    """
    encoder = loaded(checkpoint, context)
    with tempfile.TemporaryDirectory() as folder:
        graphs = graphs_in(Path(folder))
        for tower, source in graphs_in(exported(checkpoint, encoder)).items():
            cast_to_half(source, graphs[tower])
        coverage = _coverage(graphs, checkpoint, encoder.module, reason="a control arm: cast only")
        run = runner(graphs, options)
    return Variant(encoder=RuntimeEncoder(encoder, run), coverage=coverage, dtype="float16")


def build_dynamic(checkpoint: Checkpoint, context: Context, options: DynamicOptions) -> Variant:
    """8 bit weights; activations are scaled while the model runs.

    Raises
    ------
    QuantizationError
        A tower cannot be exported, or ONNX Runtime left out a layer that the options name.
    """
    return _quantized(
        checkpoint,
        loaded(checkpoint, context),
        options,
        lambda tower, source, target, excluded: quantize_weights(source, target, options, excluded),
    )


def build_static(checkpoint: Checkpoint, context: Context, options: StaticOptions) -> Variant:
    """8 bit weights and activations; the ranges of activations are those of the calibration data.

    Raises
    ------
    InputError
        The calibration data has no texts, and the text tower is to be quantized.
    QuantizationError
        A tower cannot be exported, or ONNX Runtime left out a layer that the options name.
    """
    encoder = loaded(checkpoint, context)
    batches = batches_of(encoder, checkpoint, context, options.towers)
    return _quantized(
        checkpoint,
        encoder,
        options,
        lambda tower, source, target, excluded: quantize_all(source, target, options, excluded, batches[tower]),
    )


def _quantized(
    checkpoint: Checkpoint,
    encoder: Any,
    options: DynamicOptions,
    quantize: Callable[[Tower, Path, Path, list[str]], None],
) -> Variant:
    """Quantize the towers that the options name, check what was quantized, and load the graphs."""
    plain = graphs_in(exported(checkpoint, encoder))
    nodes = _nodes(plain)
    reasons = left_out(nodes, options.towers, options.skip)
    with tempfile.TemporaryDirectory() as folder:
        graphs = dict(plain)
        for tower in TOWERS:
            if options.towers in ("both", tower):
                graphs[tower] = graphs_in(Path(folder))[tower]
                quantize(
                    tower, plain[tower], graphs[tower], [node for name, node in nodes[tower].items() if name in reasons]
                )
        coverage = _coverage(graphs, checkpoint, encoder.module, reasons=reasons, reason="left out by ONNX Runtime")
        check(coverage, reasons, "ONNX Runtime")
        run = runner(graphs, options)
    return Variant(encoder=RuntimeEncoder(encoder, run), coverage=coverage, dtype="float32", control=CONTROL)


def _nodes(graphs: Graphs) -> dict[Tower, dict[str, str]]:
    """By tower: name of a Linear layer → name of the node that multiplies by its weights."""
    return {
        tower: {
            tensor.removesuffix(WEIGHT): node.name
            for node in onnx.load(path).graph.node
            for tensor in node.input[1:2]
            if tensor.endswith(WEIGHT) and node.op_type in PRODUCTS
        }
        for tower, path in graphs.items()
    }


def _coverage(
    graphs: Graphs, checkpoint: Checkpoint, model: Any, *, reason: str, reasons: Mapping[str, str] | None = None
) -> Coverage:
    """What the nodes of the graphs say, layer by layer; the parameters are those of the torch model."""
    layers: list[Layer] = []
    held, left_out = 0, dict(reasons or {})
    for tower, path in graphs.items():
        graph = onnx.load(path)
        layers += read_layers(graph, tower, checkpoint, lambda name: left_out.get(name, reason))
        held += graph_bytes(graph)
    return Coverage(
        layers=tuple(layers),
        total_parameters=sum(parameter.numel() for parameter in model.parameters()),
        model_bytes=held,
        disk_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else None,
    )
