"""What was quantized, as tables: layer by layer, and summed over each tower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from qbench.encode.interface import Coverage, Layer
from qbench.errors import InputError
from qbench.results.reading import AGAIN, Cell

LAYERS = ["model", "quantizer", "name", "tower", "kind", "parameters", "quantized", "bits", "reason"]
SUMMARY = [
    *["model", "quantizer", "tower", "layers", "quantized_layers", "parameters", "share", "bits_per_weight"],
    *["total_parameters", "model_bytes"],
]


def layer_table(cells: Iterable[Cell]) -> pd.DataFrame:
    """One row a Linear of each model × quantizer."""
    rows = [
        {"model": model, "quantizer": quantizer, **{k: getattr(layer, k) for k in LAYERS[2:]}}
        for model, quantizer, coverage in _variants(cells)
        for layer in coverage.layers
    ]
    return pd.DataFrame(rows, columns=LAYERS)


def summarise(cells: Iterable[Cell]) -> pd.DataFrame:
    """One row a tower of each model × quantizer, and one for both (``tower`` is ``all``).

    ``share`` is the share of the Linear weights that is quantized, 0 to 1.
    """
    rows: list[dict[str, Any]] = []
    for model, quantizer, whole in _variants(cells):
        for tower in ["all", *dict.fromkeys(x.tower for x in whole.layers)]:
            layers = tuple(x for x in whole.layers if tower in ("all", x.tower))
            part = Coverage(layers=layers, total_parameters=whole.total_parameters, model_bytes=whole.model_bytes)
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
                    "total_parameters": whole.total_parameters,
                    "model_bytes": whole.model_bytes,
                }
            )
    return pd.DataFrame(rows, columns=SUMMARY)


def _variants(cells: Iterable[Cell]) -> Iterator[tuple[str, str, Coverage]]:
    seen: set[tuple[str, str]] = set()  # a variant is the same on every benchmark
    for cell in cells:
        record = cell.part("coverage")
        if record and (cell.model, cell.quantizer) not in seen:
            seen.add((cell.model, cell.quantizer))
            yield cell.model, cell.quantizer, _coverage(cell, record)


def _coverage(cell: Cell, record: dict[str, Any]) -> Coverage:
    names = Layer.__dataclass_fields__
    try:
        layers = tuple(Layer(**{k: v for k, v in x.items() if k in names}) for x in record["layers"])
        total, size = int(record["total_parameters"]), int(record["model_bytes"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        where = str(cell.folder / "cell.json")
        raise InputError(f"the file is damaged: its coverage ({error!r})", where=where, fix=AGAIN) from error
    return Coverage(layers=layers, total_parameters=total, model_bytes=size)
