"""Reads what became of each Linear layer of an exported model from the nodes of its graphs, whoever quantized them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from qbench.api import DType, Layer, QuantizationError
from qbench.api.quantizers import Tower as Part
from qbench_onnx.coverage import QUANTIZED
from qbench_onnx.folder_graphs import nodes_of_towers, read_with_weights
from qbench_onnx.towers import TOWERS, Tower

PLAIN = frozenset({"MatMul", "Gemm"})
"""Products of floating-point numbers. Their weights may be made from integers by the operators in `MADE_BY`."""
MADE_BY = frozenset({"DequantizeLinear", "Transpose", "Cast", "Reshape", "Identity"})
INTEGER = {"MatMulInteger": (3,), "DynamicQuantizeMatMul": (2, 3)}
"""Products by integers, which are the second input → the inputs with what belongs to these: scale and zero point."""
PACKED = {"MatMulNBits": (2, 3), "MatMulBnb4": (2,)}
"""The same for products whose weights have several numbers in a byte, one after the other in blocks."""
FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16})
HALF_A_BYTE = frozenset({TensorProto.INT4, TensorProto.UINT4})
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Product:
    """A Linear layer in a graph.

    Attributes
    ----------
    name : str
        The layer, as far as the name of the node says it.
    weights : str
        The name of the tensor with its weights.
    tower : {"image", "text", "shared"}
        The tower that it belongs to.
    kind : str
        The operator.
    parameters : int
        The number of weights.
    stored : str
        The type in which they are stored.
    quantized : bool
        Whether they are stored as integers.
    nbytes : int
        Bytes of the weights with their scales.
    effective : callable
        ``() -> (inputs, outputs)``: the weights by which it multiplies; `None` if they are not known. They are made
        when they are asked for, so that those of one layer at a time are in memory.
    """

    name: str
    weights: str
    tower: Part
    kind: str
    parameters: int
    stored: str
    quantized: bool
    nbytes: float
    effective: Callable[[], Floats | None]


@dataclass(frozen=True)
class Facts:
    """What graphs hold: their Linear layers, the bytes of all weights, and the type of what is not quantized."""

    products: tuple[Product, ...]
    nbytes: int
    dtype: DType


def read_facts(graphs: Sequence[Path]) -> Facts:
    """The facts about the graphs of the image tower and of the text tower, which may be one file.

    Raises
    ------
    ModelError
        A graph cannot be read.
    """
    products: list[Product] = []
    held = {TensorProto.FLOAT: 0.0, TensorProto.FLOAT16: 0.0}
    total = 0.0
    both = len(set(graphs)) == 1
    for path, towers in ((graphs[0], TOWERS),) if both else zip(graphs, ((tower,) for tower in TOWERS), strict=True):
        graph = _Graph(read_with_weights(path), towers)
        products += graph.products()
        for tensor in graph.tensors.values():
            total += _nbytes(tensor)
            if tensor.data_type in held:
                held[tensor.data_type] += _nbytes(tensor)
    dtype: DType = "float16" if held[TensorProto.FLOAT16] > held[TensorProto.FLOAT] else "float32"
    return Facts(products=tuple(products), nbytes=math.ceil(total), dtype=dtype)


def layers_of(variant: Facts, original: Facts) -> tuple[Layer, ...]:
    """What became of each Linear layer, in the order of the graphs.

    A layer of a variant is recognised by the name of its weights, which begins like that of the original's. Where it is
    not, the layer has the name of its node, and the weight error is not known.

    Raises
    ------
    QuantizationError
        The graphs have fewer Linear layers that can be found, so what became of the others is not known.
    """
    for part in {product.tower for product in original.products}:
        counts = [sum(product.tower == part for product in facts.products) for facts in (variant, original)]
        if counts[0] != counts[1]:
            raise QuantizationError(
                f"of the {counts[1]} Linear layers of the {part} tower {counts[0]} can be found in the graph: it has "
                "them in operators that qbench does not know, so that its coverage cannot be told"
            )
    return tuple(_layer(product, _origin(product, original)) for product in variant.products)


def _layer(product: Product, original: Product | None) -> Layer:
    effective = product.effective()
    return Layer(
        name=product.name if original is None else original.name,
        tower=product.tower,
        kind=product.kind,
        parameters=product.parameters,
        quantized=product.quantized,
        bits=8 * product.nbytes / product.parameters,
        reason="" if product.quantized else f"stored as {product.stored}",
        error=_error(effective, None if original is None else original.effective()),
        sparsity=None if effective is None else 1 - int(np.count_nonzero(effective)) / effective.size,
    )


def _origin(product: Product, original: Facts) -> Product | None:
    """The layer of the original whose weights have the longest name with which those of the product begin."""
    found = [
        other
        for other in original.products
        if other.tower == product.tower
        and (product.weights == other.weights or product.weights.startswith(f"{other.weights}_"))
    ]
    return max(found, key=lambda other: len(other.weights), default=None)


def _error(effective: Floats | None, original: Floats | None) -> float | None:
    if effective is None or original is None or effective.shape != original.shape:
        return None
    error = float(np.linalg.norm(original - effective) / np.linalg.norm(original))
    return error if math.isfinite(error) else None


class _Graph:
    """A graph whose tensors and nodes are found by name."""

    def __init__(self, model: Any, towers: tuple[Tower, ...]) -> None:
        self.nodes = list(model.graph.node)
        self.makers = {output: node for node in self.nodes for output in node.output}
        self.tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in self.nodes:
            for attribute in node.attribute if node.op_type == "Constant" else ():
                if attribute.name == "value":
                    self.tensors[node.output[0]] = attribute.t
        self._reached = nodes_of_towers(model, towers)

    def products(self) -> Iterator[Product]:
        for at, node in enumerate(self.nodes):
            towers = [tower for tower, reached in self._reached.items() if at in reached]
            if not towers or len(node.input) < 2:
                continue
            part: Part = towers[0] if len(towers) == 1 else "shared"
            if node.op_type in PLAIN:
                chain = self._chain(node.input[1])
                if chain is not None and len(self.tensors[chain[0]].dims) == 2:
                    yield self._plain(node, part, chain)
            elif node.op_type in INTEGER and node.input[1] in self.tensors:
                yield self._integer(node, part)
            elif node.op_type in PACKED and node.input[1] in self.tensors:
                yield self._packed(node, part)

    def _chain(self, name: str) -> list[str] | None:
        """The tensors that decide a value, its weights first; `None` if it is not made of constants alone."""
        if name in self.tensors:
            return [name]
        node = self.makers.get(name)
        if node is None or node.op_type not in MADE_BY:
            return None
        parts = [self._chain(source) for source in node.input if source]
        return None if any(part is None for part in parts) else [x for part in parts for x in part or ()]

    def _value(self, name: str) -> npt.NDArray[Any]:
        """The value of what `_chain` says is constant."""
        if name in self.tensors:
            found: npt.NDArray[Any] = numpy_helper.to_array(self.tensors[name])
            return found
        node = self.makers[name]
        made: Any = ReferenceEvaluator(node).run(None, {source: self._value(source) for source in node.input if source})
        value: npt.NDArray[Any] = made[0]
        return value

    def _plain(self, node: Any, part: Part, chain: list[str]) -> Product:
        def effective() -> Floats:
            found: Floats = self._value(node.input[1]).astype(np.float64)
            return found.T if node.op_type == "Gemm" and _attribute(node, "transB", 0) else found

        scaled = len(chain) > 1
        return self._product(node, part, chain, effective, f"{node.op_type} of QDQ" if scaled else node.op_type)

    def _integer(self, node: Any, part: Part) -> Product:
        weights = node.input[1]
        beside = [node.input[i] for i in INTEGER[node.op_type] if i < len(node.input) and node.input[i]]
        zero = beside[-1] if beside and beside[-1] in self.tensors else ""
        # A MatMulInteger has its scale in a node that follows; ONNX Runtime names it like the weights.
        scale = beside[0] if node.op_type != "MatMulInteger" else f"{weights.removesuffix(QUANTIZED)}_scale"
        known = [name for name in dict.fromkeys((weights, scale, zero)) if name in self.tensors]

        def effective() -> Floats | None:
            if scale not in known:
                return None
            found: Floats = self._value(weights).astype(np.float64)
            if zero:
                found -= self._value(zero)
            found *= self._value(scale)
            return found

        return self._product(node, part, known, effective, node.op_type)

    def _packed(self, node: Any, part: Part) -> Product:
        beside = [node.input[i] for i in PACKED[node.op_type] if i < len(node.input) and node.input[i] in self.tensors]
        inputs, outputs = _attribute(node, "K", 0), _attribute(node, "N", 0)
        return self._product(
            node,
            part,
            [node.input[1], *beside],
            partial(self._unpacked, node, beside, inputs, outputs),
            node.op_type,
            parameters=inputs * outputs,
        )

    def _unpacked(self, node: Any, beside: list[str], inputs: int, outputs: int) -> Floats | None:
        """The weights of a MatMulNBits, as specified: blocks of an output, the low bits of a byte first."""
        bits, block = _attribute(node, "bits", 4), _attribute(node, "block_size", 0)
        if node.op_type != "MatMulNBits" or bits not in (4, 8):
            return None
        blocks = -(-inputs // block)
        scale = self._value(beside[0]).astype(np.float64).reshape(outputs, blocks, 1)
        zero: Floats = np.full((outputs, blocks, 1), 2.0 ** (bits - 1))
        if len(beside) > 1:
            stored = self._value(beside[1]).reshape(outputs, -1)
            zeros = _numbers(stored, bits) if stored.dtype == np.uint8 else stored
            zero = zeros[:, :blocks, None].astype(np.float64)
        values = _numbers(self._value(node.input[1]).reshape(outputs, -1), bits).reshape(outputs, blocks, block)
        found: Floats = ((values - zero) * scale).reshape(outputs, -1)[:, :inputs].T
        return found

    def _product(
        self,
        node: Any,
        part: Part,
        names: list[str],
        effective: Callable[[], Floats | None],
        kind: str,
        parameters: int = 0,
    ) -> Product:
        weights = self.tensors[names[0]]
        return Product(
            name=_layer_name(node, names[0]),
            weights=names[0],
            tower=part,
            kind=kind,
            parameters=parameters or math.prod(weights.dims),
            stored=onnx.helper.tensor_dtype_to_np_dtype(weights.data_type).name,
            quantized=weights.data_type not in FLOATS,
            nbytes=sum(_nbytes(self.tensors[name]) for name in names),
            effective=effective,
        )


def _layer_name(node: Any, weights: str) -> str:
    """``/text_model/layers.0/fc1/MatMul`` → ``text_model.layers.0.fc1``; without such a name, that of the weights."""
    path, _, operator = node.name.strip("/").rpartition("/")
    return path.replace("/", ".") if path and operator.startswith(tuple(PLAIN)) else weights.removesuffix(".weight")


def _numbers(packed: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """``(n, bytes)`` → ``(n, numbers)``: the numbers of 4 or 8 bits in bytes."""
    return packed if bits == 8 else np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(packed), -1)


def _attribute(node: Any, name: str, default: int) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == name), default)


def _nbytes(tensor: Any) -> float:
    width = 0.5 if tensor.data_type in HALF_A_BYTE else onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return float(math.prod(tensor.dims) * width)
