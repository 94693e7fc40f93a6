"""What makes numbers of a run worthless: answers at chance level, one answer to everything, lost accuracy or rankings.

A model at chance level looks perfectly fair, so these are the first things to look at. Everything is checked on the
stored items and rankings, and a flag voids only the numbers that are made of what was checked: see
`qbench.results.flag_scopes`, and the table in ``docs/verdicts.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.comparisons import CellNames, CellPair
from qbench.results.comparable import why_not_comparable
from qbench.results.flag_scopes import Scope, every_number, scope_of
from qbench.runfolder.reader import Cell
from qbench.runfolder.schema import Chance
from qbench.stats.validity import (
    RELATED,
    accuracy_loss,
    against_chance,
    in_gallery_order,
    rank_agreement,
    same_for_every_query,
)
from qbench.text import sentence
from qbench.vocabulary import FlagKind


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A reason to distrust numbers.

    Attributes
    ----------
    model, quantizer, benchmark : str
        What it concerns: a cell, or a comparison that the spec declares, for what is lost against its baseline.
    kind : FlagKind
        ``near-chance``: its answers cannot be told from random ones. ``constant``: nearly all of its answers are the
        same, or it ranks alike for every query or every image. ``accuracy-lost``, ``ranking-lost``: more than a fifth
        of the baseline's accuracy is gone, or its rankings have little to do with the baseline's, so that quantization
        has failed. ``tied-classes`` (voids nothing): two classes have equal embeddings or likelihoods, unlike the
        baseline's, so that one of them is never predicted. ``follows`` (voids nothing): the benchmark has no correct
        answers, and the same variant has one of these everywhere on another. ``unchecked`` (voids nothing): a test
        could not be made.
    comparisons : bool
        Whether it is the baseline, so that every comparison of these numbers of the model is void.
    scope : Scope
        The numbers that are made of what was checked.
    message : str
        Plain words, with the numbers.
    """

    model: str
    quantizer: str
    benchmark: str
    kind: FlagKind
    comparisons: bool
    scope: Scope
    message: str

    def voids(self, metric: str, attribute: str = "", group: str = "") -> bool:
        """Whether a number of this cell, named as in the tables, means nothing because of it."""
        return self.kind.voids and self.scope.covers(metric, attribute, group)


CONSTANT = 0.9
"""Share of one prediction from which answers are called constant, where the items have several labels; share of the
queries with one ranking, and of neighbours in a ranking that stand in the gallery's order, from which rankings are. A
choice of ours: no balanced set of labels comes near it, and a model that still tells a tenth of the items apart is
below it."""

LABELS_EXCEEDED = 0.05
"""How much more frequent than the most frequent label that prediction has to be. A choice of ours, so that correct
answers to items that nearly all have one label are not called constant."""

LOST = 0.2
"""Share of the baseline's accuracy that a variant may lose before its quantization is called failed. A choice of ours:
far beyond what the methods that people deploy lose, and above it the groups that are left are those the model still
recognises, so that gaps are about who they are."""

FEW = 10
"""Items below which a gallery is too small to tell a ranking in its order from one that happens to be in it."""

Positions = npt.NDArray[np.int64]
Read = Callable[[Cell, str, Sequence[str]], pd.DataFrame]
"""Reads some columns of a table of a cell."""

ANSWERS = ("correct", "prediction", "label", "image")
"""Columns of the items that are looked at, where they are there."""


def find_flags(cells: Iterable[Cell], pairs: Sequence[CellPair[Cell]], allow: Collection[str] = ()) -> list[Flag]:
    """Check each done cell, and what is lost in each comparison.

    Parameters
    ----------
    cells : iterable of Cell
        Of the run.
    pairs : sequence of CellPair
        What is compared with what.
    allow : collection of str
        Differences from the baseline that are meant, as for `qbench.results.comparable.why_not_comparable`.
    """
    done = [c for c in cells if c.done]
    of_own_model = {pair.names: pair for pair in pairs if pair.declared is None}
    flags: list[Flag] = []
    void: dict[tuple[str, str], list[str]] = {}
    of_baselines = _Tables()
    for cell in done:
        pair = of_own_model.get(CellNames(**cell.names))
        check = _Check(cell, _comparable(pair, allow) if pair else None, of_baselines, is_baseline=pair is None)
        flags += check.flags
        if check.every_answer_void:
            void.setdefault((cell.model, cell.quantizer), []).append(cell.benchmark)
    for cell in done:
        where = void.get((cell.model, cell.quantizer))
        if where and not _questions(cell):
            flags.append(_follows(cell, where))
    for pair in pairs:
        if pair.declared and pair.variant.done and (base := _comparable(pair, allow)):
            check = _Check(pair.variant, base, of_baselines, is_baseline=False, comparison=pair)
            flags += [flag for flag in check.flags if flag.kind.lost]
    return flags


class _Tables:
    """Reads tables, each once as long as they are of the same cell: rankings are too large to keep those of all."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._found: dict[tuple[str, tuple[str, ...]], pd.DataFrame] = {}

    def __call__(self, cell: Cell, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of a table."""
        if cell.folder != self._folder:
            self._folder, self._found = cell.folder, {}
        key = (name, tuple(columns))
        if key not in self._found:
            self._found[key] = cell.table(name, columns=columns)
        return self._found[key]


def _comparable(pair: CellPair[Cell], allow: Collection[str]) -> Cell | None:
    """The baseline of a variant that is done; `None` where the two cannot be compared."""
    base = pair.baseline
    if base is None or not base.done or why_not_comparable(pair.variant, base, (*allow, *pair.meant)):
        return None
    return base


class _Check:
    """The flags of one cell, beside its baseline's cell where the two can be compared.

    They have the names of the cell, or of the declared comparison whose variant it is. Many variants have the same
    baseline: its tables are read by `of_baselines`.
    """

    def __init__(
        self,
        cell: Cell,
        base: Cell | None,
        of_baselines: _Tables,
        *,
        is_baseline: bool,
        comparison: CellPair[Cell] | None = None,
    ) -> None:
        self._cell, self._base, self._is_baseline = cell, base, is_baseline
        self._of_baselines = of_baselines
        self._names = comparison.names if comparison else CellNames(**cell.names)
        self._two_models = bool(comparison and comparison.meant)
        chances = _questions(cell)
        by_question = [self._of_answers(chance) for chance in chances]
        self.every_answer_void = bool(chances) and all(any(f.kind.voids for f in found) for found in by_question)
        self.flags = [flag for found in by_question for flag in found]
        if cell.ranked:
            self.flags += self._of_rankings(chances)
        self.flags += self._of_ties(cell.record.known_facts.tied_classes)

    def _flag(self, kind: FlagKind, scope: Scope, message: str) -> Flag:
        void = self._is_baseline and kind.voids
        if kind.voids:
            about = scope.words(self._cell.metrics)
            of_baseline = f"It is the baseline: no comparison with {about} means anything."
            message = f"{message} {of_baseline if void else f'This concerns {about}.'}"
        return Flag(**self._names._asdict(), kind=kind, comparisons=void, scope=scope, message=message)

    def _unchecked(self, what: str, error: Exception) -> Flag:
        return self._flag(FlagKind.UNCHECKED, Scope(), sentence(f"{what} could not be checked: {error}"))

    # --- classes that are one to it

    def _of_ties(self, tied: Sequence[tuple[str, str]]) -> list[Flag]:
        if not tied:
            return []
        (first, second), others = tied[0], len(tied) - 1
        more = f" (and {others} other pairs)" if others else ""
        message = (
            f"It cannot tell {first!r} and {second!r}{more} apart, unlike the baseline: their embeddings or "
            "likelihoods are equal, and one of the two is never predicted."
        )
        return [self._flag(FlagKind.TIED_CLASSES, Scope(), message)]

    # --- answers that are right or wrong

    def _of_answers(self, chance: Chance) -> list[Flag]:
        scope = scope_of(chance, self._cell.record)
        try:
            items = _asked(self._cell, chance)
            found = [self._near_chance(items, chance, scope), self._constant(items, chance, scope)]
            if self._base is not None:
                found.append(self._accuracy_lost(items, _asked(self._base, chance, self._of_baselines), chance, scope))
        except (TypeError, ValueError) as error:
            return [self._unchecked(f"Whether it does better than chance ({chance.name})", error)]
        return [flag for flag in found if flag is not None]

    def _near_chance(self, items: pd.DataFrame, chance: Chance, scope: Scope) -> Flag | None:
        test = against_chance(int(items["correct"].sum()), len(items), chance.chance)
        if not test.near:
            return None
        message = (
            f"Its answers ({chance.name}) cannot be told from chance: {test.words()}. A model at chance level looks "
        )
        return self._flag(FlagKind.NEAR_CHANCE, scope, message + "fair whatever it does.")

    def _constant(self, items: pd.DataFrame, chance: Chance, scope: Scope) -> Flag | None:
        if not {"prediction", "label"} <= set(items.columns) or items["label"].nunique() < 2:
            return None
        counts = items["prediction"].value_counts()
        share = float(counts.iloc[0]) / len(items)
        most_frequent = float(items["label"].value_counts().iloc[0]) / len(items)
        if share < CONSTANT or share <= most_frequent + LABELS_EXCEEDED:
            return None
        message = (
            f"{100 * share:.0f} % of its answers ({chance.name}) are {str(counts.index[0])!r}: a model that gives one "
            "answer to everything looks fair."
        )
        return self._flag(FlagKind.CONSTANT, scope, message)

    def _accuracy_lost(self, items: pd.DataFrame, base: pd.DataFrame, chance: Chance, scope: Scope) -> Flag | None:
        if not items["item"].equals(base["item"]):
            raise ValueError("its items are not the baseline's")
        loss = accuracy_loss(_right(base), _right(items), _units(items), LOST)
        if not loss.low > LOST:
            return None
        failed = "" if self._two_models else "quantization has failed, and "
        message = f"It lost {loss.words()} ({chance.name}): {failed}its group differences mean little."
        return self._flag(FlagKind.ACCURACY_LOST, scope, message)

    # --- rankings, which are neither right nor wrong

    def _of_rankings(self, chances: Collection[Chance]) -> list[Flag]:
        scope = _of_no_answers(self._cell, chances)
        try:
            rankings = _rankings(self._cell)
            found = [self._one_ranking(rankings, scope)]
            if self._base is not None and self._base.ranked and not self._two_models:  # two models may rank differently
                found.append(self._ranking_lost(rankings, _rankings(self._base, self._of_baselines), scope))
        except (TypeError, ValueError) as error:
            return [self._unchecked("Whether its rankings depend on queries and images", error)]
        return [flag for flag in found if flag is not None]

    def _one_ranking(self, rankings: Positions, scope: Scope) -> Flag | None:
        ordered, same = in_gallery_order(rankings), same_for_every_query(rankings)
        if rankings.shape[1] >= FEW and ordered >= CONSTANT:
            message = (
                f"{100 * ordered:.0f} % of the neighbours in its rankings stand in the order of the gallery (about "
                "50 % where rankings depend on the images): nearly all images are the same to it."
            )
        elif rankings.shape[1] >= FEW and same >= CONSTANT:
            message = f"{100 * same:.0f} % of its queries have the same ranking: the queries make no difference to it."
        else:
            return None
        return self._flag(FlagKind.CONSTANT, scope, message)

    def _ranking_lost(self, rankings: Positions, base: Positions, scope: Scope) -> Flag | None:
        if rankings.shape != base.shape:
            raise ValueError("its rankings are not of the baseline's gallery")
        found = rank_agreement(base, rankings)
        if not found.high < RELATED:
            return None
        message = (
            f"Its rankings have little to do with the baseline's (Spearman's correlation {found.mean:.2f}, at most "
            f"{found.high:.2f}): quantization has failed, and random rankings look fair."
        )
        return self._flag(FlagKind.RANKING_LOST, scope, message)


def _questions(cell: Cell) -> tuple[Chance, ...]:
    """The chance entries of a cell; where it has right answers and does not say what guessing gives, one for all."""
    facts = cell.record.known_facts
    chances = facts.chance
    if chances or not facts.correct_shows_guessing or "correct" not in cell.columns("items"):
        return chances
    return (Chance(name="correct", chance=0.0),)


def _asked(cell: Cell, chance: Chance, read: Read = Cell.table) -> pd.DataFrame:
    """The items that a chance entry is about."""
    wanted = dict.fromkeys(["item", *ANSWERS, *chance.where])
    there = cell.columns("items")
    missing = [c for c in ("correct", *chance.where) if c not in there]
    if missing:
        raise ValueError(f"the items have no column {missing[0]!r}")
    items = read(cell, "items", [c for c in wanted if c in there])
    for column in chance.where:
        items = items[items[column].isin(chance.holds_for(column))]
    return items.reset_index(drop=True)


def _right(items: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return items["correct"].to_numpy(dtype=bool)


def _units(items: pd.DataFrame) -> Positions:
    """The image of each item, as a number; each item on its own where images are not named."""
    if "image" not in items:
        return np.arange(len(items), dtype=np.int64)
    return np.asarray(pd.factorize(items["image"])[0], dtype=np.int64)


def _rankings(cell: Cell, read: Read = Cell.table) -> Positions:
    """``(queries, n)`` positions in the gallery, best first.

    Raises
    ------
    ValueError
        A query does not rank the whole gallery.
    """
    table, n = read(cell, "rankings", ["query", "item"]), len(read(cell, "items", ["item"]))
    sizes = table["query"].value_counts(sort=False)
    sizes = sizes[sizes > 0]
    if not n or not len(sizes) or not (sizes == n).all():
        raise ValueError(f"they are not rankings of all {n:,} items")
    return np.asarray(table["item"].to_numpy(np.int64).reshape(len(sizes), n))


def _of_no_answers(cell: Cell, chances: Iterable[Chance]) -> Scope:
    """The numbers of a cell that no chance entry speaks for, such as skews: they are made of the rankings."""
    answered = {metric for chance in chances for metric in scope_of(chance, cell.record).metrics}
    everything = every_number(cell.record)
    rest = {metric: groups for metric, groups in everything.metrics.items() if metric not in answered}
    return Scope(rest) if rest else everything


def _follows(cell: Cell, where: list[str]) -> Flag:
    message = (
        f"On {', '.join(where)} all answers of the same variant are at chance level, the same, or lost. This benchmark "
        "has no correct answers, so it cannot tell whether its rankings mean anything. This voids no number."
    )
    return Flag(**cell.names, kind=FlagKind.FOLLOWS, comparisons=False, scope=Scope(), message=message)
