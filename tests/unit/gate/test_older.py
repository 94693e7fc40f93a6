"""A run against an older one: the same cells are compared, and only where they are comparable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qbench.gate import check
from qbench.gate.comparison import with_older
from qbench.results import Results
from qbench.runfolder.schema import EnvironmentRecord, RunRecord
from qbench.vocabulary import CellStatus
from tests.unit.gate.conftest import EMPTY, Study, make_cell

POLICY = {"version": 1, "rule": [{"id": "r", "metric": "main", "scope": "overall", "limit": 0.02}]}
TODAY = date(2026, 6, 30)


class Judged(Results):
    """Results whose numbers are given: a cell's accuracy is in its record."""

    @property
    def effects(self) -> pd.DataFrame:  # type: ignore[override]
        study = Study()
        base = {(c.model, c.benchmark): c for c in self.records if c.quantizer == self.baseline}
        for cell in self.records:
            if cell.quantizer != self.baseline and cell.done and (cell.model, cell.benchmark) in base:
                before = base[cell.model, cell.benchmark].record.facts["accuracy"]
                change = cell.record.facts["accuracy"] - before
                study.effect("accuracy", change, 0.002, quantizer=cell.quantizer, model=cell.model, before=before)
        return pd.DataFrame(study.rows) if study.rows else EMPTY

    @property
    def unpaired(self) -> pd.DataFrame:  # type: ignore[override]
        return pd.DataFrame(columns=["model", "quantizer", "benchmark", "reason"], dtype=str)


def run(name: str, accuracies: dict[str, float], **data: Any) -> Judged:
    cells = [
        make_cell(Path(name), "facet", quantizer, facts={"accuracy": accuracy}, data_info=data)
        for quantizer, accuracy in accuracies.items()
    ]
    return Judged(Path(name), RunRecord(name=name, baseline="fp32", cells=()), cells, EnvironmentRecord())


@pytest.fixture(autouse=True)
def _judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qbench.gate.comparison.Results", Judged)


def test_each_cell_is_compared_with_itself_in_the_older_run_the_baseline_too() -> None:
    new, old = run("new", {"fp32": 0.6, "int8": 0.5}), run("old", {"fp32": 0.6, "int8": 0.59})
    result = check(new, POLICY, old, TODAY)
    assert {(r.quantizer, r.status, round(r.found, 6)) for r in result.rows} == {
        ("fp32", "pass", 0.0),
        ("int8", "fail", 0.09),
    }
    assert (result.exit_code, result.run, result.baseline) == (1, "new", "the older run old")
    assert check(new, POLICY, today=TODAY).rows[0].found == pytest.approx(0.1)  # against its own fp32


def test_what_is_not_comparable_is_an_error() -> None:
    new, old = run("new", {"int8": 0.6}), run("old", {"int8": 0.6}, limit=200)
    result = check(new, POLICY, old, TODAY)
    assert (result.exit_code, result.rows[0].status) == (2, "error")
    assert "another limit" in result.rows[0].reason


def test_a_cell_that_the_older_run_has_not_or_not_done_is_an_error() -> None:
    new, old = run("new", {"fp32": 0.6, "int8": 0.6, "int4": 0.6}), run("old", {"fp32": 0.6, "int8": 0.6})
    old.records[1] = replace(old.records[1], status=CellStatus.FAILED)
    result = check(new, POLICY, old, TODAY)
    assert {(r.quantizer, r.reason) for r in result.rows if r.status == "error"} == {
        ("int4", "the older run old has no such cell"),
        ("int8", "in the older run old this cell is failed"),
    }
    assert result.exit_code == 2


def test_a_cell_that_went_away_is_a_warning() -> None:
    new, old = run("new", {"fp32": 0.6}), run("old", {"fp32": 0.6, "int8": 0.6})
    result = check(new, POLICY, old, TODAY)
    assert (result.exit_code, result.problems[0].level) == (0, "warning")
    assert "b32 × int8 × facet" in result.problems[0].what


def test_a_failed_cell_of_the_new_run_is_an_error() -> None:
    new, old = run("new", {"fp32": 0.6, "int8": 0.6}), run("old", {"fp32": 0.6, "int8": 0.6})
    new.records[1] = replace(new.records[1], status=CellStatus.FAILED)
    assert check(new, POLICY, old, TODAY).exit_code == 2


def test_two_runs_without_a_common_cell_pass_nothing() -> None:
    new, old = run("new", {"fp32": 0.6}), run("old", {"int8": 0.6})
    comparison = with_older(new, old)
    assert comparison.effects.empty
    assert check(new, POLICY, old, TODAY).exit_code == 2
