"""Rules by role: every metric is judged by the question it answers, whatever it is called and whoever brought it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.gate.conftest import Study


def attributes(study: Study) -> Study:
    """Two accuracies under names of their own, over all and by group; women lose 5.1 points."""
    for asked, groups in (("race", ("White", "Black")), ("gender", ("women", "men"))):
        study.effect(f"{asked}_accuracy", -0.003, benchmark="attributes")
        for group in groups:
            change = -0.051 if group == "women" else 0.0
            study.effect(
                f"{asked}_accuracy", change, 0.009, benchmark="attributes", attribute=asked, group=group, n=470
            )
        study.effect("race_worst_group", -0.2, benchmark="attributes", attribute=asked)
    return study


def test_the_loss_of_a_group_fails_the_built_in_policy_whatever_its_metric_is_called(study: Study) -> None:
    result = attributes(study).judge_by_default()
    assert (result.status, result.exit_code) == ("fail", 1)
    worst = result.rows[0]
    assert (worst.rule, worst.metric, worst.group) == ("accuracy of each group", "gender_accuracy", "women")
    assert (worst.status, worst.role, worst.limit) == ("fail", "accuracy", 0.02)
    assert "gender_accuracy for gender=women" in result.sentence


def test_summaries_are_not_judged_by_a_role(study: Study) -> None:
    result = attributes(study).judge({"role": "accuracy"}, {"role": "accuracy", "scope": "each_group"})
    assert {row.metric for row in result.rows} == {"race_accuracy", "gender_accuracy"}
    assert len(result.rows) == 2 + 4


@pytest.mark.parametrize(("change", "status"), [(0.05, "fail"), (0.0, "pass"), (-0.05, "pass")])
def test_the_rise_of_an_error_rate_is_a_loss_of_accuracy(study: Study, change: float, status: str) -> None:
    study.effect("word_error_rate", change, benchmark="errors", before=0.3)
    for rule in ({"role": "accuracy"}, {"metric": "main"}, {"metric": "word_error_rate", "limit": 0.01}):
        row = study.judge(rule).rows[0]
        assert (row.status, row.quantity, row.limit) == (status, "growth", 0.01)


def test_a_metric_may_bring_a_margin_which_is_then_its_limit(study: Study) -> None:
    study.effect("ece", 0.02, benchmark="errors", before=0.1)
    row = study.judge_by_default().rows[-1]
    assert (row.rule, row.limit, row.status) == ("calibration", 0.03, "pass")


def test_without_a_limit_each_number_has_its_margin_as_its_limit(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.0001)
    study.effect("accuracy", 0.0, 0.0001, attribute="age", group="young")
    study.effect("accuracy", 0.0, 0.0001, attribute="age", group="older", margin=0.004)
    study.effect("skew@10", 0.0, benchmark="fairface", attribute="race", group="Black")
    rows = study.judge(
        {"role": "accuracy"}, {"role": "accuracy", "scope": "each_group"}, {"role": "skew", "groups": ["Black"]} | EACH
    ).rows
    assert {(r.metric, r.group): r.limit for r in rows if r.unit} == {
        ("accuracy", ""): 0.01,
        ("accuracy", "young"): 0.02,
        ("accuracy", "older"): 0.004,
        ("skew@10", "Black"): 0.1,
    }


EACH: dict[str, Any] = {"scope": "each_group"}


def test_a_role_judges_the_first_cut_off_that_the_benchmark_lists(study: Study) -> None:
    for k in (5, 1, 10):
        study.effect(f"image_to_text_recall@{k}", 0.0, benchmark="coco")
    assert [row.metric for row in study.judge({"role": "accuracy"}).rows] == ["image_to_text_recall@5"]
    assert len(study.judge({"metric": "image_to_text_recall"}).rows) == 3


def test_a_rule_does_not_apply_where_no_metric_has_its_role(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    result = study.judge({"role": "accuracy"}, {"role": "skew", **EACH}, {"role": "accuracy", **EACH})
    assert [(r.id, r.status) for r in result.rules] == [("r0", "pass"), ("r1", "left out"), ("r2", "left out")]
    assert "no benchmark of this run has a metric with the role 'skew'" in result.rules[1].reason
    assert "tells groups apart" in result.rules[2].reason
    assert result.status == "pass"


def test_a_rule_that_finds_nothing_though_there_are_such_metrics_is_an_error(study: Study) -> None:
    study.effect("accuracy", 0.0)  # facet has groups, but here no number of any
    study.effect("top1", 0.0, benchmark="imagenet")  # which has no groups, so that nothing is said of it
    study.effect("top1", 0.0, benchmark="imagenet", quantizer="int4")
    study.effect("accuracy", 0.0, quantizer="int4")
    result = study.judge({"role": "accuracy"}, {"role": "accuracy", **EACH})
    assert result.exit_code == 2
    (problem,) = result.problems
    assert (problem.where, problem.what) == (
        "rule r1",
        "there is no number of the role accuracy of the scope each_group; the available scopes are: on facet, "
        "accuracy (overall, any)",
    )
    assert {variant.band for variant in result.variants} == {"PASS"}  # no variant is blamed for it


def test_a_named_benchmark_without_the_role_is_an_error(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    result = study.judge({"role": "skew", "benchmark": "imagenet"})
    assert result.exit_code == 2
    assert "imagenet has no metric with the role 'skew'" in result.problems[0].what


def test_a_policy_of_which_no_rule_applies_is_an_error(study: Study) -> None:
    study.effect("race_worst_group", 0.0, benchmark="attributes", attribute="race")
    assert study.judge({"role": "skew"}).exit_code == 2
