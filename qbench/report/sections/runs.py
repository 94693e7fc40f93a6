"""Several runs side by side: the same numbers in each, and whether they may be compared at all."""

from __future__ import annotations

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Box, Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.context import Context
from qbench.results import Results
from qbench.results.comparable import why_not_comparable

ROWS = 200
Key = tuple[str, str, str, str, str, str]
KEYS = ("model", "quantizer", "benchmark", "metric", "attribute", "group")


def section(context: Context) -> Section:
    """Make a table with one column per run, and boxes that say which runs are comparable."""
    title = "Other runs"
    if not context.others:
        return Section(
            "runs",
            title,
            [Text("No other run was given: `qbench report RUN RUN2` shows runs side by side.", absent=True)],
        )
    first = context.numbers.results
    blocks: list[Block] = [
        Text("The main numbers over all classes. A difference between runs has no interval here and is not a verdict.")
    ]
    for other in context.others:
        notes = _notes(first, other)
        blocks += [Box("Not comparable", text, "warning") for text in notes]
        if not notes:
            blocks.append(
                Box(
                    "Comparable",
                    f"{formatting.isolated(other.name)} has the same items and rules as this run in "
                    f"{_shared(first, other):,} of its {formatting.count(len(other.done), 'cell')}.",
                    "note",
                )
            )
    return Section("runs", title, [*blocks, _table(context)])


def _shared(first: Results, other: Results) -> int:
    """Count the cells that both runs have."""
    mine = {tuple(c.names.values()) for c in first.done}
    return sum(tuple(c.names.values()) in mine for c in other.done)


def _notes(first: Results, other: Results) -> list[str]:
    mine = {tuple(c.names.values()): c for c in first.done}
    found: dict[str, list[str]] = {}
    if not _shared(first, other):
        return [f"{formatting.isolated(other.name)}: no model × quantizer × benchmark of it is in this run."]
    for cell in other.done:
        counterpart = mine.get(tuple(cell.names.values()))
        reason = why_not_comparable(cell, counterpart) if counterpart is not None else ""
        if reason:
            found.setdefault(reason.replace("the baseline", "this run"), []).append(
                " × ".join(formatting.isolated(x) for x in cell.names.values())
            )
    return [
        f"{formatting.isolated(other.name)}, {formatting.listing(cells, 3, bare=True)}: {reason}."
        for reason, cells in found.items()
    ]


def _table(context: Context) -> Table:
    runs = [context.numbers.results, *context.others]
    main = {
        (b, m.metric)
        for b in context.numbers.benchmarks
        for g in (False, True)
        for m in context.numbers.measures(b, grouped=g)[:1]
    }
    values: list[dict[Key, float]] = []
    for run in runs:
        whole = run.metrics[run.metrics["class"] == ""]
        found: dict[Key, float] = {}
        for x in records(whole):
            if (x["benchmark"], x["metric"]) in main:
                model, quantizer, benchmark, metric, attribute, group = (str(x[k]) for k in KEYS)
                found[model, quantizer, benchmark, metric, attribute, group] = float(x["value"])
        values.append(found)
    keys = list(dict.fromkeys(k for v in values for k in v))
    body: list[list[Entry]] = []
    for key in keys[:ROWS]:
        model, quantizer, benchmark, metric, attribute, group = key
        measure = context.numbers.measure(benchmark, metric)
        shown = [
            formatting.value(v[key], measure.unit, signed=measure.signed) if key in v else "not in this run"
            for v in values
        ]
        names = [name(model, head=True), name(quantizer, head=True), name(f"{metric} on {benchmark}")]
        body.append([*names, name(": ".join(x for x in (attribute, group) if x) or "all"), *(number(x) for x in shown)])
    heads = [f"{formatting.isolated(r.name)} ({i})" for i, r in enumerate(runs, 1)]
    return Table(
        caption="The main numbers of each run",
        columns=[*(Column(h) for h in ("Model", "Quantizer", "Number", "Groups")), *(Column(h, True) for h in heads)],
        rows=body,
        left_out=max(0, len(keys) - ROWS),
        left_out_note="`qbench export` has all",
        closed=len(keys) > 40,
    )
