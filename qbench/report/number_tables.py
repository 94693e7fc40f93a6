"""Tables of numbers before and after, which several sections share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from qbench.plugins.report_blocks import Axis, Column, Entry, Table, name, number, tone_of
from qbench.report import formatting, strips
from qbench.report.run_numbers import Measure, NumberRow, RunNumbers
from qbench.vocabulary import Better, Unit

WHY_UNDETERMINED = (
    "Undetermined: these items cannot give the number (there are none or too few of them, or the cut-off takes the "
    "whole gallery)."
)

OPEN_ROWS, MOST_ROWS = 40, 64
"""Above the first number of rows, a table is folded; above the second, the smallest changes are left out."""


def describe(measure: Measure) -> str:
    """What a metric is, and which direction is better."""
    summary = measure.summary.rstrip(".") + "." if measure.summary else ""
    return " ".join(x for x in (summary, Better(measure.better).sentence if measure.better else "") if x)


def who(numbers: RunNumbers, row: NumberRow, before: NumberRow | None) -> list[Entry]:
    """Make the first two cells of a row; the name of a model is faint if it repeats."""
    again = before is not None and before.model == row.model
    if row.state == "compared" and numbers.void(row):
        note = f"baseline {numbers.flag_of_baseline(row)}"
    else:
        note = numbers.flag(row)
    return [
        Entry(row.model, "name", "weak" if again else "", head=True),
        Entry(row.quantizer, "name", note=note, head=True),
    ]


def shown(row_value: float, n: int, measure: Measure) -> Entry:
    """Make the cell of a value; an undetermined one says how many items are behind it."""
    text = formatting.bare(formatting.value(row_value, measure.unit, signed=measure.signed))
    if math.isfinite(row_value):
        return number(text)
    return number(f"{text} ({'no items' if n == 0 else f'n = {n:,}'})", "weak")


def difference(row: NumberRow, measure: Measure) -> Entry:
    """Make the cell of a change, or say why there is none."""
    if row.state != "compared":
        return Entry(row.state, "number", "weak")
    text = formatting.bare(formatting.change(row.change, measure.unit))
    return number(text, tone_of(row.change, text))


def gap(row: NumberRow, measure: Measure) -> Entry:
    """Make the cell for the change of the absolute value of a signed bias, with a word for its direction."""
    if row.state != "compared":
        return number("")
    text = formatting.bare(formatting.change(row.abs_change, measure.unit))
    tone = tone_of(row.abs_change, text)
    word = {"up": " larger", "down": " smaller"}.get(tone, "")
    return number(text + word, tone)


def change_table(
    numbers: RunNumbers, measure: Measure, rows: Sequence[NumberRow], caption: str, *, closed: bool = False
) -> Table:
    """Make a table with one row per change, which is drawn; for signed biases, the line goes from before to after."""
    every = _without_baselines(rows)
    rows = largest(every, MOST_ROWS)
    signed, unit = measure.signed, measure.unit_of_change
    grouped = any(r.attribute for r in rows)
    drawn = [x for r in rows for x in ((r.baseline_value, r.value) if signed else (r.change,)) if r.state == "compared"]
    scale = strips.axis(drawn, scale=measure.scale)
    columns = [Column("Model"), Column("Quantizer"), *([Column("Groups")] if grouped else [])]
    own = unit if measure.unit != Unit.SHARE else ""  # a share is printed with its per cent sign
    columns += [Column(_with(own, "Before"), True), Column(_with(own, "After"), True)]
    columns += [Column(_with(unit, "Before → after" if signed else "Change"), axis=scale)]
    columns += [
        Column(_with(unit, "Change"), True),
        *([Column(_with(unit, "Size of the gap"), True)] if signed else []),
    ]
    columns += [Column(f"{numbers.confidence} interval of the change", True), Column("Verdict"), Column("n", True)]
    body: list[list[Entry]] = []
    before: NumberRow | None = None
    for row in rows:
        values = [shown(x, row.n, measure) for x in (row.baseline_value, row.value)]
        if row.state != "compared":
            values = [values[1], number("")] if row.state == "baseline" else [number(""), values[1]]
        entries = [*who(numbers, row, before), *([name(row.what)] if grouped else [])]
        entries += [*values, _chart(row, measure, scale), difference(row, measure)]
        entries += [gap(row, measure)] if signed else []
        ends = formatting.interval(row.low, row.high, measure.unit) if math.isfinite(row.low) else ""
        body.append([*entries, number(ends), Entry(row.verdict, "word"), number(f"{row.n:,}")])
        before = row
    return Table(
        caption=caption,
        columns=columns,
        rows=body,
        note=_note(describe(measure), any(not math.isfinite(r.value) for r in rows)),
        left_out=len(every) - len(rows),
        left_out_note="those with the smallest changes; `qbench export --table effects` has all",
        closed=closed or len(body) > OPEN_ROWS,
    )


def largest(rows: Sequence[NumberRow], limit: int) -> list[NumberRow]:
    """Select the rows with the largest changes, at most `limit`, in their order."""

    def size(row: NumberRow) -> float:
        return -abs(row.change) if math.isfinite(row.change) else 0.0

    kept = {id(r) for r in sorted(rows, key=size)[:limit]}
    return [r for r in rows if id(r) in kept]


def _without_baselines(rows: Sequence[NumberRow]) -> list[NumberRow]:
    # The rows of these numbers show the value of the baseline, too.
    compared = {(r.model, r.what) for r in rows if r.state == "compared"}
    return [r for r in rows if r.state != "baseline" or (r.model, r.what) not in compared]


def _with(unit: str, title: str) -> str:
    return f"{title}, {unit}" if unit else title


def _note(text: str, undetermined: bool) -> str:
    return " ".join(x for x in (text, WHY_UNDETERMINED if undetermined else "") if x)


def _chart(row: NumberRow, measure: Measure, scale: Axis) -> Entry:
    if row.state != "compared":
        return Entry("", "chart")
    if measure.signed:
        words = " → ".join(formatting.value(x, measure.unit, signed=True) for x in (row.baseline_value, row.value))
        return Entry(words, "chart", strip=strips.strip(scale, row.value, row.baseline_value))
    return Entry(
        f"change {formatting.change(row.change, measure.unit)}", "chart", strip=strips.strip(scale, row.change)
    )


def value_table(
    numbers: RunNumbers, rows: Sequence[NumberRow], columns: Sequence[tuple[str, str]], caption: str
) -> Table:
    """Make a table with one row per cell and one column per metric and group; each value has its change in brackets.

    Parameters
    ----------
    numbers : RunNumbers
        The run.
    rows : sequence of NumberRow
        Of one benchmark.
    columns : sequence of (str, str)
        The columns, as ``(metric, what)``, where `what` is ``"attribute: group"``.
    caption : str
        What it shows.
    """
    by_cell: dict[tuple[str, str], dict[tuple[str, str], NumberRow]] = {}
    for row in rows:
        by_cell.setdefault((row.model, row.quantizer), {})[row.metric, row.what] = row
    body: list[list[Entry]] = []
    before: NumberRow | None = None
    for found in by_cell.values():
        first = next(iter(found.values()))
        body.append([*who(numbers, first, before), *_values(numbers, found, columns)])
        before = first
    by_column: dict[tuple[str, str], list[NumberRow]] = {}
    for row in rows:
        by_column.setdefault((row.metric, row.what), []).append(row)
    several = len({r.metric for r in rows}) > 1
    heads = [Column(_head(numbers, by_column[c], several=several), True) for c in columns]
    undetermined = any(not math.isfinite(r.value) for r in rows)
    measures = dict.fromkeys(numbers.measure(r.benchmark, r.metric) for r in rows)
    note = describe(next(iter(measures))) if len({m.family for m in measures}) == 1 else ""
    units = ", ".join(dict.fromkeys(m.unit_of_change for m in measures if m.unit_of_change))
    change = (
        f"In brackets: the change against {formatting.isolated(numbers.results.baseline)}"
        f"{', or against the baseline of the declared comparison' if numbers.results.declared else ''}"
        f"{units and f', in {units}'}"
        f"{f', and its {numbers.confidence} interval' if any(math.isfinite(r.low) for r in rows) else ''}."
    )
    return Table(
        caption=caption,
        columns=[Column("Model"), Column("Quantizer"), *heads],
        rows=body,
        note=_note(f"{change} {note}".strip(), undetermined),
        closed=True,
    )


def _values(
    numbers: RunNumbers, found: dict[tuple[str, str], NumberRow], columns: Sequence[tuple[str, str]]
) -> Iterator[Entry]:
    for column in columns:
        row = found.get(column)
        if row is None:
            yield number("")
            continue
        measure = numbers.measure(row.benchmark, row.metric)
        entry = shown(row.value, row.n, measure)
        if row.state == "compared" and math.isfinite(row.change):
            text = formatting.bare(formatting.change(row.change, measure.unit))
            ends = f"\n{formatting.interval(row.low, row.high, measure.unit)}" if math.isfinite(row.low) else ""
            yield number(f"{entry.text} ({text}){ends}", tone_of(row.change, text))
        else:
            yield entry


def _head(numbers: RunNumbers, mine: Sequence[NumberRow], *, several: bool) -> str:
    metric, what = mine[0].metric, mine[0].what
    counts = [r.n for r in mine]
    low, high = min(counts), max(counts)
    title = " ".join(x for x in (metric if several or not what else "", what) if x)
    labels = numbers.labels(mine[0].benchmark).get(mine[0].attribute, ())
    group = mine[0].group
    pair = (mine[0].attribute, group) in numbers.pairs(mine[0].benchmark)
    without = " – unlabelled" if group and not pair and group not in labels else ""
    return f"{title}{without} (n = {low:,}{f'–{high:,}' if high != low else ''})"
