"""Builds the variants: loads a checkpoint, exports its towers, changes their graphs, and lets ONNX Runtime run them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from qbench.api import Checkpoint, Context, Coverage, InputError, Inspectable, Layer, QuantizationError, Variant
from qbench_onnx.coverage import graph_bytes, read_layers
from qbench_onnx.export import exported
from qbench_onnx.options import DynamicOptions, RuntimeOptions, StaticOptions
from qbench_onnx.quantize import cast_to_half, quantize_all, quantize_weights
from qbench_onnx.sessions import runner
from qbench_onnx.towers import TOWERS, RuntimeEncoder, Tower, captured, check_towers, compared_with_torch

CONTROL = "ort-fp32"
CALIBRATED_AT_ONCE = 16
"""Calibration images (or texts) per batch. The methods that count activations merge what they count batch by batch."""
Graphs = Mapping[Tower, Path]
Excluded = Mapping[Tower, list[str]]


def build_fp32(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    """The exported towers as they are. Every batch is compared with torch, once.

    Raises
    ------
    QuantizationError
        A tower cannot be exported.
    """
    encoder = _loaded(checkpoint, context)
    model, graphs = encoder.module, _graphs(exported(checkpoint, encoder))
    coverage = _coverage(graphs, checkpoint, model, reason="a control arm: another runtime only")
    run = compared_with_torch(runner(graphs, options), model)
    return Variant(encoder=RuntimeEncoder(encoder, run), coverage=coverage, dtype="float32")


def build_fp16(checkpoint: Checkpoint, context: Context, options: RuntimeOptions) -> Variant:
    """The exported towers, cast to half precision by ONNX Runtime's own converter.

    Raises
    ------
    QuantizationError
        A tower cannot be exported.
    """
    encoder = _loaded(checkpoint, context)
    with tempfile.TemporaryDirectory() as folder:
        graphs = _graphs(Path(folder))
        for tower, source in _graphs(exported(checkpoint, encoder)).items():
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
        _loaded(checkpoint, context),
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
    encoder = _loaded(checkpoint, context)
    batches = _batches(encoder, checkpoint, context)
    if options.towers != "image" and not batches["text"]:
        raise InputError(
            "the calibration data has no texts, so the ranges of the text tower cannot be measured",
            where="calibration",
            fix="Name a file with texts = …, or set towers = 'image'.",
        )
    return _quantized(
        checkpoint,
        encoder,
        options,
        lambda tower, source, target, excluded: quantize_all(source, target, options, excluded, batches[tower]),
    )


def _loaded(checkpoint: Checkpoint, context: Context) -> Any:
    encoder = checkpoint.load(device=context.device, dtype="float32")
    check_towers(encoder)
    return encoder


def _graphs(folder: Path) -> dict[Tower, Path]:
    return {tower: folder / f"{tower}.onnx" for tower in TOWERS}


def _quantized(
    checkpoint: Checkpoint,
    encoder: Any,
    options: DynamicOptions,
    quantize: Callable[[Tower, Path, Path, list[str]], None],
) -> Variant:
    """Quantize the towers that the options name, check what was quantized, and load the graphs."""
    plain = _graphs(exported(checkpoint, encoder))
    excluded, reasons = _left_out(plain, checkpoint, options)
    with tempfile.TemporaryDirectory() as folder:
        graphs = dict(plain)
        for tower in TOWERS:
            if options.towers in ("both", tower):
                graphs[tower] = _graphs(Path(folder))[tower]
                quantize(tower, plain[tower], graphs[tower], excluded[tower])
        coverage = _coverage(graphs, checkpoint, encoder.module, reasons=reasons, reason="left out by ONNX Runtime")
        _check(coverage, reasons)
        run = runner(graphs, options)
    return Variant(encoder=RuntimeEncoder(encoder, run), coverage=coverage, dtype="float32", control=CONTROL)


def _left_out(graphs: Graphs, checkpoint: Checkpoint, options: DynamicOptions) -> tuple[Excluded, dict[str, str]]:
    """The nodes to leave out, by tower; and each layer that is left out, with the reason.

    Raises
    ------
    InputError
        A pattern matches no layer, or no layer is left.
    """
    nodes: dict[Tower, dict[str, str]] = {}
    reasons: dict[str, str] = {}
    for tower, path in graphs.items():
        model = onnx.load(path)
        nodes[tower] = {
            tensor.removesuffix(".weight"): node.name
            for node in model.graph.node
            for tensor in node.input[1:2]
            if tensor.endswith(".weight") and node.op_type in ("MatMul", "Gemm")
        }
        if options.towers not in ("both", tower):
            reasons |= dict.fromkeys(nodes[tower], f"towers = {options.towers}")
    names = [name for of_tower in nodes.values() for name in of_tower]
    for pattern in options.skip:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"the pattern {pattern!r} matches none of the model's {len(names)} Linear layers",
                where="skip",
                fix=f"Their names are like {', '.join(names[:2])}.",
            )
        reasons = dict.fromkeys(found, f"skip = {pattern}") | reasons
    if len(reasons) == len(names):
        raise InputError("these options leave no layer to quantize", where="towers, skip")
    return {tower: [node for name, node in of.items() if name in reasons] for tower, of in nodes.items()}, reasons


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


def _check(coverage: Coverage, reasons: Mapping[str, str]) -> None:
    """Raise `QuantizationError` where the layers that were quantized are not those of the options."""
    for layer in coverage.layers:
        if layer.quantized == (layer.name in reasons):
            said = "quantized though it should not be" if layer.quantized else "not quantized though it should be"
            raise QuantizationError(f"the layer {layer.name} was {said}: ONNX Runtime ignored the options")


def _batches(
    encoder: Any, checkpoint: Checkpoint, context: Context
) -> dict[Tower, list[Callable[[], npt.NDArray[Any]]]]:
    """The calibration data as the towers get them, each batch made when it is asked for."""
    if context.calibration is None:
        raise InputError("static quantization measures activations, and there is no calibration data")
    pixels, texts = context.calibration.pixels(checkpoint.preprocessing.geometry), list(context.calibration.texts)

    def images(start: int) -> npt.NDArray[Any]:
        chosen = np.array(pixels[start : start + CALIBRATED_AT_ONCE])  # of the cache, where it cannot be written
        return captured(encoder, lambda e: e.encode_images(chosen))

    def words(start: int) -> npt.NDArray[Any]:
        chosen = texts[start : start + CALIBRATED_AT_ONCE]
        return captured(encoder, lambda e: e.encode_texts(chosen))

    return {
        "image": [partial(images, start) for start in range(0, len(pixels), CALIBRATED_AT_ONCE)],
        "text": [partial(words, start) for start in range(0, len(texts), CALIBRATED_AT_ONCE)],
    }
