"""A checkpoint that several models of a run are counts once wherever checkpoints are counted, and is named."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest

from qbench.gate import check
from qbench.models.same_checkpoints import one_per_checkpoint
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections.notices import notices
from qbench.results import Results, load
from tests.unit.conftest import RunFolder

SAID = "m0 and again are the same checkpoint"
POLICY = {"version": 1, "rule": [{"id": "r", "metric": "accuracy", "scope": "overall", "limit": 0.5}]}


def _results(folder: Path, checkpoints: int, *, twice: bool, known: bool = True) -> Results:
    run = RunFolder(folder)
    for at in range(checkpoints):
        for quantizer in ("fp32", "hf-int4"):
            run.add(f"m{at}", quantizer, "facet", classes=2, items=60)
    for name, table in run.metrics.items():
        infos = run.records[name]["benchmark_info"]["metrics"]
        next(x for x in infos if x["name"] == "accuracy")["statistic"] = {"name": "share"}
        whole = (table["metric"] == "accuracy") & (table["attribute"] == "")
        items = run.items[name]
        table.loc[whole, "value"] = items["correct"].mean()
        run.items[name] = items.assign(prediction=items["correct"].map({True: "class 0", False: "class 1"}))
    for quantizer in ("fp32", "hf-int4") if twice else ():
        name = next(n for n, r in run.records.items() if (r["model"], r["quantizer"]) == ("m0", quantizer))
        again = run.add("again", quantizer, "facet")
        run.metrics[again], run.items[again] = run.metrics[name].copy(), run.items[name].copy()
        run.records[again] = {**deepcopy(run.records[name]), "model": "again", "key": run.records[again]["key"]}
        if not known:
            run.records[name]["model_info"]["fingerprint"] = run.records[again]["model_info"]["fingerprint"] = ""
    return load(run.write())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    folder = tmp_path_factory.mktemp("same")
    return {
        "once": _results(folder / "once", 6, twice=False),
        "twice": _results(folder / "twice", 6, twice=True),
        "unknown": _results(folder / "unknown", 6, twice=True, known=False),
    }


def test_means_tests_variances_and_votes_over_checkpoints_are_those_without_the_second_label(
    runs: dict[str, Results],
) -> None:
    once, twice = runs["once"], runs["twice"]
    assert set(twice.populations["checkpoints"].dropna()) - {0} == {6}
    pd.testing.assert_frame_equal(twice.populations, once.populations)
    assert len(once.variance)
    pd.testing.assert_frame_equal(twice.variance, once.variance)
    over = [results.tests.query("reading == 'over checkpoints'").reset_index(drop=True) for results in (twice, once)]
    pd.testing.assert_frame_equal(*over)
    assert len(once.exemplars)
    pd.testing.assert_frame_equal(twice.exemplars, once.exemplars)


def test_checkpoints_of_which_no_fingerprint_is_known_are_not_taken_for_the_same(runs: dict[str, Results]) -> None:
    assert runs["unknown"].populations["checkpoints"].max() == 7


def test_the_gate_counts_and_names_it(runs: dict[str, Results], tmp_path: Path) -> None:
    once, twice = (check(runs[name], POLICY) for name in ("once", "twice"))
    assert [(x.checkpoints, x.rows) for x in twice.quantizers] == [(x.checkpoints, x.rows) for x in once.quantizers]
    assert {x.checkpoints for x in twice.quantizers} == {6}
    assert [p.what for p in twice.problems if SAID in p.what and p.level == "warning"]
    assert not [p.what for p in once.problems if "same checkpoint" in p.what]
    five = check(_results(tmp_path / "five", 5, twice=True), POLICY)
    assert five.quantizers == ()  # six labels are no six checkpoints
    assert {row.model for row in five.rows} == {*(f"m{i}" for i in range(5)), "again"}


def test_the_report_names_it(runs: dict[str, Results]) -> None:
    for name, told in (("twice", True), ("once", False)):
        said = str(list(notices(RunNumbers(runs[name]))))
        assert (SAID in said) is told


def test_a_number_that_only_the_second_label_has_counts() -> None:
    numbers = pd.DataFrame({"model": ["b", "a2", "a", "a2"], "metric": ["x", "x", "x", "y"], "value": range(4)})
    kept = one_per_checkpoint(numbers, {"a": "a", "a2": "a", "b": "b"}, ["metric"])
    assert kept["value"].tolist() == [0, 1, 3]
