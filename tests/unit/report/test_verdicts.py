"""The first table says for each quantizer whether it may ship, and whom it costs most."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from qbench.gate import GateRow, check
from qbench.report.context import Context
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections.verdicts import by_quantizer
from qbench.results import load
from qbench.vocabulary import RowStatus

Make = Callable[..., Any]
A = "openai/ViT-B-32"


def context(run: Any, *rows: GateRow) -> Context:
    results = load(run.write())
    return Context(numbers=RunNumbers(results), gate=dataclasses.replace(check(results), rows=rows))


def shifted(make_run: Make, shift: float) -> Any:
    """A run whose second quantizer moves every share of right answers of one group."""
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("facet",))
    before, after = (run.metrics[name] for name in run.run["cells"])
    frame = before.copy()
    frame.loc[frame["group"] == "fem", "value"] += shift
    run.metrics[run.run["cells"][1]] = frame
    assert len(after) == len(frame)
    return run


def test_the_worst_row_of_a_quantizer_is_its_answer(make_run: Make) -> None:
    rows = [
        GateRow(rule="r", status=RowStatus(s), quantizer="hf-int4") for s in ("pass", "pass", "inconclusive", "fail")
    ]
    (table,) = by_quantizer(
        context(shifted(make_run, 0.0), *rows, GateRow(rule="r", status=RowStatus.ERROR, quantizer="other"))
    )
    ((quantizer, answer, _, _, counts),) = table.rows
    assert (quantizer.text, answer.text) == ("hf-int4", "✗ fail")
    assert counts.text == "1 fail, 1 inconclusive, 2 pass"


def test_a_quantizer_without_a_rule_is_not_called_safe(make_run: Make) -> None:
    (table,) = by_quantizer(context(shifted(make_run, 0.0)))
    assert table.rows[0][1].text == "no rule"


def test_the_group_that_loses_is_named_with_its_numbers(make_run: Make) -> None:
    (table,) = by_quantizer(context(shifted(make_run, -0.25)))
    assert table.columns[2].title == "The group that loses most"
    said = table.rows[0][2].text
    assert "gender: fem" in said
    assert "−25.0 points" in said.replace("\N{NO-BREAK SPACE}", " ")


def test_a_gain_is_no_loss(make_run: Make) -> None:
    (table,) = by_quantizer(context(shifted(make_run, 0.25)))
    assert table.rows[0][2].text == "none falls"


def test_a_run_without_a_comparison_has_no_such_table(make_run: Make) -> None:
    assert list(by_quantizer(context(make_run(models=(A,), quantizers=("fp32",), benchmarks=("facet",))))) == []
