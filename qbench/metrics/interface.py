"""What a benchmark gives: prompts, one outcome per item, and the numbers made of it.

A benchmark's `Task` never sees a model: it says what to embed, turns similarities into an `Outcome` (which is stored),
and turns a stored outcome into `Metrics`. The last step takes weights, so that items can be resampled without a model
or an image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from qbench.metrics.keys import MetricKey
from qbench.text import sentence
from qbench.vocabulary import MetricRole

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from qbench.data.items import Items

INDEX = ("metric", "attribute", "group", "class")
"""The columns that name a number; an empty string is "all of them"."""


@dataclass(frozen=True)
class StatisticRef:
    """Names the statistic that makes a metric's numbers, so that their changes can be judged without the benchmark.

    It is plain data and stands in the records of a run. The statistics are provided by plugins (hook
    ``qbench_statistics``; ``qbench list statistics`` shows them).

    Attributes
    ----------
    name : str
        The statistic's name, bare or as ``plugin:name``.
    options : mapping
        Its options, plain values; those left out have their defaults.

    Examples
    --------
    >>> StatisticRef("share", {"hit": "rank", "below": 5}).name
    'share'
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


TIED = "tied_classes"
"""The fact of an outcome that names pairs of classes with equal embeddings, or of answers that are equally likely for
every image; the probe adds it where there are any."""


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
    statistic : StatisticRef or None
        How its numbers are made, where an installed statistic makes such numbers. A metric without one is judged by
        the installed statistic that is the fallback: a bootstrap through `Task.measure`, which needs the benchmark's
        plugin.
    role : {"accuracy", "calibration", "gap", "skew", "summary"} or None
        Which question it answers (`qbench.vocabulary.MetricRole`); the gate's built-in policy and the first screen of
        the report judge it by this. An error rate has the role ``accuracy`` and is better low. None stands for what
        `better` and `unit` imply; a plugin has to declare it where they imply nothing.
    margin : float or None
        The change up to which its numbers count as unchanged, where neither the policy nor the spec names one: for a
        metric whose scale is not that of its unit. In the unit of its change (0.01 is one point). None stands for the
        default of the unit (`qbench.statistics.settings.MARGINS`).
    classes_only : bool
        Whether all its numbers are of single classes, none over all of them. `qbench power`, which has no numbers yet,
        needs to know.

    Examples
    --------
    >>> MetricInfo(name="error", better="lower", unit="share", summary="Wrong answers.", role="accuracy").judged_as
    <MetricRole.ACCURACY: 'accuracy'>
    """

    name: str
    better: Literal["higher", "lower", "zero"]
    unit: Literal["share", "points", "nats"]
    summary: str
    statistic: StatisticRef | None = None
    role: Literal["accuracy", "calibration", "gap", "skew", "summary"] | None = None
    margin: float | None = None
    classes_only: bool = False

    @property
    def judged_as(self) -> MetricRole:
        """Its role, declared or implied; a summary where neither, as in runs made before this was refused."""
        return MetricRole(self.role) if self.role else MetricRole.implied(self.better, self.unit) or MetricRole.SUMMARY


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """Numbers that these items cannot give, whatever a model answers: NaN in the metrics of every variant.

    Attributes
    ----------
    metric : str
        A metric of the benchmark: with its cut-off (``skew@1000``) or, for every cut-off, without (``skew``).
    attribute, group : str
        What the numbers are about; empty for each attribute, each group, and the number over all of them. The group of
        a disparity is the label of a pair of groups.
    classes : tuple of str
        The classes (or queries); empty for each of them and the number over all of them.
    cause : str
        Why there is no such number, as a clause that can follow "not available:".
    remedy : str
        What the user can do about it, as a sentence; empty where nothing can be done.

    Examples
    --------
    >>> whole = Unavailable(metric="skew@1000", cause="k is the whole gallery", remedy="Choose a smaller k.")
    >>> whole.covers("skew@1000", "gender", "female"), whole.covers("skew@100", "gender", "female")
    (True, False)
    >>> whole.words
    'not available: k is the whole gallery. Choose a smaller k.'
    """

    metric: str
    attribute: str = ""
    group: str = ""
    classes: tuple[str, ...] = ()
    cause: str
    remedy: str = ""

    def covers(self, metric: str, attribute: str = "", group: str = "", class_: str = "") -> bool:
        """Whether a number, named as in the tables, is one of these."""
        return (
            self.metric in (metric, MetricKey.parse(metric).name)
            and self.attribute in ("", attribute)
            and self.group in ("", group)
            and (not self.classes or class_ in self.classes)
        )

    @property
    def words(self) -> str:
        """Cause and remedy, to stand in the place of the number."""
        return " ".join(part for part in (sentence(f"not available: {self.cause}"), self.remedy) if part)


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
    known_ties : tuple of (str, str)
        Pairs of classes that are known to have the same texts. A run refuses other classes whose embeddings under the
        baseline are equal, because one of them would never be predicted. (Captions and queries are no classes.)
    """

    texts: tuple[str, ...]
    targets: tuple[str, ...]
    target_of: npt.NDArray[np.int64]
    pool: bool
    known_ties: tuple[tuple[str, str], ...] = ()


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
        column per attribute, and what the benchmark predicts (``prediction``, ``correct``, ``margin``,
        ``confidence``, …).
    rankings : pandas.DataFrame or None
        For retrieval: ``query`` (str or categorical) and ``item`` (int, a position in `items`), in the order of the
        ranking.
    facts : dict
        JSON-able facts that `measure` and the report need: ``classes``, the candidates among which every prediction is
        (where predictions are classes), …; and ``chance``, a list of ``{"name", "chance", "where", "metrics"}``: the
        share of right answers by guessing among the items whose columns equal ``where``, and (optional) the metrics
        that are made of these answers and mean nothing where they are guesses. Without ``metrics`` they are those with
        the entry's name or with the same ``where`` in their statistic's options, and all metrics if ``where`` is empty.
        Where the correct answer is always that nobody can know, ``correct_shows_guessing`` is false.
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
        ``(b, r)`` float64, one row per set of weights; NaN where a number is undetermined.
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


@runtime_checkable
class Task(MeasuredTask, Protocol):
    """A task for the probe ``embedding``. It is called in the order `data`, `prompts`, `predict`, `measure`."""

    def prompts(self, items: Items) -> Prompts:
        """The texts to embed for these items."""
        ...

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Similarities → an outcome per item. Needs no model."""
        ...


@runtime_checkable
class KnowsUnavailable(Protocol):
    """An optional part of a task: it tells from the annotations which numbers it will not be able to give.

    ``qbench data check`` and ``qbench plan`` print it before anything is computed, and a run keeps it, so that a gate
    and a report can say why a number is missing.
    """

    def unavailable(self, items: Items) -> Sequence[Unavailable]:
        """The numbers that are undetermined for these items, whatever a model answers."""
        ...


def why_unavailable(
    said: Sequence[Unavailable], metric: str, attribute: str = "", group: str = "", class_: str = ""
) -> Unavailable | None:
    """The first of these declarations that covers a number, named as in the tables; `None` where none does."""
    return next((one for one in said if one.covers(metric, attribute, group, class_)), None)


def unavailable(task: object, items: Items) -> tuple[Unavailable, ...]:
    """What a task says that it cannot give for these items; nothing where it does not say."""
    return tuple(task.unavailable(items)) if isinstance(task, KnowsUnavailable) else ()
