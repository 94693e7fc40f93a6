"""The numbers of a run that the sections share: which there are, in which order, and beside which baseline."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from qbench.comparisons import CellNames, CellPair
from qbench.data.records import records
from qbench.metrics.interface import INDEX
from qbench.metrics.keys import MetricKey
from qbench.report import formatting
from qbench.report.effect_rows import EffectRow
from qbench.results import Cell, Results
from qbench.results.effects import NAMES
from qbench.results.flags import Flag
from qbench.text import percent
from qbench.vocabulary import Better, MetricRole

FILTERS = ("model", "quantizer", "benchmark", "attribute")
"""What a reader of the page can filter by."""


@dataclass(frozen=True)
class NumberRow:
    """A number of one cell or declared comparison over all classes, with its baseline's if the two can be compared."""

    model: str
    quantizer: str
    benchmark: str
    metric: str
    attribute: str
    group: str
    value: float
    n: int
    baseline_value: float
    change: float
    abs_change: float
    low: float
    high: float
    verdict: str
    state: str  # "baseline", "compared" or "not compared"

    @property
    def names(self) -> CellNames:
        """The names of the cell, or of the comparison."""
        return CellNames(self.model, self.quantizer, self.benchmark)

    @property
    def what(self) -> str:
        """Attribute and group in words."""
        return ": ".join(x for x in (self.attribute, self.group) if x)


@dataclass(frozen=True)
class Measure:
    """A metric of a benchmark, including its cut-off, and how to read it."""

    benchmark: str
    metric: str
    unit: str
    better: str
    summary: str
    role: MetricRole = MetricRole.SUMMARY

    @property
    def signed(self) -> bool:
        """Whether the best value is zero, from either side."""
        return self.better == Better.ZERO

    @property
    def unit_of_change(self) -> str:
        """The unit of its differences."""
        return formatting.unit_of_change(self.unit)

    @property
    def scale(self) -> float:
        """What its values are multiplied by to be shown."""
        return formatting.scale(self.unit)

    @property
    def family(self) -> str:
        """The name without the cut-off."""
        return MetricKey.parse(self.metric).name


class RunNumbers:
    """The numbers over all classes of a run, looked up by benchmark and metric."""

    def __init__(self, results: Results) -> None:
        self.results = results

    @property
    def confidence(self) -> str:
        """The confidence of all intervals on the page, such as "95 %"."""
        return percent(self.results.confidence)

    @property
    def level(self) -> str:
        """The level of its tests, such as "0.05"."""
        return f"{1 - self.results.confidence:.4g}"

    @cached_property
    def rows(self) -> list[NumberRow]:
        """All numbers, in the order of the run, and within it of the benchmark; declared comparisons come last."""
        whole = self.results.metrics[self.results.metrics["class"] == ""]
        effects = self.results.effects
        keys = [*NAMES, *INDEX]
        judged = ["baseline_value", "change", "abs_change", "low", "high", "verdict"]
        wanted = effects.loc[effects["class"] == "", [*keys, *judged, "value", "n"]].assign(state="compared")
        frame = whole.merge(wanted.drop(columns=["value", "n"]), on=keys, how="left")
        labels = {pair.names.quantizer for pair in self.compared.values() if pair.declared}
        declared = wanted[wanted["quantizer"].isin(labels)]
        frame = (pd.concat([frame, declared], ignore_index=True) if len(declared) else frame).drop(columns="class")
        frame["state"] = (
            frame["state"].fillna("not compared").mask(frame["quantizer"] == self.results.baseline, "baseline")
        )
        frame["verdict"] = frame["verdict"].fillna("")
        return [NumberRow(**x) for x in records(frame)]

    @cached_property
    def benchmarks(self) -> list[str]:
        """The benchmarks that have numbers, in the order of the run."""
        return list(dict.fromkeys(c.benchmark for c in self.results.done))

    @cached_property
    def quantizers(self) -> list[str]:
        """The quantizers that have numbers, in the order of the run."""
        return list(dict.fromkeys(c.quantizer for c in self.results.done))

    @cached_property
    def compared(self) -> dict[CellNames, CellPair[Cell]]:
        """What is compared with what, by the name of the comparison."""
        return {pair.names: pair for pair in self.results.pairs}

    @cached_property
    def variants(self) -> list[tuple[str, str]]:
        """Model and quantizer, or label, of each comparison whose variant has numbers, in the order of the run."""
        return list(dict.fromkeys(names[:2] for names, pair in self.compared.items() if pair.variant.done))

    @cached_property
    def _flags(self) -> dict[CellNames, list[Flag]]:
        found: dict[CellNames, list[Flag]] = {}
        for flag in self.results.flags:
            found.setdefault(CellNames(flag.model, flag.quantizer, flag.benchmark), []).append(flag)
        return found

    def flag(self, row: NumberRow) -> str:
        """The words for the first flag that voids the number of a row; empty if none does."""
        pair = self.compared.get(row.names)
        return self._first_flag(row, (pair.of_variant, row.names) if pair else (row.names,))

    def flag_of_baseline(self, row: NumberRow) -> str:
        """The same for the number that it is compared with; of a baseline its own."""
        pair = self.compared.get(row.names)
        return self._first_flag(row, (pair.of_baseline if pair else row.names,))

    def _first_flag(self, row: NumberRow, cells: Iterable[CellNames]) -> str:
        flags = (flag for names in cells for flag in self._flags.get(names, ()))
        return next((f.kind.label for f in flags if f.voids(row.metric, row.attribute, row.group)), "")

    def void(self, row: NumberRow) -> bool:
        """Whether the baseline's number of this row is void, so that the comparison means nothing."""
        return bool(self.flag_of_baseline(row))

    def cell(self, benchmark: str) -> Cell:
        """The first cell of a benchmark, for what is the same in all of them."""
        return next(c for c in self.results.done if c.benchmark == benchmark)

    def measures(self, benchmark: str, *, grouped: bool) -> list[Measure]:
        """The metrics of a benchmark with (or without) groups, in the declared order, the main one first."""
        found = dict.fromkeys(r.metric for r in self.rows if r.benchmark == benchmark and bool(r.attribute) is grouped)
        return self._ordered(benchmark, found)

    def _ordered(self, benchmark: str, metrics: Iterable[str]) -> list[Measure]:
        rank = {metric.name: i for i, metric in enumerate(self.cell(benchmark).metrics)}
        measures = [self.measure(benchmark, metric) for metric in metrics]
        return sorted(measures, key=lambda measure: rank.get(measure.family, len(rank)))

    def measure(self, benchmark: str, metric: str) -> Measure:
        """A metric, and how to read it."""
        info = self.results.metric_info(benchmark, metric)
        if info is None:
            return Measure(benchmark, metric, "", "", "")
        return Measure(benchmark, metric, info.unit, info.better, info.summary, info.judged_as)

    @cached_property
    def questions(self) -> dict[str, list[Measure]]:
        """Benchmark → the metrics by which it is judged, each at its first cut-off: all but the summaries."""
        found: dict[str, list[Measure]] = {}
        for benchmark in self.benchmarks:
            measures = self._ordered(benchmark, dict.fromkeys(r.metric for r in self.rows if r.benchmark == benchmark))
            judged = [m for m in measures if m.role.judged]
            found[benchmark] = list({m.family: m for m in reversed(judged)}.values())[::-1]
        return found

    def of(self, measure: Measure, *, grouped: bool) -> list[NumberRow]:
        """The rows of a metric."""
        same = (r for r in self.rows if (r.benchmark, r.metric) == (measure.benchmark, measure.metric))
        return [r for r in same if bool(r.attribute) is grouped]

    def of_cells(self, measure: Measure, *, grouped: bool) -> list[NumberRow]:
        """The same without those of declared comparisons, whose variants have rows of their own."""
        return [r for r in self.of(measure, grouped=grouped) if not self.declared(r.names)]

    def declared(self, names: CellNames) -> bool:
        """Whether these are the names of a comparison that the spec declares."""
        pair = self.compared.get(names)
        return pair is not None and pair.declared is not None

    def effects_of(self, benchmark: str, metrics: Container[str]) -> list[EffectRow]:
        """The judged changes of some metrics over all classes, in the order of the table of effects."""
        return [r for r in self.judged if r["benchmark"] == benchmark and r["metric"] in metrics]

    @cached_property
    def judged(self) -> list[EffectRow]:
        """The judged changes of all metrics over all classes, in the order of the table of effects."""
        effects = self.results.effects
        return [*records(effects[effects["class"] == ""])]

    def labels(self, benchmark: str) -> dict[str, tuple[str, ...]]:
        """Attribute → the groups that are compared. Items with any other value are unlabelled."""
        return {attribute.name: attribute.groups for attribute in self.cell(benchmark).attributes}

    def pairs(self, benchmark: str) -> set[tuple[str, str]]:
        """``(attribute, label of the pair)`` of the pairs of groups that are compared."""
        return {(a.name, label) for a in self.cell(benchmark).attributes for label in a.group_pairs}

    def repeats(self, benchmark: str) -> dict[str, str]:
        """Attribute that repeats another one with other groups → the attribute that it repeats."""
        return {a.name: a.repeats for a in self.cell(benchmark).attributes if a.repeats}

    def unlabelled(self, benchmark: str, attribute: str, group: str) -> bool:
        """Whether a group is that of unlabelled items. They are few, so their wide intervals would compress a chart."""
        groups = self.labels(benchmark).get(attribute, (group,))
        return bool(group) and group not in groups and (attribute, group) not in self.pairs(benchmark)
