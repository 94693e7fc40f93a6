"""What makes numbers of a run worthless: models at chance level, with one answer to everything, or of lost accuracy.

Counts come from the stored items and numbers. A model at chance level looks perfectly fair, so these are the first
things to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from qbench.errors import InputError
from qbench.runfolder.reader import Cell
from qbench.runfolder.schema import Chance
from qbench.stats.validity import ChanceTest, against_chance
from qbench.vocabulary import FlagKind


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A reason to distrust numbers.

    Attributes
    ----------
    model, quantizer, benchmark : str
        What it concerns.
    kind : FlagKind
        ``near-chance``: its answers cannot be told from random ones. ``constant``: nearly all of its answers are the
        same. ``accuracy-lost``: more than a fifth of the baseline's accuracy is gone, so that quantization has failed.
        ``follows``: the benchmark has no correct answers, but the same variant has one of these on another.
        ``unchecked``: the test could not be made.
    comparisons : bool
        Whether it is the baseline, so that every comparison of the model on the benchmark is void.
    message : str
        Plain words, with the numbers.
    """

    model: str
    quantizer: str
    benchmark: str
    kind: FlagKind
    comparisons: bool
    message: str


CONSTANT = 0.9
"""Share of one prediction from which answers are called constant, where the items have several labels. A choice of
ours: no balanced set of labels comes near it, and a model that still tells a tenth of the items apart is below it."""

LABELS_EXCEEDED = 0.05
"""How much more frequent than the most frequent label that prediction has to be. A choice of ours, so that correct
answers to items that nearly all have one label are not called constant."""

LOST = 0.2
"""Share of the baseline's accuracy that a variant may lose before its quantization is called failed. A choice of ours:
far beyond what the methods that people deploy lose, and above it the groups that are left are those the model still
recognises, so that gaps are about who they are."""


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
        found = [_near_chance(cell, chance, baseline) for chance in _chances(cell)]
        found += [
            _constant(cell, baseline),
            _lost(cell, (accuracy or {}).get((cell.model, cell.quantizer, cell.benchmark))),
        ]
        kept = [flag for flag in found if flag is not None]
        flags += kept
        if any(flag.kind is not FlagKind.UNCHECKED for flag in kept):
            bad.setdefault((cell.model, cell.quantizer), []).append(cell.benchmark)
    for cell in done:
        where = bad.get((cell.model, cell.quantizer))
        if where and not _chances(cell):
            flags.append(_follows(cell, list(dict.fromkeys(where)), baseline))
    return flags


def _chances(cell: Cell) -> tuple[Chance, ...]:
    return cell.record.known_facts.chance


def _constant(cell: Cell, baseline: str) -> Flag | None:
    if not _chances(cell) or cell.record.known_facts.classes is None:
        return None
    try:
        items = cell.table("items", columns=["label", "prediction"])
    except InputError:
        return None  # answers are not labels here
    counts = items["prediction"].value_counts()
    if len(counts) == 0 or items["label"].nunique() < 2:
        return None
    share = float(counts.iloc[0]) / len(items)
    most_frequent = float(items["label"].value_counts().iloc[0]) / len(items)
    if share < CONSTANT or share <= most_frequent + LABELS_EXCEEDED:
        return None
    message = (
        f"{100 * share:.0f} % of its answers are {str(counts.index[0])!r}: a model that gives one answer to everything "
        "looks fair."
    )
    return Flag(**cell.names, kind=FlagKind.CONSTANT, comparisons=cell.quantizer == baseline, message=message)


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
    return Flag(**cell.names, kind=FlagKind.ACCURACY_LOST, comparisons=False, message=message)


def _near_chance(cell: Cell, chance: Chance, baseline: str) -> Flag | None:
    try:
        test = _test(cell, chance)
    except (TypeError, ValueError, InputError) as error:
        message = f"Whether it does better than chance ({chance.name}) could not be checked: {error}."
        return Flag(**cell.names, kind=FlagKind.UNCHECKED, comparisons=False, message=message)
    if not test.near:
        return None
    void = cell.quantizer == baseline
    then = (
        "It is the baseline: no comparison of this model on this benchmark means anything, and a model at chance level "
        "looks fair whatever it does."
        if void
        else "A model at chance level looks fair whatever it does: its group differences mean nothing."
    )
    message = f"Its answers ({chance.name}) cannot be told from chance: {test.words()}. {then}"
    return Flag(**cell.names, kind=FlagKind.NEAR_CHANCE, comparisons=void, message=message)


def _test(cell: Cell, chance: Chance) -> ChanceTest:
    items = cell.table("items", columns=list(dict.fromkeys(["correct", *chance.where])))
    for column in chance.where:
        items = items[items[column].isin(chance.holds_for(column))]
    correct: pd.Series[bool] = items["correct"].astype(bool)
    return against_chance(int(correct.sum()), len(correct), chance.chance)


def _follows(cell: Cell, where: list[str], baseline: str) -> Flag:
    message = (
        f"On {', '.join(where)} the same variant is at chance level, gives one answer to everything, or has lost its "
        "accuracy, so what it retrieves here may be as good as random: its fairness numbers mean nothing."
    )
    return Flag(**cell.names, kind=FlagKind.FOLLOWS, comparisons=cell.quantizer == baseline, message=message)
