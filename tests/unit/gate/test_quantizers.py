"""One answer for each quantizer: the mean over the checkpoints, which may be clear where no single one is."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from qbench.cli.check import show
from qbench.gate.junit import to_junit
from qbench.gate.markdown import to_markdown
from qbench.gate.quantizers import _decision
from qbench.gate.to_json import to_json
from tests.unit.gate.conftest import Study

RULES: list[dict[str, Any]] = [{"role": "accuracy"}, {"role": "accuracy", "scope": "each_group"}]
GROUPS = (("age", "young"), ("age", "older"), ("skin_tone", "light"), ("skin_tone", "dark"))


def checkpoints(study: Study, k: int = 9, se: float = 0.012, **losses: float) -> Study:
    """Changes of k checkpoints with two quantizers, of which int4 loses `losses` (by group) on average."""
    rng = np.random.default_rng(5)
    for quantizer in ("int8", "int4"):
        for at in range(k):
            named = {"model": f"m{at}", "quantizer": quantizer}
            study.effect("accuracy", rng.normal(0, 0.001), 0.001, **named)
            for attribute, group in GROUPS:
                lost = losses.get(group, 0.0) if quantizer == "int4" else 0.0
                study.effect("accuracy", -lost + rng.normal(0, se), se, attribute=attribute, group=group, **named)
    study.means = study.populations()
    return study


def test_the_mean_over_checkpoints_decides_what_no_single_one_does(study: Study) -> None:
    result = checkpoints(study, older=0.05).judge(*RULES)
    of_int8 = [answer.band for answer in result.variants if answer.quantizer == "int8"]
    assert "NOT SHOWN SAFE" in of_int8
    by_name = {answer.quantizer: answer for answer in result.quantizers}
    assert (by_name["int8"].status, by_name["int8"].band, by_name["int8"].checkpoints) == ("pass", "PASS", 9)
    assert (by_name["int4"].status, by_name["int4"].band) == ("fail", "FAIL")
    assert [answer.quantizer for answer in result.quantizers] == ["int4", "int8"]
    worst = by_name["int4"].rows[0]
    assert (worst.model, worst.group, worst.status, worst.n, worst.limit) == ("", "older", "fail", 9, 0.02)
    assert worst.proven > worst.limit
    assert by_name["int4"].counts == {"fail": 1, "pass": 4}
    data = json.loads(to_json(result))["quantizers"]
    assert [(x["quantizer"], x["band"], len(x["rows"])) for x in data] == [("int4", "FAIL", 5), ("int8", "PASS", 5)]
    page = to_markdown(result)
    assert "| FAIL | <code>int4</code>, the mean over 9 checkpoints | 1 fail, 4 pass |" in page
    assert page.count("</code> on <code>m") >= 18
    assert 'name="quantizer int4 over 9 checkpoints" value="FAIL"' in to_junit(result)


def test_its_interval_is_that_of_the_table_of_populations(study: Study) -> None:
    result = checkpoints(study).judge(*RULES)
    means = study.means.set_index(["quantizer", "group"])
    for answer in result.quantizers:
        for row in answer.rows:
            wanted = means.loc[(row.quantizer, row.group)]
            assert (row.found, row.low, row.high) == pytest.approx((-wanted["mean"], -wanted["high"], -wanted["low"]))


def test_there_is_no_such_answer_where_the_analysis_is_not_of_many_checkpoints(study: Study) -> None:
    checkpoints(study).means = None
    assert study.judge(*RULES).quantizers == ()


def test_fewer_than_six_valid_checkpoints_are_no_answer(study: Study) -> None:
    result = checkpoints(study, k=5).judge(*RULES)
    assert {answer.status for answer in result.quantizers} == {"error"}
    assert "at least 6 are needed" in result.quantizers[0].rows[0].reason


def test_a_mean_that_lacks_checkpoints_may_fail_but_not_pass(study: Study) -> None:
    checkpoints(study, older=0.06)
    study.means = study.populations(left_out=2)
    by_name = {answer.quantizer: answer for answer in study.judge(*RULES).quantizers}
    assert (by_name["int4"].status, by_name["int8"].band) == ("fail", "NOT SHOWN SAFE")
    assert "2 of 11 checkpoints have no valid number" in by_name["int8"].rows[0].reason


@pytest.mark.parametrize(("sum_se", "status"), [(0.001, "fail"), (0.2, "inconclusive")])
def test_a_mean_gap_grows_only_where_its_sign_is_clear_for_every_checkpoint(
    study: Study, sum_se: float, status: str
) -> None:
    for at in range(6):
        pair = {"attribute": "age", "group": "older-young", "before": 0.1, "sum_se": sum_se if at else 0.001}
        study.effect("mean_disparity", 0.05 + at / 1000, 0.002, model=f"m{at}", **pair)
    study.means = study.populations()
    assert [row.status for row in study.judge({"role": "gap"}).quantizers[0].rows] == [status]


def test_what_no_checkpoint_can_decide_is_no_question_of_the_quantizer(study: Study) -> None:
    study.shares["fairface"] = {("race", "White"): 0.01, ("race", "Black"): 0.4}
    for at in range(6):
        for group in ("White", "Black"):
            more = {"attribute": "race", "group": group, "before": 0.3, "sum_se": 0.01}
            study.effect("skew@1000", at / 1000, 0.002, benchmark="fairface", model=f"m{at}", **more)
    study.means = study.populations()
    answer = study.judge({"role": "skew", "scope": "each_group"}).quantizers[0]
    assert [(row.group, row.status) for row in answer.rows] == [("Black", "pass")]


def lost_on_average(study: Study) -> Study:
    """Six checkpoints whose older people lose 3.6 points with int4 on average; no single one shows it."""
    for quantizer, lost in (("int8", 0.0), ("int4", 0.036)):
        for at in range(6):
            named = {"model": f"m{at}", "quantizer": quantizer}
            study.effect("accuracy", 0.0, **named)
            for attribute, group in GROUPS:
                change = (-1) ** at * 0.001 - (lost if group == "older" else 0.0)
                study.effect("accuracy", change, 0.009, attribute=attribute, group=group, **named)
    study.means = study.populations()
    return study


def test_a_mean_that_is_shown_to_lose_too_much_fails_the_run_in_every_output(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    result = lost_on_average(study).judge(*RULES)
    assert {row.status for row in result.rows} == {"pass", "inconclusive"}
    assert [(a.quantizer, a.band) for a in result.quantizers] == [("int4", "FAIL"), ("int8", "PASS")]
    assert (result.status, result.exit_code, result.band) == ("fail", 1, "FAIL")
    words = "int4, the mean over 6 checkpoints: accuracy for age=older on facet loses 3."
    assert result.sentence.startswith(words)
    assert "limit 2.0\N{NO-BREAK SPACE}points; n = 6 checkpoints)" in result.sentence
    rule = result.rules[0]
    assert (rule.id, rule.status, rule.worst.model, rule.counts["fail"]) == ("r1", "fail", "", 1)
    for verbose in (False, True):
        show(result, verbose=verbose)
        said = capsys.readouterr().out
        assert "✗" in said
        assert "int4, the mean over 6 checkpoints, facet, accuracy, age=older" in " ".join(said.split())
    assert "FAIL  int4, the mean over 6 checkpoints: 1 fail, 4 pass" in said
    assert "| ✗ fail | <code>r1</code> | <code>int4, the mean over 6 checkpoints</code> |" in to_markdown(result)
    junit = ET.fromstring(to_junit(result))
    failures = [case for case in junit.iter("testcase") if case.find("failure") is not None]
    assert [case.get("classname") for case in failures] == ["r1 / facet / int4, the mean over 6 checkpoints"]
    assert junit.find("testsuite").get("failures") == "1"


def test_a_mean_that_is_shown_to_lose_too_much_under_a_rule_that_only_warns_is_a_warning_in_every_output(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    result = lost_on_average(study).judge(*({**rule, "severity": "warn"} for rule in RULES))
    assert [(a.quantizer, a.band) for a in result.quantizers] == [("int4", "PASS WITH WARNINGS"), ("int8", "PASS")]
    assert (result.status, result.exit_code, result.band) == ("warn", 0, "PASS WITH WARNINGS")
    assert result.sentence.startswith("int4, the mean over 6 checkpoints: accuracy for age=older on facet loses 3.")
    assert (result.rules[0].id, result.rules[0].status, result.rules[0].counts["warning"]) == ("r1", "warning", 1)
    show(result, verbose=True)
    said = capsys.readouterr().out
    assert "PASS WITH WARNINGS  int4, the mean over 6 checkpoints: 1 warning, 4 pass" in said
    assert "| ⚠ warning | <code>r1</code> | <code>int4, the mean over 6 checkpoints</code> |" in to_markdown(result)
    junit = ET.fromstring(to_junit(result))
    assert junit.find("testsuite").get("failures") == "0"
    assert [x.text.startswith("warning: loses 3.") for x in junit.iter("system-out")] == [True]


def test_a_mean_that_is_not_decided_is_not_the_answer_for_the_run(study: Study) -> None:
    for at in range(6):
        study.effect("accuracy", 0.0, model=f"m{at}")
    study.means = study.populations(left_out=2)
    result = study.judge({"metric": "accuracy"})
    assert [answer.band for answer in result.quantizers] == ["NOT SHOWN SAFE"]
    assert (result.status, result.band) == ("pass", "PASS")
    assert len(result.findings) == len(result.rows) == 6


def test_a_waiver_of_a_rule_is_one_of_its_means_too(study: Study) -> None:
    lost_on_average(study)
    waiver = {"rule": "r1", "group": "older", "until": date(2026, 12, 31), "why": "known"}
    result = study.judge(*RULES, waiver=[waiver])
    assert result.exit_code == 0
    assert [row.status for row in result.quantizers[0].rows].count("waived") == 1
    assert "waived until 2026-12-31" in result.sentence  # although no single checkpoint fails
    assert [row.status for row in result.findings if row.checkpoints] == ["waived"]
    assert not result.problems


@pytest.mark.parametrize(
    ("low", "proven", "said"),
    [(0.021, 0.019, "lies beyond the limit, but no longer when it is adjusted"), (0.01, 0.005, "contains the limit")],
)
def test_the_reason_of_an_inconclusive_mean_says_where_its_interval_lies(low: float, proven: float, said: str) -> None:
    decision = _decision(low, 0.06, proven, 0.02, valid=6, missing=0)
    assert decision.status == "inconclusive"
    assert said in decision.reason
