"""What the sections share: which numbers there are, in which order, beside which baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from qbench.metrics.interface import INDEX
from qbench.plugins.report_blocks import Axis, Column, Entry, Table, name, number, tone_of
from qbench.report import charts, numbers
from qbench.results import Cell, Results
from qbench.results.effects import NAMES

DIRECTION = {"higher": "Higher is better.", "lower": "Lower is better.", "zero": "Zero is no difference."}
WHY_UNDETERMINED = (
    "Undetermined: the benchmark cannot tell it from these items (none or too few of them, or a cut-off that takes "
    "the whole gallery)."
)
OPEN_ROWS, MOST_ROWS = 40, 64
"""Of a table: where it has more it is folded; where it has many more, the smallest changes are in the export only."""


@dataclass(frozen=True)
class Row:
    """A number of one cell over all classes, and its baseline's where they can be compared."""

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
    def what(self) -> str:
        """Attribute and group in words."""
        return ": ".join(x for x in (self.attribute, self.group) if x)


@dataclass(frozen=True)
class Measure:
    """A metric of a benchmark, its cut-off included, and how to read it."""

    benchmark: str
    metric: str
    unit: str
    better: str
    summary: str

    @property
    def signed(self) -> bool:
        """Whether zero is what to reach, from either side."""
        return self.better == "zero"

    @property
    def unit_of_change(self) -> str:
        """What its differences are given in."""
        return "points" if self.unit in ("share", "points") else self.unit

    @property
    def family(self) -> str:
        """Its name without the cut-off."""
        return self.metric.partition("@")[0]


class Comparison:
    """The numbers over all classes of a run, looked up by benchmark and metric."""

    def __init__(self, results: Results) -> None:
        self.results = results

    @cached_property
    def rows(self) -> list[Row]:
        """In the order of the run, and of the benchmark within it."""
        whole = self.results.metrics[self.results.metrics["class"] == ""]
        effects = self.results.effects
        keys = [*NAMES, *INDEX]
        judged = ["baseline_value", "change", "abs_change", "low", "high", "verdict"]
        wanted = effects.loc[effects["class"] == "", [*keys, *judged]]
        frame = whole.merge(wanted.assign(state="compared"), on=keys, how="left").drop(columns="class")
        frame["state"] = (
            frame["state"].fillna("not compared").mask(frame["quantizer"] == self.results.baseline, "baseline")
        )
        frame["verdict"] = frame["verdict"].fillna("")
        return [Row(**{str(k): v for k, v in x.items()}) for x in frame.to_dict("records")]

    @cached_property
    def benchmarks(self) -> list[str]:
        """With numbers, in the order of the run."""
        return list(dict.fromkeys(c.benchmark for c in self.results.done))

    @cached_property
    def quantizers(self) -> list[str]:
        """With numbers, in the order of the run."""
        return list(dict.fromkeys(c.quantizer for c in self.results.done))

    @cached_property
    def guesses(self) -> set[tuple[str, str, str]]:
        """Cells whose answers cannot be told from guessing."""
        found = [f for f in self.results.flags if f.kind != "unchecked"]
        return {(f.model, f.quantizer, f.benchmark) for f in found}

    def void(self, row: Row) -> bool:
        """Whether the baseline of this row guesses, so that its comparison means nothing."""
        return (row.model, self.results.baseline, row.benchmark) in self.guesses

    def cell(self, benchmark: str) -> Cell:
        """The first cell of a benchmark: stands for what is the same in all."""
        return next(c for c in self.results.done if c.benchmark == benchmark)

    def measures(self, benchmark: str, *, grouped: bool) -> list[Measure]:
        """The metrics of a benchmark that are (not) about an attribute: as declared, the main one first."""
        found = dict.fromkeys(r.metric for r in self.rows if r.benchmark == benchmark and bool(r.attribute) is grouped)
        declared = [str(x.get("name")) for x in self.cell(benchmark).part("benchmark_info").get("metrics") or []]
        rank = {family: i for i, family in enumerate(declared)}
        ordered = sorted(found, key=lambda m: rank.get(m.partition("@")[0], len(rank)))
        return [self.measure(benchmark, m) for m in ordered]

    def measure(self, benchmark: str, metric: str) -> Measure:
        """How to read a metric."""
        info = self.results.metric_info(benchmark, metric)
        unit, better, summary = (str(info.get(k) or "") for k in ("unit", "better", "summary"))
        return Measure(benchmark, metric, unit, better, summary)

    def of(self, measure: Measure, *, grouped: bool) -> list[Row]:
        """The rows of a metric."""
        same = (r for r in self.rows if (r.benchmark, r.metric) == (measure.benchmark, measure.metric))
        return [r for r in same if bool(r.attribute) is grouped]

    def labels(self, benchmark: str) -> dict[str, tuple[str, ...]]:
        """Attribute → the groups that are compared. Any other value of an attribute is an item without a label."""
        attributes = self.cell(benchmark).part("benchmark_info").get("attributes") or []
        return {str(a.get("name")): tuple(str(g) for g in a.get("groups") or ()) for a in attributes}

    def pairs(self, benchmark: str) -> set[tuple[str, str]]:
        """``(attribute, "first-second")`` of the disparities that are measured."""
        attributes = self.cell(benchmark).part("benchmark_info").get("attributes") or []
        return {(str(a.get("name")), "-".join(map(str, p))) for a in attributes for p in a.get("pairs") or ()}

    def unlabelled(self, benchmark: str, attribute: str, group: str) -> bool:
        """Whether a group is that of items without a label: few, so that their intervals would squeeze a chart."""
        groups = self.labels(benchmark).get(attribute, (group,))
        return bool(group) and group not in groups and (attribute, group) not in self.pairs(benchmark)


def describe(measure: Measure) -> str:
    """What a metric is and which way is better."""
    summary = measure.summary.rstrip(".") + "." if measure.summary else ""
    return " ".join(x for x in (summary, DIRECTION.get(measure.better, "")) if x)


def who(comparison: Comparison, row: Row, before: Row | None) -> list[Entry]:
    """The first two cells of a row; a model's name is faint where it repeats."""
    again = before is not None and before.model == row.model
    if row.state == "compared" and comparison.void(row):
        note = "baseline guesses"
    else:
        note = "guesses" if (row.model, row.quantizer, row.benchmark) in comparison.guesses else ""
    return [
        Entry(row.model, "name", "weak" if again else "", head=True),
        Entry(row.quantizer, "name", note=note, head=True),
    ]


def shown(row_value: float, n: int, measure: Measure) -> Entry:
    """A value; where it is undetermined, with the number behind it."""
    text = numbers.bare(numbers.value(row_value, measure.unit, signed=measure.signed))
    if math.isfinite(row_value):
        return number(text)
    return number(f"{text} ({'no items' if n == 0 else f'n = {n:,}'})", "weak")


def difference(row: Row, measure: Measure) -> Entry:
    """A change, or why there is none."""
    if row.state != "compared":
        return Entry(row.state, "number", "weak")
    text = numbers.bare(numbers.change(row.change, measure.unit))
    return number(text, tone_of(row.change, text))


def gap(row: Row, measure: Measure) -> Entry:
    """The change of a signed bias's absolute value, with a word for its direction."""
    if row.state != "compared":
        return number("")
    text = numbers.bare(numbers.change(row.abs_change, measure.unit))
    tone = tone_of(row.abs_change, text)
    word = {"up": " larger", "down": " smaller"}.get(tone, "")
    return number(text + word, tone)


def forest(
    comparison: Comparison, measure: Measure, rows: Sequence[Row], caption: str, *, closed: bool = False
) -> Table:
    """A row a comparison with its change drawn; for signed biases the way from before to after."""
    every = _without_baselines(rows)
    rows = largest(every, MOST_ROWS)
    signed, unit = measure.signed, measure.unit_of_change
    grouped = any(r.attribute for r in rows)
    drawn = [x for r in rows for x in ((r.baseline_value, r.value) if signed else (r.change,)) if r.state == "compared"]
    scale = charts.axis(drawn, scale=100.0 if unit == "points" else 1.0)
    columns = [Column("Model"), Column("Quantizer"), *([Column("Groups")] if grouped else [])]
    own = unit if measure.unit != "share" else ""  # shares carry their sign of per cent
    columns += [Column(_with(own, "Before"), True), Column(_with(own, "After"), True)]
    columns += [Column(_with(unit, "Before → after" if signed else "Change"), axis=scale)]
    columns += [
        Column(_with(unit, "Change"), True),
        *([Column(_with(unit, "Size of the gap"), True)] if signed else []),
    ]
    columns += [Column("95 % interval of the change", True), Column("Verdict"), Column("n", True)]
    body: list[list[Entry]] = []
    before: Row | None = None
    for row in rows:
        values = [shown(x, row.n, measure) for x in (row.baseline_value, row.value)]
        if row.state != "compared":
            values = [values[1], number("")] if row.state == "baseline" else [number(""), values[1]]
        entries = [*who(comparison, row, before), *([name(row.what)] if grouped else [])]
        entries += [*values, _chart(row, measure, scale), difference(row, measure)]
        entries += [gap(row, measure)] if signed else []
        ends = numbers.interval(row.low, row.high, measure.unit) if math.isfinite(row.low) else ""
        body.append([*entries, number(ends), Entry(row.verdict, "word"), number(f"{row.n:,}")])
        before = row
    return Table(
        caption=caption,
        columns=columns,
        rows=body,
        note=_note(describe(measure), any(not math.isfinite(r.value) for r in rows)),
        left_out=len(every) - len(rows),
        left_out_note="those that changed least; all are in `qbench export --table effects`",
        closed=closed or len(body) > OPEN_ROWS,
    )


def largest(rows: Sequence[Row], limit: int) -> list[Row]:
    """As many rows as are wanted, those that changed most, in the order that they had."""

    def size(row: Row) -> float:
        return -abs(row.change) if math.isfinite(row.change) else 0.0

    kept = {id(r) for r in sorted(rows, key=size)[:limit]}
    return [r for r in rows if id(r) in kept]


def _without_baselines(rows: Sequence[Row]) -> list[Row]:
    compared = {
        (r.model, r.what) for r in rows if r.state == "compared"
    }  # these show their baseline's value themselves
    return [r for r in rows if r.state != "baseline" or (r.model, r.what) not in compared]


def _with(unit: str, title: str) -> str:
    return f"{title}, {unit}" if unit else title


def _note(text: str, undetermined: bool) -> str:
    return " ".join(x for x in (text, WHY_UNDETERMINED if undetermined else "") if x)


def _chart(row: Row, measure: Measure, scale: Axis) -> Entry:
    if row.state != "compared":
        return Entry("", "chart")
    if measure.signed:
        words = " → ".join(numbers.value(x, measure.unit, signed=True) for x in (row.baseline_value, row.value))
        return Entry(words, "chart", strip=charts.strip(scale, row.value, row.baseline_value))
    return Entry(f"change {numbers.change(row.change, measure.unit)}", "chart", strip=charts.strip(scale, row.change))


def pivot(comparison: Comparison, rows: Sequence[Row], columns: Sequence[tuple[str, str]], caption: str) -> Table:
    """A row a cell, a column a ``(metric, "attribute: group")``; each value with its change.

    Parameters
    ----------
    comparison : Comparison
        The run.
    rows : sequence of Row
        Of one benchmark.
    columns : sequence of (str, str)
        The columns, as ``(metric, what)``.
    caption : str
        What it shows.
    """
    by_cell: dict[tuple[str, str], dict[tuple[str, str], Row]] = {}
    for row in rows:
        by_cell.setdefault((row.model, row.quantizer), {})[row.metric, row.what] = row
    body: list[list[Entry]] = []
    before: Row | None = None
    for found in by_cell.values():
        first = next(iter(found.values()))
        body.append([*who(comparison, first, before), *_values(comparison, found, columns)])
        before = first
    by_column: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_column.setdefault((row.metric, row.what), []).append(row)
    several = len({r.metric for r in rows}) > 1
    heads = [Column(_head(comparison, by_column[c], several=several), True) for c in columns]
    undetermined = any(not math.isfinite(r.value) for r in rows)
    measures = dict.fromkeys(comparison.measure(r.benchmark, r.metric) for r in rows)
    note = describe(next(iter(measures))) if len({m.family for m in measures}) == 1 else ""
    units = ", ".join(dict.fromkeys(m.unit_of_change for m in measures if m.unit_of_change))
    change = (
        f"In brackets: the change against {numbers.isolated(comparison.results.baseline)}{units and f', in {units}'}"
        f"{', and its 95 % interval' if any(math.isfinite(r.low) for r in rows) else ''}."
    )
    return Table(
        caption=caption,
        columns=[Column("Model"), Column("Quantizer"), *heads],
        rows=body,
        note=_note(f"{change} {note}".strip(), undetermined),
        closed=True,
    )


def _values(
    comparison: Comparison, found: dict[tuple[str, str], Row], columns: Sequence[tuple[str, str]]
) -> Iterator[Entry]:
    for column in columns:
        row = found.get(column)
        if row is None:
            yield number("")
            continue
        measure = comparison.measure(row.benchmark, row.metric)
        entry = shown(row.value, row.n, measure)
        if row.state == "compared" and math.isfinite(row.change):
            text = numbers.bare(numbers.change(row.change, measure.unit))
            ends = f"\n{numbers.interval(row.low, row.high, measure.unit)}" if math.isfinite(row.low) else ""
            yield number(f"{entry.text} ({text}){ends}", tone_of(row.change, text))
        else:
            yield entry


def _head(comparison: Comparison, mine: Sequence[Row], *, several: bool) -> str:
    metric, what = mine[0].metric, mine[0].what
    counts = [r.n for r in mine]
    low, high = min(counts), max(counts)
    title = " ".join(x for x in (metric if several or not what else "", what) if x)
    labels = comparison.labels(mine[0].benchmark).get(mine[0].attribute, ())
    group = mine[0].group
    pair = (mine[0].attribute, group) in comparison.pairs(mine[0].benchmark)
    without = " – no label to compare" if group and not pair and group not in labels else ""
    return f"{title}{without} (n = {low:,}{f'–{high:,}' if high != low else ''})"
