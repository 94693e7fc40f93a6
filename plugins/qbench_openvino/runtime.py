"""Runs the graphs of two towers in OpenVINO, with every setting that decides a number stated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
import torch
from openvino import opset13
from openvino.utils import replace_node

from qbench.api import InputError
from qbench_onnx.towers import Run, Tower
from qbench_openvino.options import RuntimeOptions

DEVICE = "CPU"
CAPABILITIES = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
"""What OpenVINO calls a type among the capabilities of a device."""


@cache
def core() -> Any:
    """OpenVINO's runtime: one for the process."""
    return openvino.Core()


def opened(path: Path) -> Any:
    """A graph from a file, in which the weights of Linear layers are ``(outputs, inputs)``, as in torch.

    The exporter writes some of them the other way round, which NNCF's GPTQ does not support.
    """
    model = core().read_model(path)
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul" or node.get_attributes()["transpose_b"]:
            continue
        weight = node.input_value(1).get_node()
        if weight.get_type_name() == "Constant" and len(weight.get_output_shape(0)) == 2:
            turned = opset13.constant(np.ascontiguousarray(weight.get_data().T), name=weight.get_friendly_name())
            product = opset13.matmul(
                node.input_value(0), turned, node.get_attributes()["transpose_a"], True, name=node.get_friendly_name()
            )
            replace_node(node, product)
    return model


def settings(options: RuntimeOptions) -> dict[str, Any]:
    """The properties with which a graph is compiled.

    Raises
    ------
    InputError
        The device does not compute in the precision that the options name.
    """
    able = core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
    if CAPABILITIES[options.precision] not in able:
        raise InputError(
            f"OpenVINO does not compute in {options.precision} on this CPU",
            where="option precision",
            fix=f"It has: {', '.join(name for name, kind in CAPABILITIES.items() if kind in able)}.",
        )
    return {
        "INFERENCE_PRECISION_HINT": options.precision,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": options.dynamic_group,
        "INFERENCE_NUM_THREADS": options.threads or torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }


def runner(models: Mapping[Tower, Any], options: RuntimeOptions) -> Run:
    """Compile graphs, and return the function that runs them."""
    how = settings(options)
    compiled = {tower: core().compile_model(model, DEVICE, how) for tower, model in models.items()}

    def run(tower: Tower, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = compiled[tower](inputs)[0]
        return found

    return run
