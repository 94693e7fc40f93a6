"""Accuracy, recall and recall disparities by group, from the stored predictions of a zero-shot classifier.

They are what FACET measures (Gustafson et al., ICCV 2023, section 5), for any classes and groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qbench.data.items import Attribute
from qbench.data.pairs import GroupPair
from qbench.metrics.answers import positions
from qbench.metrics.builder import MetricsBuilder
from qbench.metrics.disparity import class_disparity, comparable, mean_absolute, mean_signed, worst
from qbench.metrics.grouped import ClassByGroup, class_by_group
from qbench.metrics.interface import Metrics, Outcome
from qbench.metrics.weights import item_weights, weighted_share
from qbench.metrics.worst_group import worst_group


def measure_recall(
    outcome: Outcome,
    attributes: Sequence[Attribute],
    minimum: int,
    weights: npt.NDArray[np.float64] | None,
    *,
    brief: Sequence[Attribute] = (),
) -> Metrics:
    """Measure accuracy, recall and recall disparities by group, and the worst group's recall.

    The metrics are declared by `qbench.metrics.known.RECALL_BY_GROUP`.

    Parameters
    ----------
    outcome : Outcome
        ``items`` with ``label``, ``correct`` (bool) and one column per attribute; ``facts["classes"]``, the candidates.
    attributes : sequence of Attribute
        The groupings with their pairs. A value that is not a group gets its own accuracy and recall, and takes part in
        no disparity.
    minimum : int
        The disparity of a class is NaN unless *both* groups of the pair have so many items in it.
    weights : numpy.ndarray or None
        ``(b, n)``, see `qbench.metrics.interface.Task.measure`.
    brief : sequence of Attribute
        Attributes of which only accuracies and disparities are measured.
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
    for attribute in attributes:
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
        if attribute not in brief:
            _add_recall(numbers, cells, attribute.name, values, classes)
            _add_worst_group(numbers, cells, attribute, minimum)
        _add_disparities(numbers, cells, attribute, classes, minimum)
    return numbers.build()


def _add_accuracy(numbers: MetricsBuilder, cells: ClassByGroup, attribute: str, values: list[str]) -> None:
    accuracy = cells.group_accuracy
    for g, value in enumerate(values):
        numbers.add("accuracy", accuracy[:, g], int(cells.n[:, g].sum()), attribute=attribute, group=value)


def _add_worst_group(numbers: MetricsBuilder, cells: ClassByGroup, attribute: Attribute, minimum: int) -> None:
    groups = len(attribute.groups)  # they come first, and the values that are not groups follow
    lowest, ratio, count = worst_group(cells.group_accuracy[:, :groups], cells.n[:, :groups].sum(axis=0), minimum)
    numbers.add("worst_group_recall", lowest, count, attribute=attribute.name)
    numbers.add("recall_ratio", ratio, count, attribute=attribute.name)


def _add_recall(
    numbers: MetricsBuilder, cells: ClassByGroup, attribute: str, values: list[str], classes: list[str]
) -> None:
    recall = cells.recall
    for g, value in enumerate(values):
        for c in np.flatnonzero(cells.n[:, g]):
            numbers.add("recall", recall[:, c, g], cells.n[c, g], attribute=attribute, group=value, class_=classes[c])


def _add_disparities(
    numbers: MetricsBuilder, cells: ClassByGroup, attribute: Attribute, classes: list[str], minimum: int
) -> None:
    recall = cells.recall
    for first, second in attribute.pairs:
        a, b = attribute.groups.index(first), attribute.groups.index(second)
        usable = comparable(cells.n[:, a], cells.n[:, b], minimum)
        by_class = class_disparity(recall[:, :, a], recall[:, :, b], usable)
        pair = GroupPair(first, second).label
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
