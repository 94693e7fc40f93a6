"""The answers of a zero-shot classifier as a table with one row per item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Items
from qbench.metrics.classification import LOGIT_SCALE, classify
from qbench.metrics.interface import Similarity


def classification_table(
    similarity: Similarity,
    items: Items,
    classes: Sequence[str],
    accepted: npt.NDArray[np.int64],
    keep: Sequence[str],
    *,
    scale: float = LOGIT_SCALE,
    candidates: npt.NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """Classify the items: one row per item with its label, the prediction, and how clear the prediction is.

    Parameters
    ----------
    similarity : Similarity
        The similarity of items and classes; of items and their own `candidates`, where they are given.
    items : Items
        The items.
    classes : sequence of str
        The classes, in the order of the targets.
    accepted : numpy.ndarray
        ``(n, a)`` int, the indices of the classes that count as correct for each item; negative entries are ignored.
    keep : sequence of str
        Columns of ``items.table`` that go into the result.
    scale : float
        What similarities are multiplied by before the softmax; see `qbench.metrics.classification.classify`.
    candidates : numpy.ndarray, optional
        ``(n, k)`` int, the `k` different classes among which each item is classified, in the order of the columns of
        `similarity`. `None`: all items are classified among all classes.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``label`` and `keep`; ``prediction`` (str); ``correct`` (bool); ``rank`` (of the correct class, from
        0); ``margin`` (similarity of the correct class minus that of the best incorrect one); ``runner_up_margin``
        (similarity of the prediction minus that of the second class); ``confidence`` (softmax probability of the
        prediction).

    Raises
    ------
    ValueError
        No class counts as correct for an item, or none of its candidates does.
    """
    columns = accepted if candidates is None else _columns(accepted, candidates)
    found = classify(similarity, columns, scale=scale)
    first = found.prediction
    if candidates is not None:
        first = np.take_along_axis(candidates, first[:, None], axis=1)[:, 0]
    return items.table[["item", "label", *keep]].assign(
        prediction=np.asarray(classes, dtype=object)[first].astype(str),
        correct=found.rank == 0,
        rank=found.rank,
        margin=found.margin,
        runner_up_margin=found.runner_up_margin,
        confidence=found.confidence,
    )


def _columns(accepted: npt.NDArray[np.int64], candidates: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of each accepted class among the candidates of its item; −1 where it is not one of them."""
    same = accepted[:, :, None] == candidates[:, None, :]
    return np.where(same.any(axis=2), same.argmax(axis=2), -1).astype(np.int64)


def positions(names: Sequence[str], values: pd.Series[str]) -> npt.NDArray[np.int64]:
    """The index of each value in `names`, ``(n,)`` int64; −1 for a value that is not among them.

    Examples
    --------
    >>> positions(["cat", "dog"], pd.Series(["dog", "bird", "cat"])).tolist()
    [1, -1, 0]
    """
    return pd.Index(list(names)).get_indexer(pd.Index(values)).astype(np.int64)
