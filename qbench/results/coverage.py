"""What was quantized, as tables: layer by layer, and summed over each tower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import pandas as pd

from qbench.models.interface import Coverage, Layer
from qbench.runfolder.reader import Cell

LAYERS = [
    *["model", "quantizer", "name", "tower", "kind", "parameters", "quantized", "bits", "error", "snr", "sparsity"],
    "reason",
]
SUMMARY = [
    *["model", "quantizer", "tower", "layers", "quantized_layers", "parameters", "share", "bits_per_weight"],
    *["median_error", "max_error", "sparsity", "total_parameters", "model_bytes", "disk_bytes", "origin"],
]

Named = tuple[str, str, Coverage]
"""Model, quantizer, and what was quantized."""


def layer_table(variants: Iterable[Named]) -> pd.DataFrame:
    """One row per Linear layer of each model × quantizer.

    ``error`` is relative, ``snr`` in dB, ``sparsity`` a share; each is empty where it is not known, and ``snr`` where
    there is no error.
    """
    rows = [
        {"model": model, "quantizer": quantizer, **{k: getattr(layer, k) for k in LAYERS[2:]}}
        for model, quantizer, coverage in variants
        for layer in coverage.layers
    ]
    frame = pd.DataFrame(rows, columns=LAYERS)
    return frame.astype(dict.fromkeys(("error", "snr", "sparsity"), "float64"))


def summarise(variants: Iterable[Named]) -> pd.DataFrame:
    """One row per tower of each model × quantizer, and one for both (``tower`` is ``all``).

    ``share`` is the share of the Linear weights that is quantized, ``sparsity`` that which is zero, 0 to 1. The errors
    are over the quantized layers (of a control arm over all), as far as they are known. ``origin`` is ``measured``, or
    ``declared`` where embeddings were precomputed.
    """
    rows: list[dict[str, Any]] = []
    for model, quantizer, whole in variants:
        for tower in ["all", *dict.fromkeys(x.tower for x in whole.layers)]:
            layers = tuple(x for x in whole.layers if tower in ("all", x.tower))
            part = replace(whole, layers=layers)
            of = [x for x in layers if x.quantized] or (layers if not whole.share() else ())
            errors = [x.error for x in of if x.error is not None]
            rows.append(
                {
                    "model": model,
                    "quantizer": quantizer,
                    "tower": tower,
                    "layers": len(layers),
                    "quantized_layers": sum(x.quantized for x in layers),
                    "parameters": sum(x.parameters for x in layers),
                    "share": part.share(),
                    "bits_per_weight": part.bits_per_weight,
                    "median_error": median(errors) if errors else None,
                    "max_error": max(errors, default=None),
                    "sparsity": _sparsity(layers),
                    "total_parameters": whole.total_parameters,
                    "model_bytes": whole.model_bytes,
                    "disk_bytes": whole.disk_bytes,
                    "origin": "declared" if whole.declared else "measured",
                }
            )
    frame = pd.DataFrame(rows, columns=SUMMARY)
    floats = dict.fromkeys(("median_error", "max_error", "sparsity"), "float64")
    return frame.astype(floats | dict.fromkeys(("model_bytes", "disk_bytes"), "Int64"))


def _sparsity(layers: Iterable[Layer]) -> float | None:
    known = [(x.parameters, x.sparsity) for x in layers if x.sparsity is not None]
    total = sum(count for count, _ in known)
    return sum(count * share for count, share in known) / total if total else None


def of_cells(cells: Iterable[Cell]) -> Iterator[Named]:
    """What the cells of a run recorded, once for each model × quantizer: a variant is the same on every benchmark."""
    seen: set[tuple[str, str]] = set()
    for cell in cells:
        coverage = cell.record.coverage
        if coverage is not None and (cell.model, cell.quantizer) not in seen:
            seen.add((cell.model, cell.quantizer))
            yield cell.model, cell.quantizer, coverage
