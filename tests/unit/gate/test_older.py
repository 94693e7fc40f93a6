"""A run against an older one: the same cells are compared, and only where they are comparable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qbench.errors import InputError
from qbench.gate import check
from qbench.gate.comparison import with_older
from qbench.policy.model import Policy
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

    def judged_by(self, policy: Policy | None) -> Results:
        return self  # the numbers are given

    @property
    def unpaired(self) -> pd.DataFrame:  # type: ignore[override]
        return pd.DataFrame(columns=["model", "quantizer", "benchmark", "reason"], dtype=str)


def run(
    name: str,
    accuracies: dict[str, float],
    *,
    model: str = "b32",
    parts: dict[str, Any] | None = None,
    allow: tuple[str, ...] = (),
    **data: Any,
) -> Judged:
    cells = [
        make_cell(Path(name), "facet", quantizer, model, facts={"accuracy": accuracy}, data_info=data, **(parts or {}))
        for quantizer, accuracy in accuracies.items()
    ]
    record = RunRecord(name=name, baseline="fp32", cells=(), spec={"analysis": {"allow": list(allow)}})
    return Judged(Path(name), record, cells, EnvironmentRecord())


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


CHECKPOINT = {"model_info": {"fingerprint": "f" * 64}}
OTHER_SIZE = {"model_info": {"preprocessing": {"geometry": {"size": 336}}}}


def test_a_new_release_is_compared_with_the_last_one_and_the_difference_is_named() -> None:
    new, old = run("new", {"fp32": 0.6, "int8": 0.5}, parts=CHECKPOINT), run("old", {"fp32": 0.6, "int8": 0.59})
    result = check(new, POLICY, old, TODAY)
    assert {(r.quantizer, r.status) for r in result.rows} == {("fp32", "pass"), ("int8", "fail")}
    (problem,) = result.problems
    assert (problem.level, problem.where) == ("note", "the comparison")
    assert problem.what.startswith(
        "another checkpoint under the same name than in the older run old (ffffffffffff instead of "
    )
    assert problem.what.endswith("): b32 × fp32 × facet, b32 × int8 × facet")


def test_another_preprocessing_is_compared_where_the_newer_spec_allows_it() -> None:
    old = run("old", {"int8": 0.6})
    refused = check(run("new", {"int8": 0.6}, parts=OTHER_SIZE), POLICY, old, TODAY)
    assert refused.exit_code == 2
    assert 'write allow = ["preprocessing"] under [analysis]' in refused.rows[0].reason
    allowed = check(run("new", {"int8": 0.6}, parts=OTHER_SIZE, allow=("preprocessing",)), POLICY, old, TODAY)
    assert allowed.exit_code == 0
    assert "another preprocessing than in the older run old" in allowed.problems[0].what


def test_what_may_always_differ_is_named() -> None:
    drawn = {"source": "train", "items": 8, "images": 8, "texts": 2, "seed": 0}
    before = {
        "options": {"group": 64},
        "files": {"table": "a"},
        "version": "1",
        "calibration": {**drawn, "digest": "a"},
    }
    after = {
        "options": {"group": 128},
        "files": {"table": "b"},
        "version": "2",
        "calibration": {**drawn, "digest": "b"},
    }
    new = run("new", {"int8": 0.6}, parts={"quantizer_info": after, "numerics": "cuda", "versions": {"torch": "2.9"}})
    old = run("old", {"int8": 0.6}, parts={"quantizer_info": before, "numerics": "cpu", "versions": {"torch": "2.8"}})
    result = check(new, POLICY, old, TODAY)
    assert result.exit_code == 0
    said = " / ".join(problem.what for problem in result.problems)
    for what in (
        "other quantizer options",
        "another content of the quantizer option 'table'",
        "other calibration data",
        "other kernels",
        "another version of the quantizer",
        "another version of torch",
    ):
        assert what in said


@pytest.mark.parametrize("given", [["a=b=b32", "w8=int8"], ["w8=int8", "a=b=b32"]])
def test_changed_labels_are_mapped(given: list[str]) -> None:
    new, old = run("new", {"fp32": 0.6, "int8": 0.5}), run("old", {"fp32": 0.6, "w8": 0.59}, model="a=b")
    assert check(new, POLICY, old, TODAY).exit_code == 2
    result = check(new, POLICY, old, TODAY, given)
    assert {(r.quantizer, r.status) for r in result.rows} == {("fp32", "pass"), ("int8", "fail")}
    assert (
        "another quantizer than in the older run old (quantizers:int8 instead of quantizers:w8): b32 × int8 × facet"
        in [problem.what for problem in result.problems]
    )


def test_a_mapped_label_takes_the_place_of_the_same_one() -> None:
    new, old = run("new", {"int8": 0.6}), run("old", {"int8": 0.4, "w8": 0.6})
    result = check(new, POLICY, old, TODAY, ["w8=int8"])
    assert [(r.status, round(r.found, 6)) for r in result.rows] == [("pass", 0.0)]
    (gone,) = (problem for problem in result.problems if problem.level == "warning")
    assert gone.what.endswith("has cells that this run does not have: b32 × int8 × facet")
    assert (result.status, result.band) == ("warn", "PASS WITH WARNINGS")


@pytest.mark.parametrize(
    ("given", "quantizers", "compared"),
    [
        (["w8=int8"], ("int8",), {("int8", 0.1)}),  # the older int8 has no counterpart
        (["int8=w8", "w8=int8"], ("int8", "w8"), {("int8", 0.1), ("w8", -0.1)}),  # the labels were swapped
        (["int8=w8", "w8=int4"], ("w8", "int4"), {("w8", -0.1), ("int4", 0.1)}),  # all maps apply at once
        (["int8=int8"], ("int8",), {("int8", 0.0)}),
    ],
)
def test_maps_apply_at_once_and_one_to_one(
    given: list[str], quantizers: tuple[str, ...], compared: set[tuple[str, float]]
) -> None:
    accuracy = {"int8": 0.5, "w8": 0.5, "int4": 0.5}
    new, old = run("new", {name: accuracy[name] for name in quantizers}), run("old", {"int8": 0.5, "w8": 0.6})
    old.records[0] = run("old", {"int8": 0.4 if len(quantizers) == 2 else 0.5}).records[0]
    result = check(new, POLICY, old, TODAY, given)
    assert {(row.quantizer, round(row.found, 6)) for row in result.rows} == compared


@pytest.mark.parametrize(
    ("given", "said", "fix"),
    [
        (["w8=int4"], "'w8' of the older run is given to 'int4', but this run still has 'w8'", "without 'w8'"),
        (["fp32=int4"], "'fp32' of the older run is given to 'int4', but this run still has 'fp32'", "OLDER=fp32"),
        (["w8=int4", "fp32=w8"], "'fp32' of the older run is given to 'w8', but this run still has 'fp32'", "'fp32'"),
        (
            ["w8=int4", "w8=w8"],
            "'w8' of the older run is given to two labels of this run, 'w8' and 'int4'",
            "one label",
        ),
        (["int4=w9"], "'int4=w9' is in the wrong order: 'w9' is of the older run, so write it as w9=int4", "Labels"),
        (["=int4"], "the older run has no model, quantizer or benchmark ''", "Labels of the older run: b32;"),
    ],
)
def test_no_label_of_the_older_run_is_compared_with_two(given: list[str], said: str, fix: str) -> None:
    new, old = run("new", {"fp32": 0.6, "w8": 0.6, "int4": 0.5}), run("old", {"fp32": 0.6, "w8": 0.6, "w9": 0.6})
    with pytest.raises(InputError) as error:
        check(new, POLICY, old, TODAY, given)
    assert said in error.value.what
    assert fix in error.value.fix
    assert error.value.where == "--map"


def test_a_map_that_can_be_read_in_two_ways_is_refused() -> None:
    new = run("new", {"b=c": 0.6, "c": 0.6})
    with pytest.raises(InputError, match="'a=b=c' can be read in two ways: 'a' is now 'b=c', or 'a=b' is now 'c'"):
        check(new, POLICY, run("old", {"a": 0.6, "a=b": 0.6}), TODAY, ["a=b=c"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["w9=int8"], "the older run has no model, quantizer or benchmark 'w9'"),
        (["w8=int9"], "'w8' is a quantizer of the older run, and this run has no quantizer 'int9'"),
        (["w8=b32"], "'w8' is a quantizer of the older run, and this run has no quantizer 'b32'"),
        (["w8"], "'w8' does not name two labels"),
        (["w8=int8", "fp32=int8"], "'int8' is given two labels of the older run, 'w8' and 'fp32'"),
    ],
)
def test_a_label_that_is_not_there_is_an_error(given: list[str], said: str) -> None:
    new, old = run("new", {"fp32": 0.6, "int8": 0.6}), run("old", {"fp32": 0.6, "w8": 0.6})
    with pytest.raises(InputError) as error:
        check(new, POLICY, old, TODAY, given)
    assert said in error.value.what
    assert error.value.where == "--map"


def test_a_cell_that_the_older_run_lacks_may_have_another_label_there() -> None:
    result = check(run("new", {"fp32": 0.6, "int8": 0.5}), POLICY, run("old", {"fp32": 0.6, "hf-int8": 0.59}), TODAY)
    missing = next(row for row in result.rows if row.quantizer == "int8")
    assert "`--map OLD=NEW`" in missing.remedy
