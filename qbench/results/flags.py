"""What makes numbers of a run worthless: models that guess. Counts come from the stored items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qbench.errors import InputError
from qbench.results.reading import Cell
from qbench.stats.validity import ChanceTest, against_chance


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A reason to distrust numbers.

    Attributes
    ----------
    model, quantizer, benchmark : str
        What it concerns.
    kind : {"near-chance", "follows", "unchecked"}
        ``near-chance``: its answers cannot be told from guessing. ``follows``: the benchmark has no right and wrong
        answers, but the same variant guesses on another one. ``unchecked``: the test could not be made.
    comparisons : bool
        Whether it is the baseline, so that every comparison of the model on the benchmark is void.
    message : str
        Plain words, with the numbers.
    """

    model: str
    quantizer: str
    benchmark: str
    kind: str
    comparisons: bool
    message: str


def find_flags(cells: Iterable[Cell], baseline: str) -> list[Flag]:
    """Compare each done cell with guessing, and carry the answer to benchmarks that cannot be compared themselves."""
    done = [c for c in cells if c.done]
    flags: list[Flag] = []
    near: dict[tuple[str, str], list[str]] = {}
    for cell in done:
        for entry in _entries(cell):
            flag = _flag(cell, entry, baseline)
            if flag is not None:
                flags.append(flag)
                if flag.kind == "near-chance":
                    near.setdefault((cell.model, cell.quantizer), []).append(cell.benchmark)
    for cell in done:
        where = near.get((cell.model, cell.quantizer))
        if where and not _entries(cell):
            flags.append(_follows(cell, list(dict.fromkeys(where)), baseline))
    return flags


def _entries(cell: Cell) -> list[Mapping[str, Any]]:
    entries = cell.part("facts").get("chance")
    return [x for x in entries if isinstance(x, dict)] if isinstance(entries, list) else []


def _flag(cell: Cell, entry: Mapping[str, Any], baseline: str) -> Flag | None:
    name = str(entry.get("name", "correct"))
    try:
        test = _test(cell, entry)
    except (KeyError, TypeError, ValueError, InputError) as error:
        message = f"Whether it does better than guessing ({name}) could not be checked: {error}."
        return Flag(**cell.names, kind="unchecked", comparisons=False, message=message)
    if not test.near:
        return None
    void = cell.quantizer == baseline
    then = (
        "It is the baseline: no comparison of this model on this benchmark means anything, and a model that guesses "
        "looks fair whatever it does."
        if void
        else "A model that guesses looks fair whatever it does: its group differences mean nothing."
    )
    message = f"Its answers ({name}) cannot be told from guessing: {test.words()}. {then}"
    return Flag(**cell.names, kind="near-chance", comparisons=void, message=message)


def _test(cell: Cell, entry: Mapping[str, Any]) -> ChanceTest:
    where = dict(entry.get("where") or {})
    items = cell.table("items", columns=list(dict.fromkeys(["correct", *where])))
    for column, wanted in where.items():
        items = items[items[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    right: pd.Series[bool] = items["correct"].astype(bool)
    return against_chance(int(right.sum()), len(right), float(entry["chance"]))


def _follows(cell: Cell, where: list[str], baseline: str) -> Flag:
    message = (
        f"On {', '.join(where)} the answers of the same variant cannot be told from guessing, so what it retrieves "
        "here is as good as random: its fairness numbers mean nothing."
    )
    return Flag(**cell.names, kind="follows", comparisons=cell.quantizer == baseline, message=message)
