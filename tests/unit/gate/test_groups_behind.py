"""The sentence of a gap or a skew says what happened to the groups behind it."""

from __future__ import annotations

from qbench.text import NBSP
from tests.unit.gate.conftest import Study

GAP = {"benchmark": "facet", "metric": "mean_disparity", "scope": "each_group", "limit": 0.02}


def test_a_gap_names_who_loses_before_who_gains(study: Study) -> None:
    study.effect("accuracy", 0.025, attribute="skin_tone", group="dark", benchmark="facet")
    study.effect("accuracy", -0.026, attribute="skin_tone", group="light", benchmark="facet")
    study.effect(
        "mean_disparity", 0.051, attribute="skin_tone", group="dark-light", benchmark="facet", before=0.2, sum_se=0.001
    )
    result = study.judge(GAP)
    (row,) = result.rows
    assert row.status == "fail"
    loses, gains = row.groups.replace(NBSP, " ").split(", ")
    assert loses.startswith("light loses 2.6 points (a loss of ")
    assert gains.startswith("dark gains 2.5 points (a gain of ")
    assert row.groups in result.sentence


def test_a_gap_of_which_no_accuracy_by_group_is_known_says_nothing_of_groups(study: Study) -> None:
    study.effect("accuracy", -0.1, attribute="age", group="older", benchmark="facet")
    study.effect("mean_disparity", 0.051, attribute="skin_tone", group="dark-light", benchmark="facet", before=0.2)
    (row,) = study.judge(GAP).rows
    assert row.groups == ""


def test_a_skew_says_whether_the_group_is_shown_too_rarely(study: Study) -> None:
    for group, before, change in (("White", 0.1, 0.02), ("Black", -0.1, -0.05)):
        study.effect("skew@10", change, attribute="race", group=group, benchmark="fairface", before=before)
    rows = study.judge({"benchmark": "fairface", "metric": "skew", "scope": "each_group", "limit": 0.2}).rows
    assert {row.group: row.groups for row in rows} == {
        "White": "White is shown too often, +0.100 → +0.120",
        "Black": "Black is shown too rarely, −0.100 → −0.150",
    }


def test_what_could_not_be_evaluated_is_counted_with_its_cause_and_what_to_do(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    study.cell("imagenet", "int4", status="missing")
    study.cell("imagenet", "nf4", status="failed", error={"what": "no memory", "fix": "Set a smaller batch."})
    result = study.judge({"metric": "top1", "benchmark": "imagenet", "limit": 0.01})
    assert result.band == "COULD NOT EVALUATE"
    assert "2 numbers could not be evaluated. " in result.sentence
    assert "the cell is missing. Repeat `qbench run`, which computes what is missing." in result.sentence
    assert {row.remedy for row in result.rows if row.status == "error"} == {
        "Set a smaller batch.",
        "Repeat `qbench run`, which computes what is missing",
    }


def test_a_pass_says_that_all_is_within_and_what_is_nearest(study: Study) -> None:
    study.effect("top1", -0.001, benchmark="imagenet", se=0.001)
    sentence = study.judge({"metric": "top1", "benchmark": "imagenet", "limit": 0.02}).sentence
    assert sentence.startswith(
        "Numbers judged: 1 of 1, each within its limit. Nearest to it, int8 on b32: top1 on imagenet loses "
    )
