"""The data: how many items there are by group, what is missing, open choices, and the calibration data."""

from __future__ import annotations

from typing import Any

from qbench.plugins.report_blocks import Block, Box, Column, Entry, Facts, Heading, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.results import Cell
from qbench.runfolder.schema import CalibrationInfo


def section(numbers: RunNumbers) -> Section:
    """Make, for each benchmark, its facts, its choices, and a table of the items of each group."""
    blocks: list[Block] = []
    for benchmark in numbers.benchmarks:
        cell = numbers.cell(benchmark)
        blocks += [Heading(benchmark), *_missing(cell), Facts(_facts(cell))]
        choices = cell.record.benchmark_info.choices
        if choices:
            rows = [[name(str(k), head=True), Entry(str(v))] for k, v in choices.items()]
            caption = f"Choices on {formatting.isolated(benchmark)} that the sources leave open"
            blocks.append(Table(caption=caption, columns=[Column("Choice"), Column("Value")], rows=rows))
        blocks += _groups(numbers, cell)
    blocks += _calibration(numbers)
    return Section("data", "Data and choices", blocks or [Text("No cell of this run has data.")])


def _calibration(numbers: RunNumbers) -> list[Block]:
    """The calibration data of each quantizer that used some, and the items of each group in it."""
    used = {c.quantizer: c.record.quantizer_info.calibration for c in numbers.results.done}
    found = {quantizer: info for quantizer, info in used.items() if info is not None}
    blocks: list[Block] = [Heading("Calibration data")] if found else []
    for quantizer, info in found.items():
        blocks.append(Facts(_calibration_facts(quantizer, info)))
        rows = [
            [
                name(attribute, head=True),
                name(group or "(empty)", head=True),
                number(f"{count:,}"),
                number(formatting.value(count / max(1, info.items), "share")),
            ]
            for attribute, groups in info.groups.items()
            for group, count in groups.items()
        ]
        columns = [Column("Attribute"), Column("Group"), Column("Items", True), Column("Share", True)]
        caption = f"Calibration items of {formatting.isolated(quantizer)} by group"
        blocks += [Table(caption=caption, columns=columns, rows=rows, closed=len(rows) > 12)] if rows else []
    return blocks


def _calibration_facts(quantizer: str, info: CalibrationInfo) -> list[tuple[str, str]]:
    facts = [
        ("Quantizer", quantizer),
        ("Drawn from", info.source),
        ("Drawn", f"{info.items:,} items in {formatting.count(info.images, 'image')}, seed {info.seed}"),
        ("Texts", f"{info.texts:,}"),
        ("Group mix", formatting.options(info.balance) if info.balance else "as in the data"),
        ("Evaluated", "none of these images, by their content"),
        ("Digest", info.digest),
    ]
    return [*facts] if info.groups else [*facts, ("Groups", "the data has none")]


def missing_words(cell: Cell) -> str:
    """Say how many images are missing, by group; empty if none are."""
    missing = cell.record.data_info.missing
    if missing is None or not missing.count:
        return ""
    groups = [
        f"{formatting.isolated(attribute)} {formatting.isolated(group or 'unlabelled')}: {count:,}"
        for attribute, found in missing.by_group.items()
        for group, count in found.items()
    ]
    told = f" By group: {', '.join(groups)}." if groups else " They are in no labelled group."
    count = formatting.count(missing.count, "item")
    return f"{count} of {missing.of:,} have no image and are part of no number.{told}"


def _missing(cell: Cell) -> list[Block]:
    words = missing_words(cell)
    return [Box("Missing", words, "warning")] if words else []


def _facts(cell: Cell) -> list[tuple[str, str]]:
    data, bench = cell.record.data_info, cell.record.benchmark_info
    limit = data.limit
    facts: list[tuple[str, Any]] = [
        ("Items", f"{data.items or 0:,} in {formatting.count(data.images or 0, 'image')}"),
        (
            "Limit",
            f"a fixed subset of at most {limit:,} items, not the whole dataset" if limit else "none: the whole dataset",
        ),
        ("Missing", missing_words(cell) or "none"),
        ("Dataset", data.dataset or data.root),
        ("Fingerprint", data.fingerprint),
        ("Note", data.note),
        ("Benchmark", f"{bench.record}, protocol {bench.protocol}"),
        ("Options", formatting.options(bench.options)),
        ("Licence", bench.licence),
        ("Citation", bench.citation),
    ]
    return [(term, str(what)) for term, what in facts if what]


def _groups(numbers: RunNumbers, cell: Cell) -> list[Block]:
    labels = numbers.labels(cell.benchmark)
    rows: list[list[Entry]] = []
    there = cell.columns("items")
    for attribute, groups in labels.items():
        if attribute not in there:
            continue  # the benchmark stores no such column, so there is nothing to count
        column = cell.table("items", columns=[attribute])[attribute].fillna("").astype(str)
        counts = column.value_counts()
        others = sorted(set(counts.index) - set(groups))
        for group in (*groups, *others):
            labelled = group in groups
            rows.append(
                [
                    name(attribute, head=True),
                    name(group or "(empty)", head=True),
                    number(f"{int(counts.get(group, 0)):,}"),
                    number(formatting.value(float(counts.get(group, 0)) / max(1, len(column)), "share")),
                    Entry(
                        "compared" if labelled else "unlabelled: counted separately",
                        tone="" if labelled else "weak",
                    ),
                ]
            )
    if not rows:
        return []
    columns = [Column("Attribute"), Column("Group"), Column("Items", True), Column("Share", True), Column("Role")]
    caption = f"Items of {formatting.isolated(cell.benchmark)} by group, labelled and unlabelled"
    return [Table(caption=caption, columns=columns, rows=rows, closed=len(rows) > 12)]
