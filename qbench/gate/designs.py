"""What a benchmark has before anything is computed: its metrics, its groups, and how many items each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from qbench.data.items import Attribute
from qbench.data.pairs import GroupPair
from qbench.data.subset import limited
from qbench.errors import QbenchError
from qbench.execution.plan import PlannedBenchmark, plan_benchmark
from qbench.execution.prepare import data_root, stored_dataset
from qbench.metrics.interface import INDEX, MetricInfo
from qbench.metrics.keys import MetricKey
from qbench.plugins.options import options_dict
from qbench.plugins.registry import installed
from qbench.results import Cell, Results
from qbench.results.statistics import declared_statistics
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache


@dataclass(frozen=True, kw_only=True)
class Design:
    """A benchmark as far as it is known before its answers are.

    Attributes
    ----------
    benchmark : str
        Its label; empty where a policy alone is looked at.
    metrics : tuple of MetricInfo
        What it measures.
    attributes : tuple of Attribute
        The groupings of its items.
    items : pandas.DataFrame or None
        A row per item with the columns ``label`` and one per attribute; None where the data is not there.
    count : int or None
        How many items it has; None where that is not known.
    min_group : int
        Fewest items of a class that both groups of a pair need to be compared: the option of that name.
    numbers : frozenset of (str, str, str, str) or None
        Metric (with its cut-off), attribute, group and class of each number, where a run says it.
    cutoffs : mapping
        Name of a metric → its first cut-off, where a run says it.
    why : str
        Why `items` is not known; else empty.
    """

    benchmark: str
    metrics: tuple[MetricInfo, ...]
    attributes: tuple[Attribute, ...] = ()
    items: pd.DataFrame | None = None
    count: int | None = None
    min_group: int = 1
    numbers: frozenset[tuple[str, ...]] | None = None
    cutoffs: Mapping[str, int] = field(default_factory=dict)
    why: str = ""

    def named(self, metric: str) -> str:
        """The metric's name with its first cut-off, where that is known."""
        return str(MetricKey(metric, self.cutoffs.get(metric)))

    def has(self, metric: str, attribute: str, group: str, class_: str) -> bool:
        """Whether there is such a number, as far as that is known."""
        return self.numbers is None or (self.named(metric), attribute, group, class_) in self.numbers

    def of_group(self, metric: str, attribute: str, group: str, class_: str) -> int | None:
        """How many items a number of a metric is made of; None where that is not known."""
        wanted = {**self._where(metric), attribute: group, "label" if class_ else "": class_}
        wanted.pop("", None)
        if not wanted:
            return self.count
        if self.items is None or not set(wanted) <= set(self.items):
            return None
        keep = np.logical_and.reduce([self.items[name].astype(str) == value for name, value in wanted.items()])
        return int(np.count_nonzero(keep))

    def _where(self, metric: str) -> Mapping[str, str]:
        declared = declared_statistics((info.name, info.statistic) for info in self.metrics if info.name == metric)
        return declared.made[metric].where if metric in declared.made else {}

    def classes(self) -> tuple[str, ...]:
        """The classes of its items."""
        if self.items is None:
            return ()
        return tuple(str(name) for name in sorted(set(self.items["label"].astype(str))) if name)

    def by_class(self, attribute: str, pair: GroupPair) -> dict[str, tuple[int, int]]:
        """Items of both groups of a pair in each class in which they are compared."""
        if self.items is None or attribute not in self.items:
            return {}
        counts = pd.crosstab(self.items["label"].astype(str), self.items[attribute].astype(str))
        sizes = counts.reindex(columns=[pair.first, pair.second], fill_value=0).itertuples(name=None)
        return {label: (first, second) for label, first, second in sizes if min(first, second) >= self.min_group}


def designs_of_spec(spec: RunSpec, cache: Cache | None = None) -> list[Design]:
    """The benchmarks of a spec; annotations are read where the data is there, and nothing else.

    Raises
    ------
    qbench.errors.InputError
        The spec names something that does not exist.
    """
    cache = cache or Cache()
    return [_planned(plan_benchmark(b, installed()), spec.limit, cache) for b in spec.benchmarks]


def designs_of_run(results: Results) -> list[Design]:
    """The benchmarks of a run, with the items of its first cell that is done."""
    cells = {cell.benchmark: cell for cell in reversed(results.records) if cell.metrics}
    done = {cell.benchmark: cell for cell in reversed(results.done)}
    return [_of_cell(done.get(label, cell)) for label, cell in reversed(cells.items())]


def _planned(planned: PlannedBenchmark, limit: int | None, cache: Cache) -> Design:
    record, options = planned.entry.record, options_dict(planned.options)
    known: dict[str, Any] = {"benchmark": planned.label, "metrics": record.metrics}
    known["min_group"] = _min_group(options)
    task = record.load(planned.options)
    attributes = tuple(getattr(task, "attributes", ()))
    count = record.items if record.items and limit is None else None
    if planned.dataset is not None and stored_dataset(planned.dataset, cache).find() is None:
        why = f"{planned.label}: its data is written at the first run"
        return Design(**known, attributes=attributes, why=why)
    try:
        items = limited(task.data(data_root(planned, cache)), limit)
    except QbenchError as error:
        why = f"{planned.label}: {error.what}"
        return Design(**known, attributes=attributes, count=count, why=why)
    return Design(**known, attributes=items.attributes, items=items.table, count=len(items))


def _min_group(options: Mapping[str, Any]) -> int:
    """The option of that name; 1 where there is none, or where it is left to the ``dataset.toml`` (None or 0)."""
    return max(int(options.get("min_group") or 1), 1)


def _of_cell(cell: Cell) -> Design:
    record = cell.record
    info = record.benchmark_info
    known: dict[str, Any] = {"benchmark": cell.benchmark, "metrics": info.metrics, "attributes": info.attributes}
    known["min_group"] = _min_group(info.options)
    if not cell.done:
        return Design(**known, why=f"{cell.benchmark}: no cell of it is done")
    cutoffs: dict[str, int] = {}
    numbers = cell.numbers()[list(INDEX)]
    for name in dict.fromkeys(numbers["metric"]):
        key = MetricKey.parse(str(name))
        if key.cutoff is not None:
            cutoffs.setdefault(key.name, key.cutoff)
    items = cell.table("items")
    there = frozenset(numbers.itertuples(index=False, name=None))
    return Design(**known, items=items, count=len(items), numbers=there, cutoffs=cutoffs)
