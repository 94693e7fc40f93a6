"""FairFace's attributes as classes: how well a model tells what annotators saw, group by group.

Radford et al. 2021 (section 7.1) report this for CLIP. It measures the associations from which skewed rankings come. It
is not a reason to classify people; see ``docs/protocol.md``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import Items, Metrics, Outcome, Prompts, Similarity
from qbench.api.benchmarks import (
    LOG_SCALE,
    LOGIT_SCALE,
    MetricsBuilder,
    Unavailable,
    class_by_group,
    classify,
    item_weights,
    positions,
    unavailable_worst_group,
    weighted_share,
    worst_group,
)
from qbench.api.probes import Choices, Pairs
from qbench_benchmarks.attribute_prompts import attribute_prompts
from qbench_benchmarks.crossed import crossed
from qbench_benchmarks.fairface_table import ATTRIBUTES, read_faces
from qbench_benchmarks.options import FairFaceAttributesOptions

Floats = npt.NDArray[np.float64]

NUMBERS = ("accuracy", "worst_group", "ratio")
"""What is measured of each attribute that is asked."""


class FairFaceAttributes:
    """The task, see `qbench.api.Task`, and `ChoicesTask` and `PairsTask` of `qbench.api.probes`.

    A row of the outcome is a face × an attribute that is asked.
    """

    def __init__(self, options: FairFaceAttributesOptions | None = None) -> None:
        self.options = options or FairFaceAttributesOptions()
        self.asked = tuple(a for a in ATTRIBUTES if a.name in self.options.ask)
        self.crossings = crossed(ATTRIBUTES, self.options.intersections)
        self.attributes = (*ATTRIBUTES, *self.crossings)
        self.metric_names = tuple(f"{a.name}_{number}" for a in self.asked for number in NUMBERS)
        self._prompts = attribute_prompts(self.options.prompts)

    def data(self, root: Path) -> Items:
        """Read ``fairface_label_val.csv``."""
        prompts = self._prompts
        choices = {
            "attributes that are asked": ", ".join(a.name for a in self.asked),
            "questions to generative models": self.options.summary(),
            "prompts": f"set {prompts.name} version {prompts.version} ({prompts.source})",
            "groups in the worst group's accuracy": f"those with at least {self.options.min_group} images",
            "intersections": ", ".join(a.name for a in self.crossings) or "none",
        }
        return read_faces(root, self.crossings, choices)

    def prompts(self, items: Items) -> Prompts:
        """The texts of each group of each attribute that is asked, pooled; the same ones for any items."""
        texts: list[str] = []
        targets: list[str] = []
        target_of: list[int] = []
        for attribute in self.asked:
            for group in attribute.groups:
                said = self._prompts.texts[attribute.name][group]
                target_of += [len(targets)] * len(said)
                targets.append(f"{attribute.name}: {group}")
                texts += said
        return Prompts(
            texts=tuple(texts), targets=tuple(targets), target_of=np.array(target_of, dtype=np.int64), pool=True
        )

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Arg-max over the groups of each attribute that is asked.

        ``item`` is the item of the face, then ``#`` and the attribute, which is also in ``asked``; ``label`` and
        ``prediction`` are groups.
        """
        return self._outcome(similarity, items, LOGIT_SCALE)

    def choices(self, items: Items) -> Choices:
        """One question per attribute that is asked, whose answers are its groups in words."""
        said = self._prompts
        questions = [(said.questions[a.name], [said.answers[a.name][g] for g in a.groups]) for a in self.asked]
        asked = np.tile(np.arange(len(questions), dtype=np.int64), (len(items), 1))
        facts = {"prompt_set": said.question_facts([a.name for a in self.asked])}
        return self.options.asked(questions, asked, facts)

    def choose(self, scores: Similarity, items: Items) -> Outcome:
        """The most likely group of each attribute that is asked; the outcome has the columns of `predict`."""
        return self._outcome(scores, items, LOG_SCALE)

    def pairs(self, items: Items) -> Pairs:
        """Each face is compared with the texts of every group of each attribute that is asked."""
        return Pairs(prompts=self.prompts(items))

    def match(self, scores: Similarity, items: Items) -> Outcome:
        """The group of each attribute that fits best; the outcome has the columns of `predict`."""
        return self._outcome(scores, items, LOG_SCALE)

    def _outcome(self, similarity: Similarity, items: Items, scale: float) -> Outcome:
        tables, chance, start = [], [], 0
        columns = ["image", *(a.name for a in self.attributes)]
        for attribute in self.asked:
            groups = attribute.groups
            label = items.table[attribute.name]
            among = _Some(similarity, start, start + len(groups))
            found = classify(among, positions(groups, label)[:, None], scale=scale)
            tables.append(
                items.table[columns].assign(
                    item=items.table["item"] + f"#{attribute.name}",
                    label=label,
                    asked=pd.Series(attribute.name, index=items.table.index, dtype="str"),
                    prediction=np.asarray(groups, dtype=object)[found.prediction].astype(str),
                    correct=found.rank == 0,
                    rank=found.rank,
                    margin=found.margin,
                    runner_up_margin=found.runner_up_margin,
                    confidence=found.confidence,
                )
            )
            made = [f"{attribute.name}_{number}" for number in NUMBERS]
            where = {"asked": attribute.name}
            chance.append({"name": made[0], "chance": 1 / len(groups), "where": where, "metrics": made})
            start += len(groups)
        table = pd.concat(tables, ignore_index=True)
        front = ["item", "label", "asked"]
        facts = {"prompt_set": self._prompts.facts([a.name for a in self.asked]), "chance": chance}
        return Outcome(items=table[[*front, *(c for c in table.columns if c not in front)]], facts=facts)

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """For each attribute that is asked: accuracy over all faces, by group and of the worst group, and the ratio."""
        w = item_weights(weights, len(outcome.items))
        numbers = MetricsBuilder()
        for attribute in self.asked:
            rows = np.flatnonzero(outcome.items["asked"].eq(attribute.name))
            self._add(numbers, attribute.name, outcome.items.iloc[rows], w[:, rows])
        return numbers.build()

    def unavailable(self, items: Items) -> list[Unavailable]:
        """The worst group and the ratio of attributes of which fewer than two groups have enough images."""
        found: list[Unavailable] = []
        for attribute in self.attributes:
            groups = positions(attribute.groups, items.table[attribute.name])
            counts = np.bincount(groups[groups >= 0], minlength=len(attribute.groups)).astype(np.int64)
            for asked in self.asked:
                made = (f"{asked.name}_worst_group", f"{asked.name}_ratio")
                found += unavailable_worst_group(made, attribute, counts, self.options.min_group)
        return found

    def _add(self, numbers: MetricsBuilder, asked: str, table: pd.DataFrame, w: Floats) -> None:
        correct = table["correct"].to_numpy(dtype=bool)
        numbers.add(f"{asked}_accuracy", weighted_share(correct, w), len(table))
        for attribute in self.attributes:
            groups = positions(attribute.groups, table[attribute.name])
            shape = (1, len(attribute.groups))
            cells = class_by_group(correct, np.zeros_like(groups), groups, shape=shape, weights=w)
            shares, n = cells.group_accuracy, cells.n[0]
            for g in np.flatnonzero(n):
                name = attribute.groups[g]
                numbers.add(f"{asked}_accuracy", shares[:, g], n[g], attribute=attribute.name, group=name)
            lowest, ratio, count = worst_group(shares, n, self.options.min_group)
            numbers.add(f"{asked}_worst_group", lowest, count, attribute=attribute.name)
            numbers.add(f"{asked}_ratio", ratio, count, attribute=attribute.name)


class _Some:
    """The `Similarity` of a range of the targets."""

    def __init__(self, similarity: Similarity, first: int, last: int) -> None:
        self._whole, self._first, self._last = similarity, first, last

    @property
    def shape(self) -> tuple[int, int]:
        return self._whole.shape[0], self._last - self._first

    def items(self, start: int, stop: int) -> Floats:
        return self._whole.items(start, stop)[:, self._first : self._last]

    def targets(self, start: int, stop: int) -> Floats:
        return self._whole.targets(self._first + start, self._first + stop)
