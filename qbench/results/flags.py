"""What makes numbers of a run worthless: models that guess, say the same to everything, or lost their accuracy.

Counts come from the stored items and numbers. A model that guesses looks perfectly fair, so these are the first things
to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qbench.errors import InputError
from qbench.runfolder.reader import Cell
from qbench.stats.validity import ChanceTest, against_chance


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A reason to distrust numbers.

    Attributes
    ----------
    model, quantizer, benchmark : str
        What it concerns.
    kind : {"near-chance", "constant", "accuracy-lost", "follows", "unchecked"}
        ``near-chance``: its answers cannot be told from guessing. ``constant``: nearly all of its answers are the same.
        ``accuracy-lost``: more than a fifth of the baseline's accuracy is gone, so that quantization has failed.
        ``follows``: the benchmark has no right and wrong answers, but the same variant has one of these on another.
        ``unchecked``: the test could not be made.
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


CONSTANT = 0.9
"""Share of one prediction from which answers are called constant, where the items have several labels."""

LOST = 0.2
"""Share of the baseline's accuracy that a variant may lose before its quantization is called failed."""


def find_flags(
    cells: Iterable[Cell], baseline: str, accuracy: Mapping[tuple[str, str, str], tuple[float, float]] | None = None
) -> list[Flag]:
    """Check each done cell, and carry what is found to benchmarks that cannot be checked themselves.

    Parameters
    ----------
    cells : iterable of Cell
        Of the run.
    baseline : str
        Label of the quantizer that the others are compared with.
    accuracy : mapping, optional
        ``(model, quantizer, benchmark)`` → main accuracy before and after, where both are known.
    """
    done = [c for c in cells if c.done]
    flags: list[Flag] = []
    bad: dict[tuple[str, str], list[str]] = {}
    for cell in done:
        found = [_flag(cell, entry, baseline) for entry in _entries(cell)]
        found += [
            _constant(cell, baseline),
            _lost(cell, (accuracy or {}).get((cell.model, cell.quantizer, cell.benchmark))),
        ]
        kept = [flag for flag in found if flag is not None]
        flags += kept
        if any(flag.kind != "unchecked" for flag in kept):
            bad.setdefault((cell.model, cell.quantizer), []).append(cell.benchmark)
    for cell in done:
        where = bad.get((cell.model, cell.quantizer))
        if where and not _entries(cell):
            flags.append(_follows(cell, list(dict.fromkeys(where)), baseline))
    return flags


def _constant(cell: Cell, baseline: str) -> Flag | None:
    if not _entries(cell):
        return None
    try:
        items = cell.table("items", columns=["label", "prediction"])
    except InputError:
        return None  # answers are no labels here
    said = items["prediction"].value_counts()
    if len(said) == 0 or items["label"].nunique() < 2 or cell.part("facts").get("classes") is None:
        return None
    share = float(said.iloc[0]) / len(items)
    if share < CONSTANT or share <= float(items["label"].value_counts().iloc[0]) / len(items) + 0.05:
        return None
    message = f"{share:.0%} of its answers are {str(said.index[0])!r}: a model that says the same to all looks fair."
    return Flag(
        **cell.names, kind="constant", comparisons=cell.quantizer == baseline, message=message.replace("%", " %")
    )


def _lost(cell: Cell, accuracy: tuple[float, float] | None) -> Flag | None:
    if accuracy is None or not accuracy[0] > 0:
        return None
    before, after = accuracy
    share = (before - after) / before
    if not share > LOST:
        return None
    message = (
        f"It lost {100 * share:.0f} % of the baseline's accuracy ({100 * before:.1f} % → {100 * after:.1f} %): "
        "quantization has failed, and its group differences mean little."
    )
    return Flag(**cell.names, kind="accuracy-lost", comparisons=False, message=message)


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
        f"On {', '.join(where)} the same variant guesses, says the same to all, or has lost its accuracy, so what it "
        "retrieves here may be as good as random: its fairness numbers mean nothing."
    )
    return Flag(**cell.names, kind="follows", comparisons=cell.quantizer == baseline, message=message)
