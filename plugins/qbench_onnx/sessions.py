"""Runs the graphs of two towers in ONNX Runtime, with every setting that decides a number stated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime
import torch

from qbench.api import InputError, QuantizationError
from qbench_onnx.options import RuntimeOptions
from qbench_onnx.towers import Run, Tower

LEVELS = {
    "disabled": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
ERRORS = 3
"""ONNX Runtime's severity of errors: what is less severe is not printed."""


def runner(graphs: Mapping[Tower, Path], options: RuntimeOptions) -> Run:
    """Load graphs, and return the function that runs them; the files are not needed afterwards.

    Raises
    ------
    InputError
        This installation of ONNX Runtime does not have the execution provider.
    QuantizationError
        ONNX Runtime cannot load a graph.
    """
    sessions = {tower: session(path, options) for tower, path in graphs.items()}

    def run(tower: Tower, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = sessions[tower].run(None, {"inputs": inputs})[0]
        return found

    return run


def session(path: Path, options: RuntimeOptions) -> Any:
    """Load one graph. No library of custom operators is registered; a graph that needs one cannot be loaded.

    Raises
    ------
    InputError
        This installation of ONNX Runtime does not have the execution provider.
    QuantizationError
        ONNX Runtime cannot load the graph.
    """
    available = onnxruntime.get_available_providers()
    if options.provider not in available:
        raise InputError(
            f"ONNX Runtime does not have the execution provider {options.provider!r} here",
            where="option provider",
            fix=f"It has: {', '.join(available)}.",
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads or torch.get_num_threads()
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    settings.graph_optimization_level = LEVELS[options.optimization]
    settings.use_deterministic_compute = True
    settings.log_severity_level = ERRORS
    try:
        return onnxruntime.InferenceSession(str(path), settings, providers=[options.provider])
    except Exception as error:  # the errors of ONNX Runtime have no common class
        first = str(error).strip().splitlines()[0]
        raise QuantizationError(f"ONNX Runtime cannot load the graph {path.name} ({first})") from error
