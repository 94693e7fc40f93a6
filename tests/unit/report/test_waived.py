"""The first screen names what a waiver lets pass, with its date and reason, whatever the reader filters by."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from qbench.plugins.report_blocks import Table
from qbench.report.sections.waived import OPEN, ROWS, waived
from tests.unit.gate.conftest import Study

EACH = {"metric": "accuracy", "scope": "each_group", "limit": 0.02, "inconclusive": "fail"}
WAIVER = {"rule": "r0", "until": date(2026, 12, 31), "why": "a new calibration set is being prepared"}


def table(*groups: str) -> Table | None:
    study = Study()
    study.effect("accuracy", -0.1, attribute="age", group="older")
    study.effect("accuracy", -0.02, attribute="age", group="young")
    result = study.judge(EACH, waiver=[{**WAIVER, "group": group} for group in groups])
    return next(waived(result), None)


def texts(found: Table) -> list[dict[str, str]]:
    heads = [column.title for column in found.columns]
    return [dict(zip(heads, (entry.text for entry in row), strict=True)) for row in found.rows]


def test_each_number_that_is_waived_has_its_row() -> None:
    found = table("older", "young")
    assert found is not None
    older, young = texts(found)
    said = "until 2026-12-31: a new calibration set is being prepared"
    names = ("Model", "Quantizer", "Benchmark", "Number", "Groups")  # the page filters by these columns
    assert [older[name] for name in names] == ["b32", "int8", "facet", "accuracy", "age: older"]
    assert older["Found"].replace("\N{NO-BREAK SPACE}", " ").startswith("loses 10.0 points")
    assert (older["Without the waiver"], older["Waived"]) == ("fail", said)
    assert (young["Without the waiver"], young["Waived"]) == ("inconclusive", said)
    assert not found.closed


def test_a_run_without_a_waived_number_has_no_such_table() -> None:
    assert table() is None


def test_many_rows_are_folded_and_those_that_are_left_out_counted() -> None:
    study = Study()
    study.effect("accuracy", -0.1, attribute="age", group="older")
    result = study.judge(EACH, waiver=[{**WAIVER, "group": "older"}])
    (few,) = waived(replace(result, rows=result.rows * OPEN))
    (many,) = waived(replace(result, rows=result.rows * (ROWS + 2)))
    assert (few.closed, many.closed, len(many.rows), many.left_out) == (False, True, ROWS, 2)
