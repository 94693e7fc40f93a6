"""Changes the graph of a tower with NNCF: weights of 8 or 4 bits, or weights and activations of 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nncf

from qbench.api import QuantizationError
from qbench_onnx.quiet import quietly
from qbench_openvino.coverage import AWQ
from qbench_openvino.options import CalibratedInt4Options, Int4Options, Int8Options, StaticOptions

Batches = list[Callable[[], Any]]
OTHERS = ["Convolution", "Gather"]
"""Kinds of nodes with weights that are not Linear layers: patches, and the embeddings of tokens."""


def compress_int8(model: Any, options: Int8Options, excluded: list[str]) -> Any:
    """8 bit weights, one scale per row."""
    modes = nncf.CompressWeightsMode
    return _compressed(model, modes.INT8_SYM if options.symmetric else modes.INT8_ASYM, excluded)


def compress_int4(model: Any, options: Int4Options, excluded: list[str], batches: Batches | None = None) -> Any:
    """4 bit weights in groups, all layers alike; where there are batches, chosen by the method of the options."""
    modes = nncf.CompressWeightsMode
    more: dict[str, Any] = {"group_size": options.group, "ratio": 1.0, "all_layers": True}
    if batches is not None:
        assert isinstance(options, CalibratedInt4Options)
        how = options.method.replace("-", "_")
        more |= {"dataset": _dataset(batches), "subset_size": len(batches), how: True}
    compressed = _compressed(model, modes.INT4_SYM if options.symmetric else modes.INT4_ASYM, excluded, **more)
    if more.get("awq") and not any(node.get_friendly_name().endswith(AWQ) for node in compressed.get_ops()):
        raise QuantizationError(
            "NNCF's AWQ scales layers behind an activation function that it knows, and finds none in a tower, so that "
            "it would round all weights of it to the nearest",
            fix='Set method = "gptq", or use ov-int4-weights for rounding to the nearest.',
        )
    return compressed


def _compressed(model: Any, mode: Any, excluded: list[str], **more: Any) -> Any:
    with quietly():
        return nncf.compress_weights(model, mode=mode, ignored_scope=_ignored(excluded, OTHERS), **more)


def quantize_all(model: Any, options: StaticOptions, excluded: list[str], batches: Batches) -> Any:
    """8 bit weights and activations of everything that NNCF quantizes in a transformer."""
    smooth = nncf.AdvancedSmoothQuantParameters(matmul=options.smooth_quant)
    with quietly():
        return nncf.quantize(
            model,
            _dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(batches),
            ignored_scope=_ignored(excluded, []),
            advanced_parameters=nncf.AdvancedQuantizationParameters(smooth_quant_alphas=smooth),
        )


def _dataset(batches: Batches) -> Any:
    """The calibration data as NNCF reads them, each batch made when it is asked for."""
    return nncf.Dataset(batches, lambda make: make())


def _ignored(names: list[str], kinds: list[str]) -> Any:
    return nncf.IgnoredScope(names=names, types=kinds, validate=False)
