"""Changes the graph of a tower with the functions of ONNX Runtime: a cast to half precision, and two ways to 8 bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16

from qbench_onnx.export import PRODUCTS
from qbench_onnx.options import DynamicOptions, StaticOptions
from qbench_onnx.quiet import quietly

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


def cast_to_half(source: Path, target: Path) -> None:
    """Write a graph in half precision; its input and its output stay as they are."""
    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


def quantize_weights(source: Path, target: Path, options: DynamicOptions, excluded: list[str]) -> None:
    """Write a graph with 8 bit weights, whose activations are scaled while it runs.

    Parameters
    ----------
    source, target : pathlib.Path
        The graph in float32, and the file to write.
    options : DynamicOptions
        The options.
    excluded : list of str
        Names of the nodes that are left as they are.
    """
    with quietly():
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(PRODUCTS),
            per_channel=options.per_channel,
            reduce_range=options.reduce_range,
            nodes_to_exclude=excluded,
            extra_options={"MatMulConstBOnly": True},
        )


def quantize_all(
    source: Path, target: Path, options: StaticOptions, excluded: list[str], batches: list[Callable[[], Any]]
) -> None:
    """Write a graph with 8 bit weights and activations, as pairs of QuantizeLinear and DequantizeLinear.

    Parameters
    ----------
    source, target, options, excluded
        As for `quantize_weights`.
    batches : list of callable
        ``() -> (b, …)``: the inputs of the calibration data. They are looked at one by one, so that the memory does not
        grow with their number.
    """
    extra: dict[str, Any] = {
        "MatMulConstBOnly": True,
        "CalibStridedMinMax": 1,
    }  # a stride of one batch, whatever the method is
    if options.method == "percentile":
        extra["CalibPercentile"] = options.percentile
    with quietly():
        quantize_static(
            source,
            target,
            _Batches(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(PRODUCTS),
            per_channel=options.per_channel,
            reduce_range=options.reduce_range,
            nodes_to_exclude=excluded,
            calibrate_method=METHODS[options.method],
            extra_options=extra,
        )


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # of a library without types
    """The calibration data as ONNX Runtime reads them."""

    def __init__(self, batches: list[Callable[[], npt.NDArray[Any]]]) -> None:
        self._batches = batches
        self._left = iter(batches)

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = iter(self._batches[start_index:end_index])

    def get_next(self) -> dict[str, Any]:
        make = next(self._left, None)
        return {} if make is None else {"inputs": make()}
