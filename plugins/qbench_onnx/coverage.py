"""Reads what became of each Linear layer from the nodes of a graph: type, scales, bits, the error of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from qbench.api import Checkpoint, Inspectable, Layer, QuantizationError
from qbench_onnx.export import WEIGHT
from qbench_onnx.towers import Tower

INTEGERS = (np.int8, np.uint8)
PRODUCTS = frozenset({"MatMul", "Gemm", "MatMulInteger"})
"""The operators in which the weights of a Linear layer are an input, before and after they are quantized."""
QUANTIZED = "_quantized"
"""How ONNX Runtime ends the name of quantized weights; the names of their scales begin in the same way."""


@dataclass(frozen=True)
class _Weights:
    """The weights of a layer in a graph, and the tensors by which they are scaled."""

    kind: str
    stored: npt.NDArray[Any]
    scale: npt.NDArray[Any] | None
    zero: npt.NDArray[Any] | None

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (self.stored, self.scale, self.zero) if array is not None)

    @property
    def quantized(self) -> bool:
        return self.stored.dtype in INTEGERS

    def effective(self) -> npt.NDArray[np.float64]:
        """The weights by which the layer multiplies, ``(inputs, outputs)``: each output may have a scale of its own."""
        values = self.stored.astype(np.float64)
        if self.scale is None:
            return values
        zero = 0.0 if self.zero is None else self.zero.astype(np.float64)
        found: npt.NDArray[np.float64] = (values - zero) * self.scale.astype(np.float64)
        return found


def read_layers(
    model: onnx.ModelProto, tower: Tower, checkpoint: Checkpoint, reason: Callable[[str], str]
) -> Iterator[Layer]:
    """What became of each Linear layer of a tower, in the order of the graph.

    Parameters
    ----------
    model : onnx.ModelProto
        The graph that is run.
    tower : {"image", "text"}
        Which tower it is.
    checkpoint : Checkpoint
        The source of the original weights; where it cannot show them, the weight error is not known.
    reason : callable
        Name of a layer that is not quantized → why.

    Raises
    ------
    QuantizationError
        Weights are quantized, and their scale cannot be found.
    """
    tensors = {x.name: x for x in model.graph.initializer}
    makers = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type not in PRODUCTS:
            continue
        maker = makers.get(node.input[1])
        scaled = maker if maker is not None and maker.op_type == "DequantizeLinear" else None
        source = scaled.input[0] if scaled is not None else node.input[1]
        if source in tensors and WEIGHT in source:
            name = source[: source.rindex(WEIGHT)]
            yield _layer(name, tower, _weights(node, scaled, source, tensors), checkpoint, reason)


def graph_bytes(model: onnx.ModelProto) -> int:
    """Bytes of all tensors that a graph holds."""
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in model.graph.initializer)


def _weights(node: Any, scaled: Any, source: str, tensors: Mapping[str, Any]) -> _Weights:
    """The weights of a product, with the tensors of the node that scales them, or of those that have their name."""
    stored = numpy_helper.to_array(tensors[source])
    if node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute):
        stored = stored.T
    if stored.dtype not in INTEGERS:
        return _Weights(node.op_type, stored, None, None)
    stem = source.removesuffix(QUANTIZED)
    names = tuple(scaled.input[1:3]) if scaled is not None else (f"{stem}_scale", f"{stem}_zero_point")
    if names[0] not in tensors:
        raise QuantizationError(f"the scale of {source} cannot be found in the graph")
    scale, zero = (numpy_helper.to_array(tensors[name]) if name in tensors else None for name in names)
    return _Weights(f"{node.op_type} of QDQ" if scaled is not None else node.op_type, stored, scale, zero)


def _layer(name: str, tower: Tower, weights: _Weights, checkpoint: Checkpoint, reason: Callable[[str], str]) -> Layer:
    effective = weights.effective()
    return Layer(
        name=name,
        tower=tower,
        kind=weights.kind,
        parameters=effective.size,
        quantized=weights.quantized,
        bits=8 * weights.nbytes / effective.size,
        reason="" if weights.quantized else reason(name),
        error=weight_error(name, effective, checkpoint),
        sparsity=1 - int(np.count_nonzero(effective)) / effective.size,
    )


def weight_error(name: str, effective: npt.NDArray[np.float64], checkpoint: Checkpoint) -> float | None:
    """‖original − effective‖ / ‖original‖ (Frobenius norm); `None` if there is no original, or if it is not finite.

    Parameters
    ----------
    name : str
        The layer.
    effective : numpy.ndarray
        ``(inputs, outputs)``: the weights by which it multiplies.
    checkpoint : Checkpoint
        The source of the original weights, ``(outputs, inputs)``.
    """
    original = checkpoint.weight(f"{name}{WEIGHT}") if isinstance(checkpoint, Inspectable) else None
    if original is None or original.T.shape != effective.shape:
        return None
    wanted = original.T.astype(np.float64)
    error = float(np.linalg.norm(wanted - effective) / np.linalg.norm(wanted))
    return error if math.isfinite(error) else None
