"""Recall by class and group: the table that accuracies, recalls and disparities are read from."""

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
        ``(b, classes, groups)`` sums of weights: of the items that are right, of all items.
    n : numpy.ndarray
        ``(classes, groups)`` int64, the items of each cell, unweighted.
    """

    hits: Floats
    totals: Floats
    n: npt.NDArray[np.int64]

    @property
    def recall(self) -> Floats:
        """Share of right items, ``(b, classes, groups)``; NaN for an empty cell."""
        return divide(self.hits, self.totals)

    @property
    def class_recall(self) -> Floats:
        """Share of right items of each class over all groups, ``(b, classes)``."""
        return divide(self.hits.sum(axis=2), self.totals.sum(axis=2))

    @property
    def group_accuracy(self) -> Floats:
        """Share of right items of each group over all classes (micro average), ``(b, groups)``."""
        return divide(self.hits.sum(axis=1), self.totals.sum(axis=1))


def class_by_group(
    correct: Booleans, classes: Integers, groups: Integers, *, shape: tuple[int, int], weights: Floats
) -> ClassByGroup:
    """Sum hits and totals by class and group.

    Parameters
    ----------
    correct : numpy.ndarray
        ``(n,)`` bool.
    classes, groups : numpy.ndarray
        ``(n,)`` int, each item's class and group; a negative one leaves the item out.
    shape : tuple of int
        Number of classes, number of groups.
    weights : numpy.ndarray
        ``(b, n)``.
    """
    cells = shape[0] * shape[1]
    cell = np.where((classes < 0) | (groups < 0), -1, classes * shape[1] + groups)
    return ClassByGroup(
        hits=cell_sums(weights[:, correct], cell[correct], cells).reshape(-1, *shape),
        totals=cell_sums(weights, cell, cells).reshape(-1, *shape),
        n=np.bincount(cell[cell >= 0], minlength=cells).reshape(shape).astype(np.int64),
    )
