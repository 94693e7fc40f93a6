"""Records of earlier formats, brought up to date: pure functions from the values of a file to those of the next format.

To change the format: raise `qbench.runfolder.schema.FORMAT`, and add a function for each kind of file here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Values = dict[str, Any]
Step = Callable[[Values], Values]

RENAMED = {"picture": "image", "pictures": "images"}
"""Format 1 had two words for an image."""


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


def cell_from_1(values: Values) -> Values:
    """Rename ``pictures``; fill in what early files of format 1 lacked."""
    current: Values = {"error": None, "batch": None, **values}
    quantizer = _object(current, "quantizer_info")
    current["quantizer_info"] = {"device": "", "batch_invariant": None, **quantizer}
    current["data_info"] = _renamed(_object(current, "data_info"))
    current["facts"] = _renamed(_object(current, "facts"))
    benchmark = _object(current, "benchmark_info")
    for part in ("options", "choices"):
        if isinstance(benchmark.get(part), Mapping):
            benchmark[part] = _renamed(benchmark[part])
    current["benchmark_info"] = benchmark
    return current


def run_from_1(values: Values) -> Values:
    """Rename the option ``picture`` in the spec's benchmarks."""
    spec = _object(values, "spec")
    benchmarks = spec.get("benchmarks")
    if isinstance(benchmarks, list):
        spec["benchmarks"] = [
            {**item, "options": _renamed(item["options"])}
            if isinstance(item, Mapping) and isinstance(item.get("options"), Mapping)
            else item
            for item in benchmarks
        ]
    return {**values, "spec": spec}


STEPS: dict[tuple[str, int], Step] = {
    ("CellRecord", 1): cell_from_1,
    ("RunRecord", 1): run_from_1,
}
"""Record and format → the function that makes the next format of it; a record that is not here did not change."""


def _object(values: Mapping[str, Any], name: str) -> Values:
    """A copy of one object of a file; empty where it is missing. What is no object is left to the check."""
    found = values.get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def _renamed(values: Mapping[str, Any]) -> Values:
    return {RENAMED.get(name, name): value for name, value in values.items()}
