"""What a benchmark gives: prompts, an outcome an item, and the numbers made of it.

A benchmark's `Task` never sees a model: it says what to embed, turns similarities into an `Outcome` (which is stored),
and turns a stored outcome into `Metrics`. The last step takes weights, so that items can be resampled without a model
or an image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from qbench.data.items import Items

INDEX = ("metric", "attribute", "group", "class")
"""The columns that name a number; an empty string is "all of them"."""


Kind = Literal[
    "share",
    "class_mean",
    "disparity",
    "mean_disparity",
    "mean_abs_disparity",
    "selected",
    "skew",
    "max_skew",
    "min_skew",
    "ndkl",
]


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """How a metric's numbers are made of a stored outcome: what its change can be judged by, without the plugin.

    It is plain data and goes into ``cell.json``. A number's row names its attribute, group and class; the rows of
    ``outcome.items`` behind it are those whose columns equal ``where``, whose column called like the attribute equals
    the group, and whose ``label`` is the class.

    Attributes
    ----------
    kind : str
        ``share``: share of hits. ``class_mean``: mean over the labels of the share of hits. ``disparity``: share of
        hits of the first group minus that of the second, in one class (the number's group is ``first-second``);
        ``mean_disparity`` and ``mean_abs_disparity`` are over those classes for which the ``disparity`` of the same
        pair is determined. ``selected``: of the class or group that was found to be extreme; there is no interval for a
        number that was chosen for its size, so that the class's or group's own row is to be read. ``skew``,
        ``max_skew``, ``min_skew`` (cut off at the k of the metric's name) and ``ndkl`` are of ``outcome.rankings`` (the
        number's class is the query, and empty for the mean over the queries), against the shares that
        ``facts["target"]`` (``uniform`` or ``gallery``) names.
    hit : {"correct", "rank"}
        A row is a hit where its column ``correct`` is true, or where its ``rank`` is below the cut-off in the metric's
        name (``recall@5``) or, where the name has none, `below`.
    below : int
        The cut-off of ``rank`` where the metric's name has none.
    where : dict of str to str
        Columns and the value that they have in the rows that count.
    """

    kind: Kind
    hit: Literal["correct", "rank"] = "correct"
    below: int = 0
    where: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a metric is, for those who read it.

    Attributes
    ----------
    name : str
        Its name in results, without a cut-off: ``recall`` stands for ``recall@1`` and ``recall@5`` too.
    better : {"higher", "lower", "zero"}
        Which direction is an improvement; ``zero`` for signed biases, where less in absolute value is better.
    unit : {"share", "points", "nats"}
        ``share`` is 0 to 1 and shown in per cent; ``points`` is a difference of shares; ``nats`` is shown as it is.
    summary : str
        One line.
    statistic : Statistic or None
        How its numbers are made, where it is one of the known ways: their changes then get intervals in closed form. A
        metric without one is judged by a bootstrap through `Task.measure`, which needs the plugin.
    """

    name: str
    better: Literal["higher", "lower", "zero"]
    unit: Literal["share", "points", "nats"]
    summary: str
    statistic: Statistic | None = None


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """The texts to embed and what they stand for.

    Attributes
    ----------
    texts : tuple of str
        Exactly what the text encoder gets.
    targets : tuple of str
        The classes, captions or queries.
    target_of : numpy.ndarray
        ``(len(texts),)`` int: the target of each text.
    pool : bool
        Whether the texts of a target are one classifier weight: each embedding L2-normalised, averaged, normalised
        again (Radford et al. 2021, section 3.1.4). Otherwise every text is a target of its own.
    """

    texts: tuple[str, ...]
    targets: tuple[str, ...]
    target_of: npt.NDArray[np.int64]
    pool: bool


class Similarity(Protocol):
    """Cosine similarities of items and targets, computed in blocks as they are asked for."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, number of targets."""
        ...

    def items(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Rows ``start:stop`` → ``(stop - start, targets)``."""
        ...

    def targets(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Columns ``start:stop``, transposed → ``(stop - start, items)``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a variant did on a benchmark, with one row per item. Stored as Parquet, without images or embeddings.

    Attributes
    ----------
    items : pandas.DataFrame
        ``item``, ``image`` (the image relative to the dataset's folder: what is resampled as one), ``label``, a
        column an attribute, and what the benchmark predicts (``prediction``, ``correct``, ``margin``,
        ``confidence``, …).
    rankings : pandas.DataFrame or None
        For retrieval: ``query`` (str or categorical) and ``item`` (int, a position in `items`), in the order of the
        ranking.
    facts : dict
        JSON-able facts that `measure` and the report need: ``classes``, …; and ``chance``, a list of ``{"name",
        "chance", "where"}``: the share of right answers by guessing among the items whose columns equal ``where``.
    """

    items: pd.DataFrame
    rankings: pd.DataFrame | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Numbers and their names.

    Attributes
    ----------
    index : pandas.DataFrame
        ``(r, 4)`` str columns ``metric``, ``attribute``, ``group``, ``class``; unique rows.
    values : numpy.ndarray
        ``(b, r)`` float64, one row a set of weights; NaN where a number is undetermined.
    n : numpy.ndarray
        ``(r,)`` int: the items (or classes, or queries) behind each number, unweighted.
    """

    index: pd.DataFrame
    values: npt.NDArray[np.float64]
    n: npt.NDArray[np.int64]

    def frame(self, row: int = 0) -> pd.DataFrame:
        """The numbers of one set of weights as a table: the index columns, ``value`` and ``n``."""
        return self.index.assign(value=self.values[row], n=self.n)


class MeasuredTask(Protocol):
    """A benchmark with its options, as far as it does not depend on how a model is asked.

    What else a task has is for its probe to call: see `Task` for the probe ``embedding``.
    """

    def data(self, root: Path) -> Items:
        """Read the annotations below `root`; images are named, not opened.

        Raises
        ------
        qbench.errors.DataError
            A file is missing or malformed; the message names file and row.
        """
        ...

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """A (stored) outcome → numbers. Needs no model, no image and no dataset.

        Parameters
        ----------
        outcome : Outcome
            As `predict` made it.
        weights : numpy.ndarray, optional
            ``(b, n)`` non-negative weights of the rows of ``outcome.items``; all ones if not given.
        """
        ...


class Task(MeasuredTask, Protocol):
    """A task for the probe ``embedding``. It is called in the order `data`, `prompts`, `predict`, `measure`."""

    def prompts(self, items: Items) -> Prompts:
        """The texts to embed for these items."""
        ...

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Similarities → an outcome per item. Needs no model."""
        ...
