"""Reads what became of each Linear layer from the nodes of OpenVINO's graph: type, scales, bits, weight error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13

from qbench.api import Checkpoint, Layer
from qbench_onnx.coverage import weight_error
from qbench_onnx.export import WEIGHT
from qbench_onnx.towers import Tower
from qbench_openvino.runtime import DEVICE, core

WHOLE = 8
"""Bits of the largest type that counts as quantized."""
AWQ = "/awq_mul"
SCALED = ("/nncf_smooth_quant", AWQ)
"""How NNCF ends the name of a node that divides activations by what SmoothQuant or AWQ multiplied the weights with."""


def products_of(model: Any) -> dict[str, str]:
    """Name of a Linear layer → name of the node that multiplies by its weights, in a graph that was not quantized."""
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "MatMul":
            weight = node.input_value(1).get_node().get_friendly_name()
            if weight.endswith(WEIGHT):
                found[weight.removesuffix(WEIGHT)] = node.get_friendly_name()
    return found


def read_layers(
    model: Any, tower: Tower, products: Mapping[str, str], checkpoint: Checkpoint, reason: Callable[[str], str]
) -> Iterator[Layer]:
    """What became of each Linear layer of a tower.

    Parameters
    ----------
    model : openvino.Model
        The graph that is run.
    tower : {"image", "text"}
        Which tower it is.
    products : mapping
        Name of a Linear layer → name of the node that multiplies by its weights.
    checkpoint : Checkpoint
        The source of the original weights; where it cannot show them, the weight error is not known.
    reason : callable
        Name of a layer that is not quantized → why.
    """
    copy = model.clone()  # its outputs get further readers
    nodes = {node.get_friendly_name(): node for node in copy.get_ops() if node.get_type_name() == "MatMul"}
    weights = _computed([nodes[node].input_value(1) for node in products.values()])
    for (name, node), weight in zip(products.items(), weights, strict=True):
        effective = weight.T * _factors(nodes[node].input_value(0))
        constants = list(_constants(nodes[node].input_value(1)))
        stored = max(constants, key=_size)
        quantized = stored.get_element_type().bitwidth <= WHOLE
        yield Layer(
            name=name,
            tower=tower,
            kind=f"MatMul of {stored.get_element_type().get_type_name()}",
            parameters=effective.size,
            quantized=quantized,
            bits=8 * sum(map(held, constants)) / effective.size,
            reason="" if quantized else reason(name),
            error=weight_error(name, effective, checkpoint),
            sparsity=1 - int(np.count_nonzero(effective)) / effective.size,
        )


def graph_bytes(model: Any) -> int:
    """Bytes of all constants that a graph holds."""
    return sum(held(node) for node in model.get_ops() if node.get_type_name() == "Constant")


def held(constant: Any) -> int:
    """The bytes of a constant, where two values of 4 bits share a byte."""
    return -(-_size(constant) * int(constant.get_element_type().bitwidth) // 8)


def _size(constant: Any) -> int:
    return int(np.prod(list(constant.get_output_shape(0))))


def _constants(output: Any) -> Iterator[Any]:
    """The constants from which an output is computed."""
    node = output.get_node()
    if node.get_type_name() == "Constant":
        yield node
    for before in node.input_values():
        yield from _constants(before)


def _computed(outputs: list[Any]) -> list[npt.NDArray[np.float64]]:
    """The values of outputs that depend on constants only, as OpenVINO computes them."""
    model = openvino.Model([opset13.result(output) for output in outputs], [])
    compiled = core().compile_model(model, DEVICE, {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([])
    return [found[i].astype(np.float64) for i in range(len(outputs))]


def _factors(output: Any) -> npt.NDArray[np.float64]:
    """``(inputs, 1)``: the factors of SmoothQuant or AWQ by which the inputs of a layer are multiplied; else 1.

    AWQ multiplies the result of an activation function, by which QuickGELU then multiplies its input.
    """
    node = output.get_node()
    while node.get_type_name() in ("FakeQuantize", "Convert"):
        node = node.input_value(0).get_node()
    before = [node, *(value.get_node() for value in node.input_values() if node.get_type_name() == "Multiply")]
    for scaled in before:
        if scaled.get_friendly_name().endswith(SCALED):
            found: npt.NDArray[np.float64] = scaled.input_value(1).get_node().get_data().astype(np.float64)
            return found.reshape(-1, 1)
    return np.ones((1, 1))
