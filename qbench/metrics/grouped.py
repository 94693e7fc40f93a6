"""Recall by class and group, from which accuracies, recalls and disparities are computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Booleans, Floats, Integers, cell_sums, divide


@dataclass(frozen=True, kw_only=True)
class ClassByGroup:
    """Weighted hits and totals of each class and group.

    Attributes
    ----------
    hits, totals : numpy.ndarray
        ``(b, classes, groups)`` sums of weights: of the correct items, and of all items.
    n : numpy.ndarray
        ``(classes, groups)`` int64, the number of items, unweighted.

    Examples
    --------
    Four items of two classes and two groups; the last one is incorrect:

    >>> correct = np.array([True, True, True, False])
    >>> classes, groups = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> cells = class_by_group(correct, classes, groups, shape=(2, 2), weights=np.ones((1, 4)))
    >>> cells.recall[0].tolist()
    [[1.0, 1.0], [1.0, 0.0]]
    >>> cells.group_accuracy.tolist(), cells.class_recall.tolist()
    ([[1.0, 0.5]], [[1.0, 0.5]])
    """

    hits: Floats
    totals: Floats
    n: npt.NDArray[np.int64]

    @property
    def recall(self) -> Floats:
        """Share of correct items, ``(b, classes, groups)``; NaN where there is no item."""
        return divide(self.hits, self.totals)

    @property
    def class_recall(self) -> Floats:
        """Share of correct items of each class over all groups, ``(b, classes)``."""
        return divide(self.hits.sum(axis=2), self.totals.sum(axis=2))

    @property
    def group_accuracy(self) -> Floats:
        """Share of correct items of each group over all classes (micro average), ``(b, groups)``."""
        return divide(self.hits.sum(axis=1), self.totals.sum(axis=1))


def class_by_group(
    correct: Booleans, classes: Integers, groups: Integers, *, shape: tuple[int, int], weights: Floats
) -> ClassByGroup:
    """Sum hits and totals by class and group.

    Parameters
    ----------
    correct : numpy.ndarray
        ``(n,)`` bool, whether the prediction of each item is correct.
    classes, groups : numpy.ndarray
        ``(n,)`` int, the class and the group of each item; an item with a negative one is left out.
    shape : tuple of int
        Number of classes and number of groups.
    weights : numpy.ndarray
        ``(b, n)``, see `qbench.metrics.weights.item_weights`.
    """
    cells = shape[0] * shape[1]
    cell = np.where((classes < 0) | (groups < 0), -1, classes * shape[1] + groups)
    return ClassByGroup(
        hits=cell_sums(weights[:, correct], cell[correct], cells).reshape(-1, *shape),
        totals=cell_sums(weights, cell, cells).reshape(-1, *shape),
        n=np.bincount(cell[cell >= 0], minlength=cells).reshape(shape).astype(np.int64),
    )
