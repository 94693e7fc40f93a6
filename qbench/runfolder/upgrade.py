"""Records of earlier formats, brought up to date: pure functions from the values of a file to those of the next format.

To change the format: raise `qbench.runfolder.schema.FORMAT`, and add a function for each kind of file here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Values = dict[str, Any]
Step = Callable[[Values], Values]


def upgrade(kind: str, values: Mapping[str, Any], to: int) -> Values:
    """Bring the values of a file from their format to the format `to`, one format after the other.

    Parameters
    ----------
    kind : str
        Name of the record, such as ``CellRecord``.
    values : mapping
        The content of the file. Without a ``format`` it is of format 1.
    to : int
        The format that is wanted.

    Returns
    -------
    dict
        New values; those that were given are left as they are.
    """
    current = dict(values)
    for form in range(int(current.get("format", 1)), to):
        step = STEPS.get((kind, form))
        current = step(current) if step else current
        current["format"] = form + 1
    return current


def run_from_1(values: Values) -> Values:
    """Add the labels of the cells: as far as the folders' names tell them, which is all that format 1 says."""
    cells = values.get("cells")
    names = [name for name in cells if isinstance(name, str)] if isinstance(cells, list) else []
    return {**values, "labels": {name: _labels_from_1(name) for name in names}}


def _labels_from_1(folder: str) -> dict[str, str]:
    benchmark, model, variant = ("?", "?", "?", *folder.split("/"))[-3:]
    quantizer = variant.rpartition("-")[0] or variant  # without the key behind it
    return {"model": model, "quantizer": quantizer, "benchmark": benchmark}


def cell_from_1(values: Values) -> Values:
    """Rename ``pictures`` to ``images``, name statistics by name and options; fill in what early files lacked.

    Options, choices and facts are the benchmark's own words, and are left as they are.
    """
    current: Values = {"error": None, "batch": None, **values}
    current["quantizer_info"] = {"device": "", "batch_invariant": None, **_object(current, "quantizer_info")}
    data = _object(current, "data_info")
    if "pictures" in data:
        data["images"] = data.pop("pictures")
    current["data_info"] = data
    if "benchmark_info" in current:
        benchmark = _object(current, "benchmark_info")
        metrics = benchmark.get("metrics")
        if isinstance(metrics, list):
            benchmark["metrics"] = [_metric_from_1(metric) for metric in metrics]
        current["benchmark_info"] = benchmark
    return current


_DECLARED_SINCE: Mapping[str, Values] = {
    "selected": {"role": "summary"},
    "min_skew": {"role": "summary"},
    "ndkl": {"margin": 0.005},
}
"""What the metrics of these kinds declare since format 2; otherwise a role and a margin are implied by their unit."""


def _metric_from_1(metric: Any) -> Any:
    """A metric whose statistic had a ``kind`` and options beside it, and which had neither role nor margin."""
    made = metric.get("statistic") if isinstance(metric, Mapping) else None
    if not isinstance(made, Mapping) or "kind" not in made:
        return metric
    defaults = {"hit": "correct", "below": 0, "where": {}}
    options = {name: made[name] for name, value in defaults.items() if made.get(name, value) != value}
    return {**_DECLARED_SINCE.get(made["kind"], {}), **metric, "statistic": {"name": made["kind"], "options": options}}


def speed_from_1(values: Values) -> Values:
    """Gather the rates, of which format 1 knew two."""
    rates = {name: values[name] for name in ("images", "texts") if name in values}
    return {**{name: value for name, value in values.items() if name not in rates}, "rates": rates}


STEPS: dict[tuple[str, int], Step] = {
    ("RunRecord", 1): run_from_1,
    ("CellRecord", 1): cell_from_1,
    ("SpeedRecord", 1): speed_from_1,
}
"""Record and format → the function that makes the next format of it; a record that is not here did not change."""


def _object(values: Mapping[str, Any], name: str) -> Values:
    """A copy of one object of a file; empty where it is missing. What is not an object is left to the check."""
    found = values.get(name)
    return dict(found) if isinstance(found, Mapping) else {}
