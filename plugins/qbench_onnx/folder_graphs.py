"""Reads the graphs of an exported model: files of external data, names of inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data
from onnx.inliner import inline_local_functions

from qbench.api import ModelError
from qbench_onnx.towers import TOWERS, Tower
from qbench_transformers.fingerprint import check_content

INPUT: dict[Tower, str] = {"image": "pixel_values", "text": "input_ids"}
OUTPUT: dict[Tower, str] = {"image": "image_embeds", "text": "text_embeds"}
KNOWN = frozenset({*INPUT.values(), "attention_mask"})
"""The inputs that qbench can give to a graph."""


def read_graph(path: Path) -> Any:
    """A graph, without the weights that it has in files of external data. Its local functions are put in their places.

    Raises
    ------
    ModelError
        The file is damaged, or names external data outside its folder.
    """
    check_content(path)
    try:
        model = onnx.load(path, load_external_data=False)
        if model.functions:  # ONNX Runtime does so, too: their nodes and tensors are those of the graph
            model = inline_local_functions(model)
    except Exception as error:  # of protobuf, which has no types
        raise ModelError(f"the graph cannot be read ({error})", where=str(path)) from error
    for tensor in _tensors(model.graph):
        if uses_external_data(tensor):
            _check_place(ExternalDataInfo(tensor).location, path)
    return model


def read_with_weights(path: Path) -> Any:
    """A graph with all its weights; raises `ModelError` as `read_graph` does, or if external data are too short."""
    model = read_graph(path)
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # what damaged files make onnx raise is not declared
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"the weights of the graph cannot be read ({first})", where=str(path)) from error
    return model


def files_of(path: Path) -> list[Path]:
    """A graph and its files of external data, sorted; raises `ModelError` if one is missing or a symbolic link."""
    tensors = (tensor for tensor in _tensors(read_graph(path).graph) if uses_external_data(tensor))
    data = sorted({path.parent / ExternalDataInfo(tensor).location for tensor in tensors})
    for file in data:
        check_content(file)
        if file.resolve() != path.parent.resolve() / file.relative_to(path.parent):  # as in the caches of the hub
            raise ModelError(
                f"the external data of {path.name} are behind a symbolic link, which ONNX Runtime does not follow",
                where=str(file),
                fix="Copy the files themselves into the folder, for example with `hf download --local-dir FOLDER`.",
            )
        if not file.is_file():
            raise ModelError(
                f"the external data of {path.name} are missing", where=str(file), fix="Copy them into the folder."
            )
    return [path, *data]


def check_names(model: Any, tower: Tower, path: Path) -> None:
    """Raise `ModelError` if a graph has not the input and the output of a tower, or an input that is not known."""
    constant = {tensor.name for tensor in model.graph.initializer}
    inputs = [value.name for value in model.graph.input if value.name not in constant]
    outputs = [value.name for value in model.graph.output]
    for what, wanted, names in (("input", INPUT[tower], inputs), ("output", OUTPUT[tower], outputs)):
        if wanted not in names:
            raise ModelError(
                f"the graph has no {what} {wanted!r}, which the {tower} tower needs; it has {', '.join(names)}",
                where=str(path),
                fix="Export the towers with their projections, as transformers.js and Optimum do for CLIP.",
            )
    unknown = sorted(set(inputs) - KNOWN)
    if unknown:
        raise ModelError(f"the graph needs the input {unknown[0]!r}, which qbench does not know", where=str(path))


def nodes_of_towers(model: Any, towers: tuple[Tower, ...] = TOWERS) -> dict[Tower, set[int]]:
    """Tower → the places in ``graph.node`` of the nodes on which its embedding depends."""
    makers = {output: at for at, node in enumerate(model.graph.node) for output in node.output}
    found: dict[Tower, set[int]] = {}
    for tower in towers:
        reached: set[int] = set()
        waiting = [OUTPUT[tower]]
        while waiting:
            at = makers.get(waiting.pop())
            if at is not None and at not in reached:
                reached.add(at)
                waiting += model.graph.node[at].input
        found[tower] = reached
    return found


def _check_place(location: str, path: Path) -> None:
    """Refuse external data whose name leads out of the folder of the graph."""
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if not location or posix.is_absolute() or windows.anchor or ".." in {*posix.parts, *windows.parts}:
        raise ModelError(
            f"the graph names external data outside its folder: {location!r}",
            where=str(path),
            fix="Do not use this model, unless you know why; then save it with external data beside the graph.",
        )


def _tensors(message: Any) -> Iterator[Any]:
    """All tensors of a graph, wherever they are: sparse ones, and those of nodes and of their graphs, included."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in (value,) if hasattr(value, "ListFields") else value:  # one message, or several
                yield from _tensors(part)
