"""What is found out about each number of one comparison, filled in by the modules that know how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.metrics.interface import Outcome, Statistic
from qbench.stats.ndkl import NdklLevels

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

FLOATS = ["se", "df", "low", "high", "eq_low", "eq_high", "p", "log10_p", "sum_se", "items"]
COUNTS = ["n1", "gain1", "loss1", "deff1", "n2", "gain2", "loss2", "deff2", "rho"]
TEXTS = ["method", "null", "why"]


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
        Metric (its cut-off aside) → how it is made.
    attributes : mapping
        Attribute → its groups, in the benchmark's order.
    pairs : mapping
        ``(attribute, "first-second")`` → the two groups of a disparity.
    of_baseline : dict
        What was computed of the baseline alone; comparisons with the same baseline share it.
    """

    names: Mapping[str, str]
    before: Outcome
    after: Outcome
    statistics: Mapping[str, Statistic]
    attributes: Mapping[str, tuple[str, ...]]
    pairs: Mapping[tuple[str, str], tuple[str, str]]
    of_baseline: dict[tuple[str, str], NdklLevels] = field(default_factory=dict)

    @cached_property
    def image(self) -> Rows:
        """``(n,)`` int, the image of each item: what is drawn as one."""
        items = self.before.items
        return pd.factorize(items["image" if "image" in items else "item"])[0].astype(np.int64)


@dataclass
class Ledger:
    """Columns beside the numbers of one comparison.

    Attributes
    ----------
    numbers : pandas.DataFrame
        Rows of `qbench.results.effects.pair`, with a fresh index.
    values, texts : dict
        Column → ``(rows,)``; NaN and empty until somebody knows better.
    influence : dict
        Row → ``(images,)`` float: what each image adds to the change. Kept for numbers over all classes only: they
        are what a population of checkpoints is judged by.
    """

    numbers: pd.DataFrame
    values: dict[str, Floats] = field(init=False)
    texts: dict[str, npt.NDArray[np.object_]] = field(init=False)
    influence: dict[int, Floats] = field(default_factory=dict)
    _columns: dict[str, npt.NDArray[np.object_]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        n = len(self.numbers)
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

    def table(self) -> pd.DataFrame:
        """The numbers with all that was found."""
        return self.numbers.assign(**self.values, **self.texts)
