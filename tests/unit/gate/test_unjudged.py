"""No part of a run passes unseen: a benchmark, a model or a variant without a judged number is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qbench.gate.answers import answer_of
from qbench.gate.junit import to_junit
from qbench.gate.markdown import to_markdown
from qbench.gate.phrasing import headline
from qbench.metrics.interface import MetricInfo
from qbench.plugins.records import Benchmark
from qbench.policy.model import read_policy
from qbench.vocabulary import RowStatus
from tests.unit.gate.conftest import METRICS, Study

EACH: dict[str, Any] = {"role": "accuracy", "scope": "each_group"}


def third_party(study: Study, monkeypatch: pytest.MonkeyPatch, **declared: str) -> None:
    """A benchmark of a plugin with one metric beside imagenet, which changes nothing."""
    monkeypatch.setitem(METRICS, "theirs", [{"name": "wrong", **declared}])
    study.effect("top1", 0.0, benchmark="imagenet")
    study.effect("wrong", 0.1, benchmark="theirs", before=0.2)


def test_the_rise_of_a_share_that_is_better_low_fails_without_a_declared_role(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    third_party(study, monkeypatch, better="lower", unit="share")
    result = study.judge_by_default()
    assert (result.exit_code, result.rows[0].metric, result.rows[0].role) == (1, "wrong", "accuracy")


def test_a_benchmark_of_which_no_metric_is_judged_could_not_be_evaluated(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    third_party(study, monkeypatch, better="lower", unit="nats", role="summary")
    result = study.judge_by_default()
    assert (result.status, result.exit_code) == ("error", 2)
    assert result.sentence.startswith("benchmark theirs: none of its numbers is judged: wrong has the role 'summary'")
    assert [p.where for p in result.problems] == ["benchmark theirs"]
    assert [v.band for v in result.variants] == ["PASS"]
    assert "benchmark theirs" in to_markdown(result)
    assert "benchmark theirs" in to_junit(result)
    rules = {"role": "accuracy"}, {"metric": "wrong", "limit": 0.01}
    assert study.judge(*rules).exit_code == 1


@pytest.mark.parametrize("rule", [{"role": "accuracy", "benchmark": "imagenet"}, {"metric": "top1"}])
def test_a_policy_about_other_benchmarks_warns_of_those_that_it_does_not_judge(
    study: Study, rule: dict[str, Any]
) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    study.effect("accuracy", 0.0)
    result = study.judge(rule)
    assert (result.status, result.exit_code, result.band) == ("warn", 0, "PASS WITH WARNINGS")
    assert [(p.level, p.where, p.what) for p in result.problems] == [
        ("warning", "benchmark facet", "no rule of the policy judges a number of it")
    ]


def test_a_benchmark_of_which_all_numbers_are_left_out_could_not_be_evaluated(study: Study) -> None:
    study.cell("fairface", data_info={"unavailable": [{"metric": "skew@1000", "cause": "k is all", "remedy": "Less."}]})
    study.effect("accuracy", 0.0)
    study.effect("accuracy", 0.0, attribute="age", group="young")
    for group in ("White", "Black"):
        study.effect("skew@1000", np.nan, benchmark="fairface", attribute="race", group=group, before=np.nan)
    result = study.judge({"role": "accuracy"}, {"role": "skew", "scope": "any"})
    assert result.exit_code == 2
    assert "benchmark fairface: none of its 2 numbers is judged: k is all. Less." in result.sentence
    assert [row.status for row in result.rows] == ["pass", "left out", "left out"]


def test_a_model_whose_baseline_guesses_everything_is_named_beside_one_that_is_judged(study: Study) -> None:
    study.effect("accuracy", 0.0)
    study.effect("accuracy", 0.0, model="tiny", flags="baseline-near-chance")
    result = study.judge({"role": "accuracy"})
    assert (result.exit_code, result.problems[0].where) == (2, "model tiny")
    assert "1 number means nothing for the baseline and cannot be judged" not in result.sentence
    study.effect("top1", 0.0, benchmark="imagenet", model="tiny")
    result = study.judge({"role": "accuracy"})
    assert result.exit_code == 0  # something of every benchmark and every model is judged
    assert "1 number means nothing for the baseline and cannot be judged." in result.sentence
    assert "This data cannot decide" not in result.sentence


WARNS = {"metric": "recall", "severity": "warn", "limit": 0.02}


@pytest.mark.parametrize("change", [0.0, -0.019, -0.1])  # passes, is inconclusive, and is proven to be lost
def test_what_only_warns_gives_a_variant_no_answer_where_the_rest_is_left_out(study: Study, change: float) -> None:
    for quantizer, before in (("int8", 0.6), ("int4", np.nan)):
        study.effect("top1", before - before, benchmark="imagenet", quantizer=quantizer, before=before)
        study.effect("recall", change, 0.002, benchmark="imagenet", quantizer=quantizer)
    result = study.judge({"metric": "top1"}, WARNS)
    assert (result.exit_code, result.band, result.problems[0].where) == (2, "COULD NOT EVALUATE", "int4 on b32")
    of = {variant.quantizer: variant for variant in result.variants}
    assert (of["int4"].band, of["int4"].status) == ("NOT JUDGED", "error")
    assert of["int8"].band == ("PASS WITH WARNINGS" if change else "PASS")
    rows = [row for row in result.rows if row.quantizer == "int4"]
    assert [(row.judged, row.counts) for row in rows] == [(False, "")] * 2
    assert answer_of(rows).band == "NOT JUDGED"  # what the page says where only this variant is selected
    (beside,) = (row for row in rows if row.status is not RowStatus.LEFT_OUT)
    assert beside.beside == "int4 on b32"
    assert "ts rule only warns, and int4 on b32 is not judged" in str(headline([beside]))
    assert "int4 on b32 is not judged, because the rules that can fail leave out all its numbers" in beside.reason
    nothing = study.judge({"metric": "top1", "quantizers": "int4"}, WARNS | {"quantizers": "int4"}).sentence
    assert ("recall on imagenet loses 10.0" in nothing) is (change == -0.1)  # no proven loss is hidden
    alone = study.judge(WARNS)
    assert {variant.band for variant in alone.variants} == {"PASS WITH WARNINGS" if change else "PASS"}


def test_what_only_warns_gives_a_quantizer_no_answer_where_the_rest_is_left_out(study: Study) -> None:
    for at in range(6):
        study.effect("top1", np.nan, benchmark="imagenet", model=f"m{at}", before=np.nan)
        study.effect("recall", 0.0, benchmark="imagenet", model=f"m{at}")
    study.means = study.populations()
    (answer,) = study.judge({"metric": "top1"}, WARNS).quantizers
    assert (answer.band, answer.status) == ("NOT JUDGED", "error")


def test_a_variant_of_which_nothing_is_judged_is_named(study: Study) -> None:
    study.effect("accuracy", 0.0)
    study.effect("accuracy", np.nan, quantizer="int4", before=np.nan)
    result = study.judge({"role": "accuracy"})
    assert (result.exit_code, result.problems[0].where) == (2, "int4 on b32")
    assert result.problems[0].what == "its only number is not judged: it is undetermined (n = 1,000)"


def test_several_causes_are_told_with_their_numbers(study: Study) -> None:
    for at, group in enumerate(("young", "older")):
        study.effect("accuracy", np.nan, attribute="age", group=group, before=np.nan, n=10 + 1000 * at)
    what = study.judge(EACH).problems[0].what
    assert what == "none of its 2 numbers is judged: for example, it is undetermined (n = 1,010)"
    for group in ("dark", "light"):
        study.effect("accuracy", 0.0, attribute="skin_tone", group=group, flags="baseline-near-chance")
    what = study.judge(EACH).problems[0].what
    assert what.startswith(
        "none of its 4 numbers is judged: 2 numbers, such as: it is undetermined (n = 1,010); "
        "2 numbers: no comparison with the baseline means anything: its answers cannot be told from chance"
    )


@pytest.mark.parametrize(
    ("better", "unit", "implied"),
    [
        ("higher", "share", "accuracy"),
        ("lower", "share", "accuracy"),
        ("zero", "share", "gap"),
        ("zero", "points", "gap"),
        ("zero", "nats", "skew"),
        ("higher", "points", ""),
        ("lower", "points", ""),
        ("higher", "nats", ""),
        ("lower", "nats", ""),
    ],
)
def test_a_metric_declares_its_role_or_implies_it_or_its_benchmark_is_refused(
    better: Any, unit: Any, implied: str
) -> None:
    info = MetricInfo(name="m", better=better, unit=unit, summary="")
    make = {"name": "b", "summary": "", "protocol": "1", "load": lambda options: None}
    if implied:
        assert Benchmark(metrics=(info,), **make).metrics[0].judged_as == implied
    else:
        with pytest.raises(ValueError, match=r"'m' of the benchmark 'b' declares no role.*declare role= as one of"):
            Benchmark(metrics=(info,), **make)
    assert Benchmark(metrics=(replace(info, role="summary"),), **make).metrics[0].judged_as == "summary"


PAIR = {"attribute": "age", "group": "older-young"}


@pytest.mark.parametrize(
    ("metric", "names"),
    [
        ("disparity", [{**PAIR, "class_": "a"}, {**PAIR, "class_": "b"}]),  # no gap over all classes
        ("mean_disparity", [PAIR]),
        ("mean_disparity", [{"attribute": "age", "group": "older"}]),  # of one group against the rest
    ],
)
def test_the_built_in_policy_judges_gaps_however_they_are_given(
    study: Study, metric: str, names: list[dict[str, str]]
) -> None:
    study.effect("accuracy", 0.0, 0.0001)
    for group in ("young", "older"):
        study.effect("accuracy", 0.0, 0.0001, attribute="age", group=group)
    for name in names:
        study.effect(metric, 0.3, before=0.2, sum_se=0.01, **name)
    result = study.judge_by_default()
    failed = [row for row in result.rows if row.rule == "gaps"]
    assert (result.exit_code, [row.status for row in failed]) == (1, ["fail"] * len(names))


def test_gaps_of_single_classes_are_not_judged_beside_those_over_all_classes(study: Study) -> None:
    study.effect("mean_disparity", 0.0, **PAIR)
    study.effect("disparity", 0.3, class_="a", **PAIR)
    assert [row.metric for row in study.judge({"role": "gap", "scope": "any"}).rows] == ["mean_disparity"]


def test_a_skew_over_all_and_a_calibration_error_of_a_group_are_judged_by_the_built_in_policy(study: Study) -> None:
    study.effect("skew", 0.5, benchmark="fairface", before=0.3, sum_se=0.01)
    study.effect("ece", 0.5, benchmark="errors", before=0.1)
    study.effect("ece", 0.5, benchmark="errors", before=0.1, attribute="age", group="older")
    study.effect("word_error_rate", 0.0, benchmark="errors")
    result = study.judge_by_default()
    failed = {(row.rule, row.group) for row in result.rows if row.status == "fail"}
    assert failed == {("skew of each group", ""), ("calibration", ""), ("calibration", "older")}


def test_the_built_in_policy_has_a_rule_for_every_role_that_is_judged() -> None:
    assert {rule.role for rule in read_policy().rule} == {"accuracy", "gap", "skew", "calibration"}
