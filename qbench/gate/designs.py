"""What a benchmark has before a model is asked: its numbers, its groups, their items, and what it cannot give.

The benchmark's own task provides this. It reads the annotations and measures answers that are all equal. The result
shows which numbers the task makes with its options, and from which items, without a model or an image. The values are
not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.halves import half_of
from qbench.data.items import Attribute, Items
from qbench.data.pairs import GroupPair
from qbench.data.subset import existing, limited
from qbench.errors import InputError, QbenchError
from qbench.execution.plan import PlannedBenchmark, plan_benchmark, plan_model, plan_quantizer
from qbench.execution.prepare import data_root, stored_dataset
from qbench.images.digests import image_digests
from qbench.metrics.interface import INDEX, MetricInfo, Task, Unavailable, unavailable, why_unavailable
from qbench.metrics.keys import declared_names
from qbench.plugins.options import options_dict
from qbench.plugins.registry import installed
from qbench.results import Cell, Results
from qbench.results.statistics import declared_statistics
from qbench.spec.model import HalfSpec, RunSpec
from qbench.store.cache import Cache
from qbench.vocabulary import MetricRole


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
    made : pandas.DataFrame or None
        The names of the numbers that it makes, in the columns of `qbench.metrics.interface.INDEX`; None where that is
        not known.
    unavailable : tuple of Unavailable
        What its data cannot give.
    why : str
        Why `items` is not known; else empty.
    note : str
        In what `items` may differ from those of a run; else empty.
    """

    benchmark: str
    metrics: tuple[MetricInfo, ...]
    attributes: tuple[Attribute, ...] = ()
    items: pd.DataFrame | None = None
    count: int | None = None
    min_group: int = 1
    made: pd.DataFrame | None = None
    unavailable: tuple[Unavailable, ...] = ()
    why: str = ""
    note: str = ""

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """The names of its numbers: those that it makes, else those that follow from what it declares."""
        if self.made is not None:
            return self.made
        names = [(info.name, *place) for info in self.metrics for place in self._places(info)]
        return pd.DataFrame(names, columns=list(INDEX), dtype="str")

    @property
    def measured(self) -> list[MetricInfo]:
        """The metrics that it has numbers of, as far as that is known."""
        made = None if self.made is None else set(declared_names(self.made["metric"]))
        return [info for info in self.metrics if made is None or info.name in made]

    def _places(self, info: MetricInfo) -> Iterator[tuple[str, str, str]]:
        """Attribute, group and class of the numbers that a metric may have."""
        gap = info.judged_as is MetricRole.GAP
        grouped = [(a.name, group) for a in self.attributes for group in (a.group_pairs if gap else a.groups)]
        for class_ in self.classes() if info.classes_only else ("",):
            yield from ((attribute, group, class_) for attribute, group in [("", "")] * (not gap) + grouped)

    def why_unavailable(self, metric: str, attribute: str, group: str, class_: str) -> Unavailable | None:
        """Why its data cannot give a number; None where it can."""
        return why_unavailable(self.unavailable, metric, attribute, group, class_)

    def of_group(self, metric: str, attribute: str, group: str, class_: str) -> int | None:
        """How many items a number of a metric, named without its cut-off, is made of; None where that is not known."""
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
        return {
            label: (first, second)
            for label, first, second in sizes
            if min(first, second) >= self.min_group and not self._lacks(attribute, pair.label, label)
        }

    def _lacks(self, attribute: str, pair: str, class_: str) -> bool:
        """Whether the data cannot give the gap of a single class."""
        of_classes = (info.name for info in self.metrics if info.classes_only and info.judged_as is MetricRole.GAP)
        return any(self.why_unavailable(metric, attribute, pair, class_) for metric in of_classes)


class _Equal:
    """The `Similarity` of answers that are all equal."""

    def __init__(self, items: int, targets: int) -> None:
        self.shape = (items, targets)

    def items(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        return np.zeros((min(stop, self.shape[0]) - start, self.shape[1]))

    def targets(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        return np.zeros((min(stop, self.shape[1]) - start, self.shape[0]))


def designs_of_spec(spec: RunSpec, cache: Cache | None = None) -> list[Design]:
    """The benchmarks of a spec; annotations are read where the data is there, and images only to divide them in halves.

    Raises
    ------
    qbench.errors.InputError
        The spec names something that does not exist.
    """
    cache, base = cache or Cache(), Path(spec.base)
    planned = [plan_benchmark(benchmark, installed(), base) for benchmark in spec.benchmarks]
    return [design_of(one, spec.limit, cache, spec.half) for one in planned]


def labels_of_spec(spec: RunSpec) -> dict[str, tuple[str, ...]]:
    """``model`` and ``quantizer`` → the labels of a spec, of the quantizers without the baseline.

    A kind is left out where one of its plugins cannot be used here, as on a machine that only plans.
    """
    base, found = Path(spec.base), dict[str, tuple[str, ...]]()
    with suppress(InputError):
        found["model"] = tuple(plan_model(model, installed(), base).label for model in spec.models)
    with suppress(InputError):
        labels = (plan_quantizer(quantizer, spec.device, installed(), base).label for quantizer in spec.quantizers)
        found["quantizer"] = tuple(label for label in labels if label != spec.baseline)
    return found


def designs_of_run(results: Results) -> list[Design]:
    """The benchmarks of a run, with the items of its first cell that is done."""
    cells = {cell.benchmark: cell for cell in reversed(results.records) if cell.metrics}
    done = {cell.benchmark: cell for cell in reversed(results.done)}
    return [_of_cell(done.get(label, cell)) for label, cell in reversed(cells.items())]


def design_of(planned: PlannedBenchmark, limit: int | None, cache: Cache, half: HalfSpec | None = None) -> Design:
    """A benchmark with at most `limit` items, or one half of these, as far as its annotations are there."""
    record = planned.entry.record
    task = record.load(planned.options)
    names = getattr(task, "metric_names", [info.name for info in record.metrics])
    known: dict[str, Any] = {
        "benchmark": planned.label,
        "metrics": tuple(info for info in record.metrics if info.name in names),
        "min_group": _min_group(options_dict(planned.options)),
    }
    attributes = tuple(getattr(task, "attributes", ()))
    count = record.items if record.items and limit is None and half is None else None
    if planned.dataset is not None and stored_dataset(planned.dataset, cache).find() is None:
        why = f"{planned.label}: its data is written at the first run"
        return Design(**known, attributes=attributes, why=why)
    try:
        items = task.data(data_root(planned, cache))
        items, known["note"] = _with_images(items, planned)
        items = limited(items, limit)
        if half is not None:
            items = _half(items, half, cache, where=planned.label)
        known["unavailable"] = unavailable(task, items)
        table, made = items.table, None
        if isinstance(task, Task):
            outcome = task.predict(_Equal(len(items), len(task.prompts(items).targets)), items)
            table, made = outcome.items, task.measure(outcome).index
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises concerns its own benchmark only
        said = error.what if isinstance(error, QbenchError) else f"{type(error).__name__}: {error}"
        return Design(**known, attributes=attributes, count=count, why=f"{planned.label}: {said}")
    return Design(**known, attributes=items.attributes, items=table, count=len(table), made=made)


def _with_images(items: Items, planned: PlannedBenchmark) -> tuple[Items, str]:
    """The items whose image is there, and a note where a run would refuse to start without the others.

    Where no image at all is there, the annotations are: all their items are counted.
    """
    there = existing(items.images)[items.table["image_index"].to_numpy()]
    if there.all() or (planned.allow_missing and there.any()):
        return items.take(np.flatnonzero(there)), ""
    lacking = f"{planned.label}: the images of {np.count_nonzero(~there):,} of {len(items):,} items are missing"
    if not there.any():
        return items, f"{lacking}; the items are counted as annotated"
    needed = "a run needs them, unless the spec has allow_missing = true"
    return items.take(np.flatnonzero(there)), f"{lacking} and are not counted; {needed}"


def _half(items: Items, half: HalfSpec, cache: Cache, *, where: str) -> Items:
    """The items of one half, as a run divides them: by the content of the images, or without these by their names.

    The groups are spread evenly over the halves either way, so that names give nearly as many items of each group.
    """
    there = existing(items.images).all()
    digests = image_digests(cache, items.images) if there else [image.where for image in items.images]
    return half_of(items, digests, half.part, half.seed, where=where)[0]


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
    items = cell.table("items")
    return Design(
        **known,
        items=items,
        count=len(items),
        made=cell.numbers()[list(INDEX)],
        unavailable=record.data_info.unavailable,
    )
