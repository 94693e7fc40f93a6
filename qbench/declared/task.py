"""The two things that are measured on declared datasets: recall by group as on FACET, skew as on FairFace.

The measures are those of the built-in benchmarks (`qbench.metrics.recall_by_group`, `qbench.metrics.rankings`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.data.items import Attribute, Items
from qbench.data.promptsets import PromptSet, prompt_set, read_prompt_set
from qbench.data.tables import relative_path
from qbench.declared.options import QUESTION_OPTIONS, DeclaredOptions
from qbench.declared.schema import Description, check_ties
from qbench.declared.table import SECOND, Rows, read_rows
from qbench.errors import DataError, InputError
from qbench.metrics.answers import classification_table, positions
from qbench.metrics.classification import LOG_SCALE, LOGIT_SCALE
from qbench.metrics.interface import Metrics, Outcome, Prompts, Similarity, Task, Unavailable
from qbench.metrics.rankings import measure_skew, prompts_of_set, rank_gallery
from qbench.metrics.recall_by_group import measure_recall
from qbench.metrics.skew import Target
from qbench.metrics.unavailable import unavailable_recall, unavailable_skew
from qbench.metrics.weights import Floats
from qbench.probes.choices.interface import Choices
from qbench.statistics.interface import Measure

CLASSIFICATION, RETRIEVAL = "classification-disparity", "retrieval-skew"
MEASURED = "measured"
"""The fact of an outcome that says with which protocol and settings it is measured."""
PERCEIVED = {
    True: "perceived: what annotators saw in the images, not what the persons are or say",
    False: "reported by the persons themselves, as the dataset says",
}


def task_of(description: Description, file: Path, options: DeclaredOptions) -> Task:
    """Return the task of a description.

    Parameters
    ----------
    description : Description
        What is measured, on what.
    file : pathlib.Path
        Where it was read; a prompt set of its own lies beside it.
    options : DeclaredOptions
        What a spec says in its place.

    Raises
    ------
    InputError
        An option has no meaning for the protocol.
    """
    classify = description.protocol == CLASSIFICATION
    for name in ("ks", "target") if classify else ("min_group",):
        if getattr(options, name):
            raise InputError(
                f"the option {name!r} has no meaning for the protocol {description.protocol!r}", where=description.name
            )
    for name in QUESTION_OPTIONS:
        if getattr(options, name) and not description.prompts.question:
            raise InputError(
                f"the option {name!r} has no meaning for a dataset without a question",
                where=description.name,
                fix="Add question to [prompts] in its description.",
            )
    if classify:
        return ClassificationDisparity(description, options)
    return RetrievalSkew(description, options, file)


def attributes_of(description: Description) -> tuple[Attribute, ...]:
    """The groupings, with their pairs: those that are declared, else all pairs where the protocol compares pairs."""
    classify = description.protocol == CLASSIFICATION
    found = []
    for name, spec in description.attributes.items():
        pairs = spec.disparities() if classify else ()
        found.append(Attribute(name=name, groups=spec.compared(), pairs=pairs))
    return tuple(found)


def stored_measure(attributes: Sequence[Attribute], facts: Mapping[str, Any]) -> Measure:
    """The measure of a declared dataset, from what a cell of a run folder says; its ``dataset.toml`` is not needed.

    Parameters
    ----------
    attributes : sequence of Attribute
        The groupings.
    facts : mapping
        The facts of the outcome; under `MEASURED`, the protocol and its settings.

    Raises
    ------
    InputError
        The facts do not say how the numbers were measured.
    """
    said = facts.get(MEASURED)
    if not isinstance(said, Mapping):
        raise InputError(
            "it does not say how its numbers are measured: it was written by an earlier version of qbench",
            fix="Run `qbench run` with the same spec and another run folder (--out); stored answers are used again.",
        )
    try:
        options = DeclaredOptions(**{name: value for name, value in said.items() if name != "protocol"})
    except (TypeError, ValueError) as error:
        raise InputError(f"it does not say how its numbers are measured: {error}") from None
    if said.get("protocol") == CLASSIFICATION and options.min_group:
        minimum = options.min_group

        def recall(outcome: Outcome, weights: Floats | None = None) -> Metrics:
            return measure_recall(outcome, attributes, minimum, weights)

        return recall
    if said.get("protocol") == RETRIEVAL and options.ks and options.target:
        ks, target = options.ks, _target(options.target)

        def skew(outcome: Outcome, weights: Floats | None = None) -> Metrics:
            return measure_skew(outcome, attributes, ks, target, weights)

        return skew
    raise InputError(f"it does not say how its numbers are measured: {dict(said)!r} is not complete")


def _target(name: str) -> Target:
    return "gallery" if name == "gallery" else "uniform"


class _Declared(ABC):
    """What both have in common: the items."""

    def __init__(self, description: Description, options: DeclaredOptions) -> None:
        self.description, self.options = description, options
        self.attributes = attributes_of(description)

    def data(self, root: Path) -> Items:
        """Read the table; see `qbench.declared.table`."""
        rows = read_rows(self.description, self.attributes, root)
        return Items(
            table=rows.table,
            images=rows.images,
            root=root,
            attributes=self.attributes,
            annotations=(rows.path, *self._own_files(root)),
            choices={**self._choices(), **self._left_out(rows)},
        )

    @abstractmethod
    def _choices(self) -> dict[str, str]:
        """Every choice that was made, in words."""

    def _own_files(self, root: Path) -> tuple[Path, ...]:
        """Files beside the table that decide a number."""
        return ()

    def _left_out(self, rows: Rows) -> dict[str, str]:
        spec = self.description.table
        said = {
            "image": "cut to the item's box" if spec.box else "the whole image",
            "labels of groups": PERCEIVED[self.description.perceived],
        }
        if spec.keep:
            kept = "; ".join(f"{column} = {', '.join(values)}" for column, values in spec.keep.items())
            said["rows that are used"] = f"those with {kept}; {rows.unused:,} others are left out"
        if spec.leave_out_unlabelled:
            said["items without a group"] = f"{rows.unlabelled:,}, left out"
        return said


class ClassificationDisparity(_Declared):
    """Classification, its recall by group, and how that differs.

    See `qbench.metrics.interface.Task` and, where there is a question,
    `qbench.probes.choices.interface.ChoicesTask`.
    """

    def data(self, root: Path) -> Items:
        """Read the table; classes that are known to be tied have to be among the classes."""
        items = super().data(root)
        try:
            check_ties(self.description.prompts.known_ties, self._classes(items))
        except ValueError as error:
            raise DataError(f"prompts.{error}", where=self.description.name) from None
        return items

    @property
    def min_group(self) -> int:
        """Fewest items that both groups of a pair need in a class."""
        return self.options.min_group or self.description.min_group

    def prompts(self, items: Items) -> Prompts:
        """The texts of each candidate; those of several templates are averaged."""
        spec, classes = self.description.prompts, self._classes(items)
        named = self._in_words(classes)
        return Prompts(
            texts=tuple(template.format(name) for name in named for template in spec.template),
            targets=classes,
            target_of=np.repeat(np.arange(len(classes), dtype=np.int64), len(spec.template)),
            pool=len(spec.template) > 1,
            known_ties=tuple(spec.known_ties),
        )

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Arg-max over the candidates; the label and the further right classes count as right."""
        return self._outcome(similarity, items, LOGIT_SCALE)

    def choices(self, items: Items) -> Choices:
        """One question, whose answers are the candidates."""
        question = self.description.prompts.question
        asked = np.zeros((len(items), 1), dtype=np.int64)
        return self.options.questions().asked(
            [(question, self._in_words(self._classes(items)))], asked, {"question": question}
        )

    def choose(self, scores: Similarity, items: Items) -> Outcome:
        """The most likely candidate; the label and the further right classes count as right."""
        return self._outcome(scores, items, LOG_SCALE)

    def _in_words(self, classes: Sequence[str]) -> list[str]:
        names = self.description.prompts.names
        return [names.get(name, name.replace("_", " ")) for name in classes]

    def _outcome(self, similarity: Similarity, items: Items, scale: float) -> Outcome:
        classes = self._classes(items)
        second = [SECOND.format(i + 2) for i in range(len(self.description.table.also_right))]
        accepted = np.stack([positions(classes, items.table[name]) for name in ("label", *second)], axis=1)
        table = classification_table(
            similarity,
            items,
            classes,
            accepted,
            [*second, *(a.name for a in self.attributes), "image"],
            scale=scale,
        )
        chance = float(np.mean([len(set(row[row >= 0])) for row in accepted]) / len(classes))
        return Outcome(
            items=table,
            facts={
                "classes": list(classes),
                "chance": [{"name": "accuracy", "chance": chance, "where": {}}],
                MEASURED: {"protocol": CLASSIFICATION, "min_group": self.min_group},
            },
        )

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Accuracy, recall and disparities; see `qbench.metrics.recall_by_group.measure_recall`."""
        return measure_recall(outcome, self.attributes, self.min_group, weights)

    def unavailable(self, items: Items) -> list[Unavailable]:
        """See `qbench.metrics.unavailable.unavailable_recall`."""
        return unavailable_recall(items.table, self._classes(items), self.attributes, self.min_group)

    def _classes(self, items: Items) -> tuple[str, ...]:
        spec = self.description.prompts
        return tuple(spec.classes or spec.names or sorted(set(items.table["label"])))

    def _choices(self) -> dict[str, str]:
        spec = self.description.prompts
        listed = len(spec.classes or spec.names)
        prompts = ", ".join(f"“{template}”" for template in spec.template[:3])
        asked = f"“{spec.question}”, {self.options.questions().summary()}"
        tied = "; ".join(f"“{first}” and “{second}”" for first, second in spec.known_ties)
        return {
            **({"classes that are known to have the same texts": tied} if tied else {}),
            **({"question to generative models": asked} if spec.question else {}),
            "candidates": f"{listed} classes, listed" if listed else "the classes that items have",
            "prompt": prompts if len(spec.template) <= 3 else f"{len(spec.template)} templates, averaged: {prompts}, …",
            "classes in disparities": f"those with at least {self.min_group} items in both groups",
        }


class RetrievalSkew(_Declared):
    """Whom do queries that name no group find? See `qbench.metrics.interface.Task`."""

    def __init__(self, description: Description, options: DeclaredOptions, file: Path) -> None:
        super().__init__(description, options)
        self._file = file
        self._prompts = _queries(description, file)

    @property
    def ks(self) -> tuple[int, ...]:
        """The cut-offs."""
        return self.options.ks or tuple(self.description.ks)

    @property
    def target(self) -> Target:
        """Shares that the groups should have."""
        return _target(self.options.target or self.description.target)

    def prompts(self, items: Items) -> Prompts:
        """The queries; the same ones for any items."""
        return prompts_of_set(self._prompts)

    def _own_files(self, root: Path) -> tuple[Path, ...]:
        own = self._file.parent / self.description.prompts.set
        return (own,) if own.suffix == ".toml" and own.is_relative_to(root) else ()

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Rank the whole gallery for each query; see `qbench.metrics.rankings.rank_gallery`."""
        names = list(self._prompts.targets)
        return Outcome(
            items=items.table[["item", "label", "image", *(a.name for a in self.attributes)]].copy(),
            rankings=rank_gallery(similarity, names),
            facts={
                "queries": names,
                "prompt_set": self._prompts.facts(),
                "target": self.target,
                "chance": [],
                MEASURED: {"protocol": RETRIEVAL, "ks": list(self.ks), "target": self.target},
            },
        )

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Skews at each k and NDKL, by attribute; for each query, and (with an empty class) their mean."""
        return measure_skew(outcome, self.attributes, self.ks, self.target, weights)

    def unavailable(self, items: Items) -> list[Unavailable]:
        """See `qbench.metrics.unavailable.unavailable_skew`."""
        return unavailable_skew(items.table, self.attributes, self.ks)

    def _choices(self) -> dict[str, str]:
        targets = {"uniform": "equal shares of the groups that have images", "gallery": "the shares of all items"}
        return {
            "queries": self._prompts.summary(),
            "cut-offs": ", ".join(map(str, self.ks)),
            "desired shares": targets[self.target],
            "a group without a hit": "counts as a share of 1/k",
        }


def _queries(description: Description, file: Path) -> PromptSet:
    spec = description.prompts
    if spec.set.endswith(".toml"):
        return read_prompt_set(file.parent / relative_path(spec.set, f"{file}: prompts.set"))
    if spec.set:
        return prompt_set(spec.set)
    templates = spec.template or ["{}"]
    filled = [(i, template.format(query)) for i, query in enumerate(spec.queries) for template in templates]
    texts, pool = tuple(text for _, text in filled), len(templates) > 1
    return PromptSet(
        name=description.name,
        version="",
        source="the dataset's description",
        texts=texts,
        targets=tuple(spec.queries) if pool else texts,
        target_of=tuple(i for i, _ in filled) if pool else tuple(range(len(texts))),
        pool=pool,
    )
