"""What is measured on declared datasets with classes or queries: recall by group as on FACET, skew as on FairFace.

The measures are those of the built-in benchmarks (`qbench.metrics.recall_by_group`, `qbench.metrics.rankings`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.data.items import Attribute, Items
from qbench.data.promptsets import PromptSet, prompt_set, read_prompt_set
from qbench.data.tables import relative_path
from qbench.declared.base import MEASURED, DeclaredTask
from qbench.declared.options import QUESTION_OPTIONS, DeclaredOptions
from qbench.declared.protocols import ASKING, CHOICE, CLASSIFICATION, MEANINGFUL, RETRIEVAL, STEREOTYPE
from qbench.declared.questions import MultipleChoice, StereotypeChoice
from qbench.declared.schema import Description, check_ties
from qbench.declared.table import SECOND
from qbench.errors import DataError, InputError
from qbench.metrics.answers import classification_table, positions
from qbench.metrics.choices_by_group import measure_choices, measure_stereotypes
from qbench.metrics.classification import LOG_SCALE, LOGIT_SCALE
from qbench.metrics.interface import MeasuredTask, Metrics, Outcome, Prompts, Similarity, Unavailable
from qbench.metrics.rankings import measure_skew, prompts_of_set, rank_gallery
from qbench.metrics.recall_by_group import measure_recall
from qbench.metrics.skew import Target
from qbench.metrics.unavailable import unavailable_recall, unavailable_skew
from qbench.metrics.weights import Floats
from qbench.probes.choices.interface import Choices
from qbench.statistics.interface import Measure


def task_of(description: Description, file: Path, options: DeclaredOptions) -> MeasuredTask:
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
    for name in ("ks", "target", "min_group"):
        if getattr(options, name) and description.protocol not in MEANINGFUL[name]:
            raise InputError(
                f"the option {name!r} has no meaning for the protocol {description.protocol!r}", where=description.name
            )
    asks = description.protocol in ASKING or bool(description.prompts.question)
    for name in QUESTION_OPTIONS:
        if getattr(options, name) and not asks:
            raise InputError(
                f"the option {name!r} has no meaning for a dataset without a question",
                where=description.name,
                fix="Add question to [prompts] in its description.",
            )
    if description.protocol == RETRIEVAL:
        return RetrievalSkew(description, options, file)
    return TASKS[description.protocol](description, options)


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
    counting = BY_GROUP.get(str(said.get("protocol")))
    if counting is not None and options.min_group:
        minimum = options.min_group

        def by_group(outcome: Outcome, weights: Floats | None = None) -> Metrics:
            return counting(outcome, attributes, minimum, weights)

        return by_group
    if said.get("protocol") == RETRIEVAL and options.ks and options.target:
        ks, target = options.ks, _target(options.target)

        def skew(outcome: Outcome, weights: Floats | None = None) -> Metrics:
            return measure_skew(outcome, attributes, ks, target, weights)

        return skew
    raise InputError(f"it does not say how its numbers are measured: {dict(said)!r} is not complete")


def _target(name: str) -> Target:
    return "gallery" if name == "gallery" else "uniform"


class ClassificationDisparity(DeclaredTask):
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


class RetrievalSkew(DeclaredTask):
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


TASKS: Mapping[str, Callable[[Description, DeclaredOptions], MeasuredTask]] = {
    CLASSIFICATION: ClassificationDisparity,
    CHOICE: MultipleChoice,
    STEREOTYPE: StereotypeChoice,
}
"""Protocol → the task that counts its answers by group."""

BY_GROUP: Mapping[str, Callable[[Outcome, Sequence[Attribute], int, Floats | None], Metrics]] = {
    CLASSIFICATION: measure_recall,
    CHOICE: measure_choices,
    STEREOTYPE: measure_stereotypes,
}
"""Protocol → what measures its outcomes: ``(outcome, attributes, min_group, weights) -> metrics``."""
