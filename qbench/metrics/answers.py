"""What zero-shot classifications share: the table of predictions, with one row per item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Items
from qbench.metrics.classification import classify
from qbench.metrics.interface import Similarity


def classification_table(
    similarity: Similarity, items: Items, classes: Sequence[str], accepted: npt.NDArray[np.int64], keep: Sequence[str]
) -> pd.DataFrame:
    """One row an item: what was asked, what was answered, and how clearly.

    Parameters
    ----------
    similarity : Similarity
        Of the items and the classes.
    items : Items
        The items.
    classes : sequence of str
        The candidates.
    accepted : numpy.ndarray
        ``(n, a)`` int, the classes that count as right; negative entries are none.
    keep : sequence of str
        Columns of the items that go into the result.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``label`` and `keep`; ``prediction`` (str); ``correct`` (bool); ``rank`` (0-based, of the right
        class); ``margin`` (right class minus best wrong class); ``runner_up_margin`` (prediction minus second place);
        ``confidence`` (softmax probability of the prediction at scale 100).
    """
    found = classify(similarity, accepted)
    return items.table[["item", "label", *keep]].assign(
        prediction=np.asarray(classes, dtype=object)[found.prediction].astype(str),
        correct=found.rank == 0,
        rank=found.rank,
        margin=found.margin,
        runner_up_margin=found.runner_up_margin,
        confidence=found.confidence,
    )


def positions(names: Sequence[str], values: pd.Series[str]) -> npt.NDArray[np.int64]:
    """Index of each value in `names`, ``(n,)``; −1 where it is not among them."""
    return pd.Index(list(names)).get_indexer(pd.Index(values)).astype(np.int64)
