"""FACET: zero-shot classification of occupations, and how its recall differs between groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qbench.api import Attribute, Items, Metrics, Outcome, Prompts, Similarity
from qbench.metrics.builder import MetricsBuilder
from qbench.metrics.disparity import class_disparity, comparable, mean_absolute, mean_signed, worst
from qbench.metrics.grouped import ClassByGroup, class_by_group
from qbench.metrics.weights import item_weights, weighted_share
from qbench.metrics.worst_group import worst_group
from qbench_benchmarks.crossed import crossed, with_crossed
from qbench_benchmarks.facet_classes import CLASSES
from qbench_benchmarks.facet_groups import TONES, WORDS, attributes, other_cuts
from qbench_benchmarks.facet_table import read_persons
from qbench_benchmarks.options import FacetOptions
from qbench_benchmarks.zeroshot import answers, positions


class Facet:
    """The task, see `qbench.metrics.interface.Task`. An item is a person."""

    def __init__(self, options: FacetOptions | None = None) -> None:
        self.options = o = options or FacetOptions()
        plain = attributes(o.skin_cut)
        self.crossings = crossed(plain, o.intersections, o.intersection_pairs)
        self.cuts = tuple(other_cuts(o.skin_cut).values()) if o.other_cuts else ()
        self.attributes = (*plain, *self.crossings, *self.cuts)

    def data(self, root: Path) -> Items:
        """Read the persons; see `qbench_benchmarks.facet_table`."""
        table, pictures, path = read_persons(root, self.options)
        return Items(
            table=with_crossed(table, self.attributes, self.crossings),
            pictures=pictures,
            root=root,
            attributes=self.attributes,
            annotations=(path,),
            choices=self._choices(),
        )

    def prompts(self, items: Items) -> Prompts:
        """One text a class."""
        classes = self._classes(items)
        texts = tuple(self.options.template.format(name.replace("_", " ")) for name in classes)
        return Prompts(texts=texts, targets=classes, target_of=np.arange(len(classes), dtype=np.int64), pool=False)

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Arg-max over the classes; the second class counts as right where the options say so."""
        classes = self._classes(items)
        right = [positions(classes, items.table["label"])]
        if self.options.class2 == "credit":
            right.append(positions(classes, items.table["label2"]))
        accepted = np.stack(right, axis=1)
        names = [attribute.name for attribute in self.attributes]
        table = answers(similarity, items, classes, accepted, ["label2", *names, *TONES, "tone_mean", "image"])
        distinct = 1 + sum((accepted[:, i] >= 0) & (accepted[:, i] != accepted[:, 0]) for i in range(1, len(right)))
        chance = float(np.mean(np.broadcast_to(distinct, len(items))) / len(classes))
        facts = {"classes": list(classes), "chance": [{"name": "accuracy", "chance": chance, "where": {}}]}
        return Outcome(items=table, facts=facts)

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Accuracy, recall, disparities, and the group that is served worst.

        Values of an attribute that are no group (``na``, ``non_binary``) have accuracy and recall of their own and are
        in no disparity. A class with fewer than ``min_group`` persons in one group of a pair has a disparity of NaN.
        """
        table, classes = outcome.items, outcome.facts["classes"]
        w = item_weights(weights, len(table))
        correct = table["correct"].to_numpy(dtype=bool)
        label = positions(classes, table["label"])
        numbers = MetricsBuilder()
        numbers.add("accuracy", weighted_share(correct, w), len(table))
        whole = class_by_group(correct, label, np.zeros_like(label), shape=(len(classes), 1), weights=w)
        for c in np.flatnonzero(whole.n[:, 0]):
            numbers.add("recall", whole.class_recall[:, c], whole.n[c, 0], class_=classes[c])
        for attribute in self.attributes:
            others = sorted(set(table[attribute.name]) - {*attribute.groups})
            values = [*attribute.groups, *others]
            cells = class_by_group(
                correct,
                label,
                positions(values, table[attribute.name]),
                shape=(len(classes), len(values)),
                weights=w,
            )
            _add_accuracy(numbers, cells, attribute.name, values)
            if attribute not in self.cuts:
                _add_recall(numbers, cells, attribute.name, values, classes)
                _add_worst_group(numbers, cells, attribute, self.options.min_group)
            _add_disparities(numbers, cells, attribute, classes, self.options.min_group)
        return numbers.build()

    def _classes(self, items: Items) -> tuple[str, ...]:
        if self.options.classes == "all":
            return CLASSES
        there = set(items.table["label"])
        return tuple(name for name in CLASSES if name in there)

    def _choices(self) -> dict[str, str]:
        o = self.options
        return {
            "picture": "cut to the person's box" if o.picture == "crop" else "the whole picture",
            "persons": "all" if o.persons == "all" else "those who are alone in their picture and have one class",
            "second class": "counts as right too" if o.class2 == "credit" else "not used",
            "candidates": "all 52 classes" if o.classes == "all" else "the classes that are a person's first class",
            "prompt": f"“{o.template}”, with the class's underscores as spaces",
            "classes in disparities": f"those with at least {o.min_group} persons in both groups",
            "skin tone": WORDS[o.skin_cut],
            "other cuts of the skin tone": "measured beside it" if o.other_cuts else "not measured",
            "intersections": ", ".join(a.name for a in self.crossings) or "none",
        }


def _add_accuracy(numbers: MetricsBuilder, cells: ClassByGroup, attribute: str, values: list[str]) -> None:
    accuracy = cells.group_accuracy
    for g, value in enumerate(values):
        numbers.add("accuracy", accuracy[:, g], int(cells.n[:, g].sum()), attribute=attribute, group=value)


def _add_recall(
    numbers: MetricsBuilder, cells: ClassByGroup, attribute: str, values: list[str], classes: list[str]
) -> None:
    recall = cells.recall
    for g, value in enumerate(values):
        for c in np.flatnonzero(cells.n[:, g]):
            numbers.add("recall", recall[:, c, g], cells.n[c, g], attribute=attribute, group=value, class_=classes[c])


def _add_worst_group(numbers: MetricsBuilder, cells: ClassByGroup, attribute: Attribute, minimum: int) -> None:
    groups = len(attribute.groups)  # they come first; the values without a label to compare follow
    lowest, ratio, count = worst_group(cells.group_accuracy[:, :groups], cells.n[:, :groups].sum(axis=0), minimum)
    numbers.add("worst_group_recall", lowest, count, attribute=attribute.name)
    numbers.add("recall_ratio", ratio, count, attribute=attribute.name)


def _add_disparities(
    numbers: MetricsBuilder, cells: ClassByGroup, attribute: Attribute, classes: list[str], minimum: int
) -> None:
    recall = cells.recall
    for first, second in attribute.pairs:
        a, b = attribute.groups.index(first), attribute.groups.index(second)
        usable = comparable(cells.n[:, a], cells.n[:, b], minimum)
        by_class = class_disparity(recall[:, :, a], recall[:, :, b], usable)
        pair = f"{first}-{second}"
        for name, summary in (
            ("mean_disparity", mean_signed),
            ("mean_abs_disparity", mean_absolute),
            ("worst_disparity", worst),
        ):
            numbers.add(name, summary(by_class), int(usable.sum()), attribute=attribute.name, group=pair)
        for c in np.flatnonzero(cells.n[:, a] + cells.n[:, b]):
            numbers.add(
                "disparity",
                by_class[:, c],
                int(cells.n[c, a] + cells.n[c, b]),
                attribute=attribute.name,
                group=pair,
                class_=classes[c],
            )
