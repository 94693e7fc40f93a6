"""Exports the towers of a checkpoint as ONNX graphs, once for the same weights and versions.

In a graph, the weights of a Linear layer have the layer's name, also after ONNX Runtime has quantized them.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper

from qbench.api import Checkpoint, QuantizationError
from qbench.api.models import cached_folder
from qbench_onnx.towers import TOWERS, Tower, captured, features

OPSET = 20
MAKING = ("torch", "transformers", "onnx", "onnxscript", "onnx-ir")
"""The distributions that decide what a graph is."""
VERSION = 2
"""Raise it when this module would write another graph."""
WEIGHT = ".weight"
PRODUCTS = ("MatMul", "Gemm")
"""The operators that Linear layers become."""


def exported(checkpoint: Checkpoint, encoder: Any) -> Path:
    """The folder with the graphs of both towers, ``image.onnx`` and ``text.onnx``, from the cache or written now.

    Parameters
    ----------
    checkpoint : Checkpoint
        The checkpoint.
    encoder : Encoder
        The same, loaded as float32 on the CPU, with its torch model.

    Raises
    ------
    QuantizationError
        A tower cannot be exported, or a Linear layer cannot be found in its graph.
    """
    decided_by = {
        "checkpoint": checkpoint.identity.fingerprint,
        "weights": weights_digest(encoder.module),
        "architecture": checkpoint.identity.architecture,
        "size": checkpoint.preprocessing.geometry.size,
        "opset": OPSET,
        "versions": {name: version(name) for name in MAKING},
        "export": VERSION,
    }
    size = sum(parameter.nbytes for parameter in encoder.module.parameters())
    return cached_folder("onnx", decided_by, lambda folder: _write(checkpoint, encoder, folder), size=size)


def graphs_in(folder: Path) -> dict[Tower, Path]:
    """The files of the graphs in a folder, by tower."""
    return {tower: folder / f"{tower}.onnx" for tower in TOWERS}


def weights_digest(model: Any) -> str:
    """SHA-256 (hex) of the weights that were loaded.

    The fingerprint is of the files as they were when they were found. Where they were replaced before they were loaded,
    a graph of the other weights would be stored for the checkpoint, and used when its files are back.
    """
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\0".encode())
        found.update(tensor.detach().numpy().tobytes())
    return found.hexdigest()


def _write(checkpoint: Checkpoint, encoder: Any, folder: Path) -> None:
    linears = {
        name: module.weight.detach().numpy()
        for name, module in encoder.module.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    side = checkpoint.preprocessing.geometry.size
    pixels = np.zeros((2, side, side, 3), dtype=np.uint8)
    inputs = {
        "image": captured(encoder, lambda e: e.encode_images(pixels)),
        "text": captured(encoder, lambda e: e.encode_texts(["a", "b"])),
    }
    found: set[str] = set()
    for tower in TOWERS:
        graph = _export(encoder.module, tower, torch.from_numpy(inputs[tower]))
        found |= name_weights(graph, linears)
        onnx.save(graph, folder / f"{tower}.onnx")
    if missing := sorted(linears.keys() - found):
        raise QuantizationError(f"the Linear layer {missing[0]} cannot be found in the exported graphs")


class _TowerModule(torch.nn.Module):
    """One tower as a module of one input and one output."""

    def __init__(self, model: Any, tower: Tower) -> None:
        super().__init__()
        self.model, self.tower = model, tower

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return features(self.model, self.tower, inputs)


def _export(model: Any, tower: Tower, inputs: torch.Tensor) -> onnx.ModelProto:
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's and onnxscript's own calls of what they have deprecated
            program = torch.onnx.export(
                _TowerModule(model, tower).eval(),
                (inputs,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                input_names=["inputs"],
                output_names=["embeddings"],
                opset_version=OPSET,
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise QuantizationError(f"torch cannot export the {tower} tower ({first})") from error
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    if program is None:
        raise QuantizationError(f"torch exported no {tower} tower")
    return program.model_proto


def name_weights(model: onnx.ModelProto, linears: Mapping[str, npt.NDArray[Any]]) -> set[str]:
    """Give the weights in a graph the names of their layers, by their content; the exporter names most by numbers.

    Parameters
    ----------
    model : onnx.ModelProto
        The graph; changed in place.
    linears : mapping
        Name of a Linear layer → its ``(outputs, inputs)`` weights.

    Returns
    -------
    set of str
        The layers that were found.
    """
    by_content = {_digest(array): name for name, weight in linears.items() for array in (weight, weight.T)}
    used = {node.input[1] for node in model.graph.node if node.op_type in PRODUCTS}
    renamed: dict[str, str] = {}
    for initializer in model.graph.initializer:
        if initializer.name in used:
            name = by_content.get(_digest(numpy_helper.to_array(initializer)))
            if name is not None:
                renamed[initializer.name] = initializer.name = name + WEIGHT
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
    for value in model.graph.value_info:
        value.name = renamed.get(value.name, value.name)
    return {name.removesuffix(WEIGHT) for name in renamed.values()}


def _digest(array: npt.NDArray[Any]) -> str:
    return hashlib.sha256(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes()).hexdigest()
