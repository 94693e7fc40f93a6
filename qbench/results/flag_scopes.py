"""Which numbers of a benchmark are made of which answers, so that a flag voids those and no others.

A chance entry of a benchmark's facts is about the items that meet its condition (``where``), and speaks for the metrics
that are made of their answers: those that it names (``metrics``), else those whose name or condition is the entry's
own, else, where it has no condition, all of them. A condition on an attribute of the items, such as ``{"gender":
"female"}``, covers the numbers of that group and the pairs with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from qbench.data.items import Attribute
from qbench.metrics.interface import MetricInfo
from qbench.metrics.keys import MetricKey
from qbench.runfolder.schema import CellRecord, Chance

Groups = Mapping[str, Collection[str]]
"""Attribute → groups, and labels of pairs with them; empty for every number."""


@dataclass(frozen=True)
class Scope:
    """Some of the numbers of a benchmark.

    Attributes
    ----------
    metrics : mapping
        Metric without its cut-off → the groups whose numbers are meant; an empty mapping means all of its numbers.
    """

    metrics: Mapping[str, Groups] = field(default_factory=dict)

    def covers(self, metric: str, attribute: str = "", group: str = "") -> bool:
        """Whether a number, named as in the tables, is one of these.

        Examples
        --------
        >>> scope = Scope({"race_accuracy": {}, "accuracy": {"gender": ["female"]}})
        >>> scope.covers("race_accuracy", "age", "20-29"), scope.covers("accuracy"), scope.covers("gender_accuracy")
        (True, False, False)
        """
        groups = self.metrics.get(MetricKey.parse(metric).name)
        return groups is not None and (not groups or group in groups.get(attribute, ()))

    def words(self, declared: Iterable[MetricInfo]) -> str:
        """What it is, for a sentence about a model: "its numbers on this benchmark", or "its" metrics by name."""
        if not any(self.metrics.values()) and {m.name for m in declared} <= set(self.metrics):
            return "its numbers on this benchmark"
        named = [
            f"{metric} ({', '.join(f'{a}: {g}' for a, gs in groups.items() for g in gs)})" if groups else metric
            for metric, groups in self.metrics.items()
        ]
        first = ", ".join(named[:-1])
        return f"its {first} and {named[-1]}" if first else f"its {named[-1]}"


def every_number(record: CellRecord) -> Scope:
    """All numbers of a cell's benchmark."""
    return Scope({metric.name: {} for metric in record.benchmark_info.metrics})


def scope_of(chance: Chance, record: CellRecord) -> Scope:
    """The numbers of a cell that are made of the answers which a chance entry is about.

    Where nothing says which they are, they are all of them: a flag that voids nothing would hide what it found.
    """
    attributes = {a.name: a for a in record.benchmark_info.attributes}
    covered = {
        metric.name: groups
        for metric in record.benchmark_info.metrics
        if (groups := _groups(chance, metric, attributes)) is not None
    }
    return Scope(covered) if covered else every_number(record)


def _groups(chance: Chance, metric: MetricInfo, attributes: Mapping[str, Attribute]) -> Groups | None:
    """The groups of a metric that a chance entry speaks for; `None` where it does not speak for the metric."""
    named = metric.name in chance.metrics
    if chance.metrics and not named:
        return None
    own = metric.statistic.options.get("where", {}) if metric.statistic else {}
    open_ = [column for column in chance.where if own.get(column) not in chance.holds_for(column)]
    if any(column not in attributes for column in open_):
        if not named and metric.name != MetricKey.parse(chance.name).name:
            return None
        open_ = [column for column in open_ if column in attributes]
    if len(open_) > 1:
        return None  # a number has one attribute, so none is made of such items alone
    return {name: _with_pairs(attributes[name], chance.holds_for(name)) for name in open_}


def _with_pairs(attribute: Attribute, groups: Collection[str]) -> list[str]:
    pairs = [label for label, pair in attribute.group_pairs.items() if {pair.first, pair.second} & set(groups)]
    return [*groups, *pairs]
