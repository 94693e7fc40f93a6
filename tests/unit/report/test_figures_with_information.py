"""A figure that would show nothing that can be compared is left out; a table has its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from qbench.plugins.records import ReportSection
from qbench.plugins.report_blocks import Block, Chart, Table, Text
from qbench.report import html
from qbench.report.html import Look, sections_of
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections import populations
from qbench.results import load

Make = Callable[..., Any]


@pytest.mark.parametrize(("models", "figures"), [(2, 0), (3, 1)])
def test_means_over_two_checkpoints_are_in_the_table_only(make_run: Make, models: int, figures: int) -> None:
    run = make_run(models=tuple(f"m{i}" for i in range(models)), quantizers=("fp32", "q"), benchmarks=("facet",))
    results = load(run.write())
    row = {"quantizer": "q", "benchmark": "facet", "metric": "accuracy", "attribute": "", "group": "", "unit": "share"}
    row |= {"better": "higher", "verdict": "inconclusive", "reason": "", "same_sign": "2 of 2"}
    ends = dict.fromkeys(("low", "fixed_low", "pi_low"), -0.01) | dict.fromkeys(("high", "fixed_high", "pi_high"), 0.01)
    found = pd.DataFrame([{**row, **ends, "mean": 0.0, "margin": 0.01, "checkpoints": models}])
    results.analysis = replace(results.analysis, populations=found)
    blocks = populations.section(RunNumbers(results)).blocks
    assert sum(isinstance(block, Chart) for block in blocks) == figures
    assert any(isinstance(block, Table) and block.rows for block in blocks)
    assert any(isinstance(block, Text) and "too few" in block.text for block in blocks) is (models == 2)


@pytest.mark.parametrize(("rows", "kept"), [(0, False), (1, False), (2, True)])
def test_a_figure_of_one_row_is_left_out(
    make_run: Make, monkeypatch: pytest.MonkeyPatch, rows: int, *, kept: bool
) -> None:
    def render(results: Any, context: Any) -> Iterator[Block]:
        yield Chart(name="c", title="c", words="c", spec={"data": {"values": [{"a": i} for i in range(rows)]}})

    monkeypatch.setattr(html, "ordered", lambda added: [ReportSection(name="c", title="c", render=render)])
    run = make_run(models=("m",), quantizers=("fp32", "q"), benchmarks=("facet",))
    (section,) = sections_of(load(run.write()), Look(sections=()))
    assert bool(section.blocks) is kept
