"""What is found out about each number of one comparison, filled in by the statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Attribute
from qbench.data.pairs import GroupPair
from qbench.metrics.interface import Outcome
from qbench.metrics.keys import MetricKey
from qbench.statistics.interface import Measure, Statistic

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Found = TypeVar("Found")

FLOATS = ["se", "df", "low", "high", "p", "log10_p", "sum_se", "items", "sample_size", "cutoff"]
COUNTS = ["n1", "gain1", "loss1", "deff1", "n2", "gain2", "loss2", "deff2", "rho"]
TEXTS = ["statistic", "method", "null", "why"]


def _no_measure() -> Measure | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A variant and its baseline on the same items.

    Attributes
    ----------
    names : mapping
        ``model``, ``quantizer``, ``benchmark``.
    before, after : Outcome
        The baseline's and the variant's outcome, row by row of the same items.
    statistics : mapping
        Name of a metric, without its cut-off → how it is made.
    declared : mapping
        Name of a metric → the name of its statistic.
    missing : mapping
        Name of a metric → why its statistic is not available.
    attributes : mapping
        Name of an attribute → the attribute, in the benchmark's order.
    load_measure : callable
        ``() -> Measure or None``: the benchmark's own measure, for statistics that resample; `None` where its plugin is
        not installed.
    """

    names: Mapping[str, str]
    before: Outcome
    after: Outcome
    statistics: Mapping[str, Statistic]
    declared: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    load_measure: Callable[[], Measure | None] = _no_measure
    of_baseline: dict[object, Any] = field(default_factory=dict, repr=False)
    _own: dict[object, Any] = field(default_factory=dict, repr=False, init=False)

    @cached_property
    def image(self) -> Rows:
        """``(n,)`` int, the image of each item: what is drawn as one."""
        items = self.before.items
        return pd.factorize(items["image" if "image" in items else "item"])[0].astype(np.int64)

    def pair(self, attribute: str, label: str) -> GroupPair | None:
        """The two groups that a label names; `None` where the attribute has no such pair."""
        known = self.attributes.get(attribute)
        return known.group_pairs.get(label) if known is not None else None

    def statistic(self, metric: str) -> Statistic | None:
        """How a metric is made, by its name in a table; `None` where that is not available."""
        return self.statistics.get(MetricKey.parse(metric).name)

    def once(self, key: object, make: Callable[[], Found]) -> Found:
        """What `make` computes, computed once for this comparison: several statistics may need it.

        Parameters
        ----------
        key : hashable
            Names what is computed; the statistic's module in it keeps plugins apart.
        make : callable
            Computes it.
        """
        if key not in self._own:
            self._own[key] = make()
        found: Found = self._own[key]
        return found

    def once_for_baseline(self, key: object, make: Callable[[], Found]) -> Found:
        """What `make` computes of the baseline alone; comparisons with the same baseline share it."""
        if key not in self.of_baseline:
            self.of_baseline[key] = make()
        found: Found = self.of_baseline[key]
        return found


@dataclass
class Ledger:
    """Columns beside the numbers of one comparison.

    Attributes
    ----------
    numbers : pandas.DataFrame
        Rows of `qbench.results.effects.pair`, with a fresh index.
    family_size : numpy.ndarray
        ``(rows,)`` float: the tests of each row's family, for which its p-value is corrected; 1 if not given.
    values, texts : dict
        Column → ``(rows,)``; NaN and empty until a statistic fills them in.
    influence : dict
        Row → ``(images,)`` float: what each image adds to the change. For numbers over all classes only: a population
        of checkpoints is judged by these.
    added : dict of str to list of dict
        Rows of the tables that the statistics have besides, by the name of the table: see `add_row`.
    """

    numbers: pd.DataFrame
    family_size: Floats = field(default_factory=lambda: np.ones(0))
    values: dict[str, Floats] = field(init=False)
    texts: dict[str, npt.NDArray[np.object_]] = field(init=False)
    influence: dict[int, Floats] = field(default_factory=dict)
    added: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _columns: dict[str, npt.NDArray[np.object_]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        n = len(self.numbers)
        self.family_size = self.family_size if len(self.family_size) else np.ones(n)
        self.values = {name: np.full(n, np.nan) for name in [*FLOATS, *COUNTS]}
        self.texts = {name: np.full(n, "", dtype=object) for name in TEXTS}

    def rows(self, *, metric: str | None = None, attribute: str | None = None, classes: bool | None = None) -> Rows:
        """Positions of the rows with this metric and attribute, of a class or over all."""
        keep = np.ones(len(self.numbers), dtype=bool)
        if metric is not None:
            keep &= self.column("metric") == metric
        if attribute is not None:
            keep &= self.column("attribute") == attribute
        if classes is not None:
            keep &= (self.column("class") != "") == classes
        return np.flatnonzero(keep).astype(np.int64)

    def column(self, name: str) -> npt.NDArray[np.object_]:
        """A column of the numbers, as objects; converted once."""
        if name not in self._columns:
            self._columns[name] = self.numbers[name].to_numpy(dtype=object)
        return self._columns[name]

    def put(self, rows: npt.ArrayLike, **found: object) -> None:
        """Write columns of some rows."""
        at = np.asarray(rows, dtype=np.int64)
        for name, value in found.items():
            column: npt.NDArray[Any] = self.texts[name] if name in self.texts else self.values[name]
            column[at] = value

    def add_row(self, table: str, **values: object) -> None:
        """Add a row to a table of a statistic's own.

        Parameters
        ----------
        table : str
            One of the tables that the statistic declares (`qbench.plugins.records.StatisticKind.tables`).
        **values
            Its columns, all that are declared; ``model``, ``quantizer`` and ``benchmark`` are added.
        """
        self.added.setdefault(table, []).append(values)

    def table(self) -> pd.DataFrame:
        """The numbers with all that was found."""
        # all at once: each column that is put into a table on its own costs as much as all of them together
        columns: dict[str, Any] = {name: self.numbers[name] for name in self.numbers.columns}
        return pd.DataFrame({**columns, **self.values, **self.texts}, index=self.numbers.index)
