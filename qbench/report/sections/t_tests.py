"""The study's paired t-tests, in both readings."""

from __future__ import annotations

import pandas as pd

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Column, Heading, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.stats.paired import OVER, WITHIN
from qbench.text import percent, sentence

ROWS = 60
EXPLAINED = {
    OVER: (
        "Over checkpoints: one difference per checkpoint, for one quantizer and one number. There are few pairs, so "
        "the power is low; and checkpoints that saw the same images are not independent, so p is too small."
    ),
    WITHIN: (
        "Within a checkpoint: one difference per class (or query) of one quantized checkpoint. This asks whether "
        "its classes move together, and says nothing about other checkpoints."
    ),
}


def section(numbers: RunNumbers) -> Section:
    """Make tables for both readings, the strongest evidence first; tests that could not be made are counted."""
    tests = numbers.results.tests
    blocks: list[Block] = [
        Text(
            f"A paired t-test with p > {numbers.level} does not show that nothing changed; it only shows that these "
            "pairs cannot tell the change from noise. Read the interval: it contains the mean changes that are "
            "compatible with the data. No p is corrected for the number of tests: if nothing changed at all, about "
            f"{percent(1 - numbers.results.confidence)} of {len(tests):,} tests would have p ≤ {numbers.level}.",
            strong=True,
        )
    ]
    for reading in (OVER, WITHIN):
        mine = tests[tests["reading"] == reading]
        blocks += [Heading(reading.capitalize()), Text(EXPLAINED[reading])]
        blocks += _reading(numbers, mine, reading) if len(mine) else [Text("This run has no pairs for these tests.")]
    return Section("t-tests", "Paired t-tests", blocks)


def _reading(numbers: RunNumbers, tests: pd.DataFrame, reading: str) -> list[Block]:
    able = tests[tests["reason"] == ""].sort_values("log10_p", kind="stable")
    blocks: list[Block] = []
    if len(able):
        small = int((able["p"] <= 1 - numbers.results.confidence).sum())
        blocks.append(Text(f"{small:,} of {formatting.count(len(able), 'test')} have p ≤ {numbers.level}."))
        blocks.append(_table(numbers, able, reading))
    unable = tests.loc[tests["reason"] != "", "reason"].value_counts()
    for reason in sorted(unable.index):
        count = formatting.count(int(unable[reason]), "test")
        blocks.append(Text(sentence(f"Undetermined: {count} – {reason}")))
    return blocks


def _table(numbers: RunNumbers, tests: pd.DataFrame, reading: str) -> Table:
    interval = f"{numbers.confidence} interval"
    heads = ["Quantizer", "Benchmark", "Number", "Groups", "Pairs", "Mean change", interval, "t", "p"]
    heads = heads if reading == OVER else ["Model", *heads]
    rows = []
    for x in records(tests.head(ROWS)):
        unit = numbers.measure(x["benchmark"], x["metric"]).unit
        what = f"|{x['metric']}|" if x["of"] == "abs_change" else x["metric"]
        first = [] if reading == OVER else [name(x["model"], head=True)]
        rows.append(
            [
                *first,
                name(x["quantizer"], head=True),
                name(x["benchmark"]),
                name(what),
                name(": ".join(p for p in (x["attribute"], x["group"]) if p) or "all"),
                number(f"{x['n']:,}"),
                number(formatting.change(x["mean"], unit)),
                number(formatting.interval(x["low"], x["high"], unit)),
                number(formatting.fixed(x["t"], 2)),
                number(formatting.p_value(x["p"], x["log10_p"])),
            ]
        )
    numeric = {"Pairs", "Mean change", interval, "t", "p"}
    return Table(
        caption=f"Paired t-tests {reading}, smallest p first",
        columns=[Column(h, h in numeric) for h in heads],
        rows=rows,
        note="|…| is the absolute value of a signed gap: these tests ask whether the gap grew, in either direction.",
        left_out=max(0, len(tests) - ROWS),
        left_out_note="they have larger p; `qbench export --table tests` has all",
        closed=True,
        over=("model",) if reading == OVER else (),
    )
