"""What a statistic is: how a number is estimated from an outcome, and what can be said of its change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from qbench.data.items import Attribute
    from qbench.metrics.interface import Metrics, Outcome
    from qbench.metrics.keys import MetricKey
    from qbench.statistics.ledger import Comparison, Ledger
    from qbench.statistics.settings import Settings

    Floats = npt.NDArray[np.float64]

Measure: TypeAlias = "Callable[[Outcome, Floats | None], Metrics]"
"""A benchmark's own measure: an outcome and ``(b, n)`` weights of its items, or none → its numbers."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """The name of one number: a row of the tables.

    Attributes
    ----------
    metric : MetricKey
        The metric and, where it has one, its cut-off.
    attribute, group, class_ : str
        What the number is about; empty for all of them. The group of a disparity is the label of a pair of groups.
    """

    metric: MetricKey
    attribute: str = ""
    group: str = ""
    class_: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An outcome and what is known around it: what a statistic estimates a number from.

    Attributes
    ----------
    outcome : Outcome
        What a variant did.
    attributes : mapping
        Name of an attribute → the attribute: its groups, and the pairs that are compared.
    numbers : pandas.DataFrame or None
        The numbers that the benchmark made of the same outcome: columns ``metric, attribute, group, class, value``. For
        numbers that are made of other numbers, such as a mean over those classes for which a disparity is determined.
    statistics : mapping
        Name of a metric → the statistic that it declares.
    weights : numpy.ndarray or None
        ``(n,)`` float, the weights of the items: a weight of 2 counts an item twice, 0 leaves it out. All ones if None.
    """

    outcome: Outcome
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    numbers: pd.DataFrame | None = None
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    weights: Floats | None = None


class Statistic(Protocol):
    """One way to make numbers of outcomes, and everything that is known of their changes.

    Made by the ``make`` of a `qbench.plugins.records.StatisticKind`, with the options that a metric declares. What an
    effects table is asked for (`bounds`, `test`, `power`) must follow from the table's columns alone and not from the
    options: a gate asks years later, of rows of several metrics together.

    Subclass `qbench.statistics.standard_error.StandardErrorStatistic` where a change has a standard error and a normal
    or t interval: `estimate` and `judge` are then all that is left to write.
    """

    @property
    def where(self) -> Mapping[str, str]:
        """Columns of the items and the value that they have in the rows that count; empty where all rows count."""
        ...

    def estimate(self, measured: Measured, number: Number) -> float:
        """The number, made from a stored outcome.

        Returns
        -------
        float
            NaN where the number is undetermined, or where this statistic cannot make it.
        """
        ...

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """Fill in what is known of the changes of one metric, for all its rows of one comparison.

        Writes into `ledger`, for each row: ``method`` (a word for how the interval is made; without one there is no
        interval), what `bounds` needs, ``null`` (what the p-value tests), ``p`` and ``log10_p`` where `test` does not
        give them, and ``sum_se``, the standard error of before + after, where the number has a sign. Where nothing can
        be said: ``why``. ``sample_size`` is the number of items of the number's group (of both groups of its pair) and
        class, unless the statistic puts another: that of the whole gallery, for a number of a ranking. ``cutoff`` is
        the k of a number of the first k of a ranking, whose error does not fall with more items unless k grows with
        them. For numbers over all classes also the influence of each image, which populations need.

        Parameters
        ----------
        metric : str
            As in the table: with its cut-off.
        comparison : Comparison
            A variant and its baseline.
        ledger : Ledger
            The rows of this comparison and the columns to fill in.
        settings : Settings
            Confidence, draws and their seed.
        """
        ...

    def bounds(self, effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
        """Two-sided intervals of ``change``.

        Parameters
        ----------
        effects : pandas.DataFrame
            Rows of an effects table that this statistic judged and gave a ``method``.
        confidence : numpy.ndarray
            Between 0 and 1: of shape ``()``, or ``(rows,)`` with one for each row. Intervals are nested in it.

        Returns
        -------
        low, high : numpy.ndarray
            ``(rows,)`` float64, in the unit of the change; NaN where there is no interval.
        """
        ...

    def test(self, effects: pd.DataFrame) -> tuple[Floats, Floats]:
        """p-values of the null hypothesis that ``null`` names, for rows that `judge` gave none.

        Parameters
        ----------
        effects : pandas.DataFrame
            As for `bounds`.

        Returns
        -------
        p, log10_p : numpy.ndarray
            ``(rows,)`` float64, two-sided; NaN where there is no test.
        """
        ...

    def power(self, effects: pd.DataFrame, settings: Settings) -> tuple[Floats, Floats]:
        """What could have been detected, and how many items would be needed; never from the change that was observed.

        Parameters
        ----------
        effects : pandas.DataFrame
            As for `bounds`, with the column ``margin``.
        settings : Settings
            Confidence.

        Returns
        -------
        mde, needed : numpy.ndarray
            ``(rows,)`` float64: the smallest change found in 80 % of all runs (minimum detectable effect), and the
            items with which equivalence at the margin is shown in 80 % of all runs if nothing changed. NaN where
            unknown.
        """
        ...
