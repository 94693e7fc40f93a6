"""The numbers of a cell, computed again from its stored outcome by the benchmark that made them."""

from __future__ import annotations

from ast import literal_eval
from functools import lru_cache

import numpy as np

from qbench.errors import InputError, QbenchError
from qbench.metrics.interface import INDEX
from qbench.plugins.options import make_options
from qbench.plugins.registry import installed
from qbench.runfolder.reader import Cell
from qbench.statistics.interface import Measure

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""Two numbers that differ by less are equal within the rounding of sums in another order."""


def measure_of(cell: Cell) -> Measure:
    """The measure of the benchmark of a cell, which makes numbers of an outcome.

    Raises
    ------
    qbench.errors.InputError
        Its plugin, or a file that its options name, is not on this machine; or the cell does not say how its numbers
        are measured.
    """
    info = cell.record.benchmark_info
    try:
        stored = installed().benchmark(info.record).record.stored_measure
        if stored is None:
            return _measure(info.record, repr(info.options))
    except (QbenchError, OSError):  # a file that an option names need not be on this machine
        what = f"{info.record!r} of {info.distribution}, or a file that its options name, is not on this machine"
        raise InputError(what) from None
    return stored(info.attributes, cell.record.facts)


def measure_or_none(cell: Cell) -> Measure | None:
    """The same; `None` where there is none."""
    try:
        return measure_of(cell)
    except InputError:
        return None


@lru_cache(maxsize=32)
def _measure(record: str, options: str) -> Measure:
    entry = installed().benchmark(record)
    made = make_options(entry.record.options, literal_eval(options) or {}, where=record, warn=False)
    return entry.record.load(made).measure


def differences(cell: Cell, measure: Measure) -> list[str]:
    """What is in ``metrics.parquet`` of a cell and does not follow from its items, one sentence per number.

    Raises
    ------
    qbench.errors.InputError
        A table is missing or damaged.
    """
    stored = cell.numbers().set_index(list(INDEX))
    again = measure(cell.outcome(), None).frame().astype({"value": "float64", "n": "int64"}).set_index(list(INDEX))
    found = [f"{_name(key)} does not follow from the items" for key in stored.index.difference(again.index)]
    found += [f"{_name(key)} is missing" for key in again.index.difference(stored.index)]
    common = stored.index.intersection(again.index)
    (values, n), (values_again, n_again) = ((x.loc[common, "value"], x.loc[common, "n"]) for x in (stored, again))
    same = np.isclose(values, values_again, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True) & (n == n_again)
    for key, was, now in zip(common[~same], values[~same], values_again[~same], strict=True):
        counts = f" (n = {n[key]} and {n_again[key]})" if n[key] != n_again[key] else ""
        found.append(f"{_name(key)} is stored as {was:.12g}; the items give {now:.12g}{counts}")
    return found


def _name(key: tuple[str, ...]) -> str:
    return " ".join(part for part in key if part)
