"""All that the golden test knows of qbench's inside: the names that may change, in one place.

Where a column, a word or a function gets another name, this file says so, and the golden data stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import qbench
from qbench.api import Context, FolderSource, Geometry, ImageLocation, NoOptions
from qbench.api.images import decode_image
from qbench.plugins.options import make_options
from qbench.plugins.registry import installed
from qbench.results.results import Results

COLUMNS: Mapping[str, str] = {}
"""Golden column → its name today, where it has another one."""

WORDS: Mapping[str, str] = {}
"""Golden verdict → today's word for it, where it is another one."""

REMOVED: frozenset[str] = frozenset()
"""Golden columns that no table has any more."""


def run(spec: Mapping[str, Any], folder: Path) -> Results:
    """Run a spec, analysis included."""
    return qbench.run(spec, folder)


def load(folder: Path) -> Results:
    """Read a run folder; without a stored analysis its tables are computed when they are asked for."""
    return qbench.load(folder)


def table(results: Results, name: str) -> pd.DataFrame:
    """A table of the results (``metrics``, ``effects``, …) with golden names of columns and verdicts."""
    frame: pd.DataFrame = getattr(results, name) if hasattr(results, name) else results.added_tables[name]
    frame = frame.rename(columns={today: golden for golden, today in COLUMNS.items()})
    if name == "variance":
        frame = _with_models_in_the_rest(frame)
    if "verdict" in frame:
        golden = {today: golden for golden, today in WORDS.items()}
        frame = frame.assign(verdict=frame["verdict"].astype(str).replace(golden))
    return frame


def _with_models_in_the_rest(variance: pd.DataFrame) -> pd.DataFrame:
    """The share of the model, which has a row of its own today, was a part of the rest."""
    factors = variance.assign(factor=variance["factor"].replace("model", "rest"))
    return factors.groupby(["benchmark", "metric", "attribute", "factor"], sort=False, as_index=False).agg(
        {"share": lambda shares: shares.sum(skipna=False), "changes": "first"}
    )


def measured(results: Results) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Measure each stored outcome again: model, quantizer and benchmark, and `Metrics.frame` of what was measured."""
    for cell in results.done:
        info = cell.record.benchmark_info
        entry = installed().benchmark(info.record)
        task = entry.record.load(make_options(entry.record.options, info.options, where=info.record, warn=False))
        yield (cell.model, cell.quantizer, cell.benchmark), task.measure(cell.outcome()).frame()


def encoder(checkpoint: str, quantizer: str) -> tuple[Any, Geometry]:
    """A model of the demo, quantized with the default options, and the geometry of the images that it takes."""
    opened = installed().model("demo").record.open(checkpoint, NoOptions())
    record = installed().quantizer(quantizer).record
    options = make_options(record.options, {}, where=quantizer)
    return record.build(opened, Context(device="cpu"), options).encoder, opened.preprocessing.geometry


def pixels(images: pd.DataFrame, geometry: Geometry) -> np.ndarray:
    """Decode images that `qbench embeddings list` named: ``(n, size, size, 3)`` uint8."""
    boxes = images[["x", "y", "width", "height"]].to_numpy().tolist()
    places = [Path(path) for path in images["path"]]
    return np.stack(
        [
            decode_image(
                ImageLocation(FolderSource(place.parent), place.name, None if box[0] != box[0] else tuple(box)),
                geometry,
            )
            for place, box in zip(places, boxes, strict=True)
        ]
    )
