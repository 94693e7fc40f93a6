"""A rule finds its numbers, or says why it does not: nothing passes because it was not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qbench.gate import GateResult
from qbench.gate.junit import to_junit
from qbench.gate.markdown import to_markdown
from qbench.plugins.registry import installed
from qbench.results import Cell
from qbench.vocabulary import CellStatus, MetricRole
from tests.unit.gate.conftest import Study

GROUPS = {"metric": "accuracy", "scope": "each_group", "limit": 0.02}

BOTH = {"age": ("young", "older"), "skin_tone": ("light", "dark")}


def rows(result: GateResult) -> set[tuple[str, str, str, str]]:
    return {(r.metric, r.attribute, r.group, r.class_) for r in result.rows}


def wide(study: Study) -> Study:
    study.effect("accuracy", 0.0)
    for attribute, names, pair in (
        ("age", ("young", "older"), "older-young"),
        ("skin_tone", ("light", "dark"), "dark-light"),
    ):
        for group in (*names, "na"):
            study.effect("accuracy", 0.0, attribute=attribute, group=group)
            study.effect("recall", 0.0, attribute=attribute, group=group, class_="nurse")
        study.effect("mean_disparity", 0.0, before=0.1, attribute=attribute, group=pair)
        study.effect("disparity", 0.0, before=0.1, attribute=attribute, group=pair, class_="nurse")
    study.effect("recall", 0.0, class_="nurse")
    return study


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"metric": "main", "limit": 0.1}, {("accuracy", "", "", "")}),
        (
            {"metric": "accuracy", "scope": "each_group", "limit": 0.1},
            {("accuracy", a, g, "") for a, names in BOTH.items() for g in names},
        ),
        (
            {"metric": "accuracy", "scope": "each_group", "by": "age", "limit": 0.1},
            {("accuracy", "age", "young", ""), ("accuracy", "age", "older", "")},
        ),
        (
            {"metric": "accuracy", "scope": "each_group", "groups": ["age=older", "na"], "limit": 0.1},
            {("accuracy", "age", "older", ""), ("accuracy", "age", "na", ""), ("accuracy", "skin_tone", "na", "")},
        ),
        ({"metric": "recall", "scope": "each_class", "limit": 0.1}, {("recall", "", "", "nurse")}),
        (
            {"metric": "recall", "scope": "each_group_and_class", "by": ["age"], "limit": 0.1},
            {("recall", "age", "young", "nurse"), ("recall", "age", "older", "nurse")},
        ),
        (
            {"metric": "mean_disparity", "limit": 0.1},
            {("mean_disparity", "age", "older-young", ""), ("mean_disparity", "skin_tone", "dark-light", "")},
        ),
        (
            {"metric": "mean_disparity", "scope": "each_group", "by": "age", "limit": 0.1},
            {("mean_disparity", "age", "older-young", "")},
        ),
        (
            {"metric": "disparity", "scope": "each_class", "by": "age", "limit": 0.1},
            {("disparity", "age", "older-young", "nurse")},
        ),
    ],
)  # fmt: skip
def test_a_scope_is_the_numbers_it_says(study: Study, rule: dict[str, Any], found: set[tuple[str, ...]]) -> None:
    result = wide(study).judge(rule)
    assert rows(result) == found
    assert result.problems == ()


def test_a_cut_off_in_the_name_narrows_a_rule(study: Study) -> None:
    for k in (1, 5):
        study.effect(f"image_to_text_recall@{k}", 0.0, benchmark="coco")
    assert len(study.judge({"metric": "image_to_text_recall", "limit": 0.1}).rows) == 2
    assert len(study.judge({"metric": "image_to_text_recall@5", "limit": 0.1}).rows) == 1
    result = study.judge({"metric": "image_to_text_recall@10", "limit": 0.1})
    assert (result.status, result.rules[0].status, result.rows) == ("error", "error", ())
    assert result.problems[0].what == (
        "there is no number of image_to_text_recall@10 of the scope overall; the available scopes are: on coco, "
        "image_to_text_recall@1 (overall, any), image_to_text_recall@5 (overall, any); did you mean "
        "'image_to_text_recall@1' or 'image_to_text_recall@5'?"
    )


def test_a_scope_that_a_metric_does_not_have_is_one_error_of_the_rule(study: Study) -> None:
    """It says which scopes there are and which metric may be meant, and no variant is blamed for it."""
    for quantizer in ("int8", "int4"):
        study.effect("image_to_text_recall@1", 0.0, benchmark="coco", quantizer=quantizer)
        study.effect("recall", 0.0, quantizer=quantizer, class_="nurse")
        study.effect("accuracy", 0.0, quantizer=quantizer)
    result = study.judge({"metric": "recall@1", "limit": 0.1}, {"metric": "accuracy", "limit": 0.1})
    assert (result.status, [row.status for row in result.rows]) == ("error", ["pass", "pass"])
    assert {answer.band for answer in result.variants} == {"PASS"}
    (problem,) = result.problems
    assert (problem.where, problem.what) == (
        "rule r0",
        "there is no number of recall@1 of the scope overall; the available scopes are: on facet, "
        "recall (any, each_class); did you mean 'image_to_text_recall@1'?",
    )
    assert result.sentence.startswith("rule r0: there is no number of recall@1")


def test_where_some_benchmarks_have_the_scope_these_are_judged(study: Study) -> None:
    study.effect("recall", 0.0, class_="nurse")
    study.effect("recall", 0.0, benchmark="imagenet")
    result = study.judge({"metric": "recall", "limit": 0.1})
    assert [(row.benchmark, row.status) for row in result.rows] == [("imagenet", "pass")]
    assert "on facet, recall (any, each_class)" in result.problems[0].what
    assert study.judge({"metric": "recall", "limit": 0.1, "benchmark": "imagenet"}).exit_code == 0


def test_a_number_that_only_one_variant_lacks_is_an_error_of_this_variant(study: Study) -> None:
    study.effect("recall", 0.0)
    study.effect("accuracy", 0.0, quantizer="int4")
    result = study.judge({"metric": "recall", "limit": 0.1})
    assert [(row.quantizer, row.status) for row in result.rows] == [("int4", "error"), ("int8", "pass")]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"metric": "acuracy"}, "did you mean 'accuracy'?"),
        ({"metric": "acuracy", "optional": True}, "did you mean 'accuracy'?"),
        ({"metric": "top1", "benchmark": "facet"}, "facet has no metric 'top1'"),
        ({"benchmark": "facets"}, "no benchmark of this run is called 'facets'; did you mean 'facet'?"),
        ({"models": ["b32", "b23"]}, "no model of this run is called 'b23'; did you mean 'b32'?"),
        ({"quantizers": "int4"}, "no quantizer of this run is called 'int4'; did you mean 'int8'?"),
        ({"by": "skin_ton"}, "did you mean 'skin_tone'?"),
        ({"by": ["age", "skin_ton"]}, "it has no number of 'skin_ton'; did you mean 'skin_tone'?"),
        ({"groups": ["age=older", "age=old"]}, "it has no number of 'age=old'"),
        ({"limit": 1.0}, "is a fraction: 0.01 is one percentage point"),  # one point was meant
        ({"limit": 2.0}, "is a fraction: 0.01 is one percentage point"),
    ],
)
def test_a_mistyped_rule_is_an_error_and_not_a_pass(
    groups: Callable[..., Study], rule: dict[str, Any], said: str
) -> None:
    result = groups().judge(GROUPS | rule)
    assert (result.status, result.exit_code, result.band) == ("error", 2, "COULD NOT EVALUATE")
    assert result.rules[0].status == "error"
    assert said in result.problems[0].what
    assert "rule r0" in result.sentence


def test_an_optional_rule_without_its_benchmark_is_left_out_and_said_to_be(groups: Callable[..., Study]) -> None:
    other = {"metric": "skew", "limit": 0.1, "optional": True}  # fairface's, which is installed
    result = groups().judge(GROUPS, other)
    assert [(r.id, r.status) for r in result.rules] == [("r0", "pass"), ("r1", "left out")]
    assert result.status == "pass"
    assert "1 rule passed, 1 left out" in result.sentence
    alone = groups().judge(other)
    assert (alone.status, alone.exit_code) == ("error", 2)
    assert "no rule of the policy applies" in alone.problems[-1].what


def test_a_rule_that_is_not_optional_needs_its_benchmark(groups: Callable[..., Study]) -> None:
    assert groups().judge({"metric": "skew", "limit": 0.1}).exit_code == 2


def test_an_optional_rule_of_groups_needs_a_benchmark_that_tells_them_apart(study: Study) -> None:
    study.cell("facet", attributes=[])
    study.effect("accuracy", 0.0)
    result = study.judge({"metric": "accuracy", "limit": 0.1}, GROUPS | {"optional": True})
    assert [(r.id, r.status) for r in result.rules] == [("r0", "pass"), ("r1", "left out")]
    assert study.judge(GROUPS).exit_code == 2


def test_cells_that_have_no_numbers_are_errors_of_each_rule_that_is_about_them(study: Study) -> None:
    study.effect("accuracy", 0.0)
    study.cell("facet", "int4", status="failed", error={"what": "no such layer", "where": "build"})
    study.cell("facet", "nf4")
    study.unpaired["b32", "nf4", "facet"] = "another limit than the baseline (5 and 6)"
    study.cell("coco", "int4", status="missing")
    result = study.judge({"metric": "accuracy", "limit": 0.1})
    assert {(r.quantizer, r.status) for r in result.rows} == {("int8", "pass"), ("int4", "error"), ("nf4", "error")}
    said = {r.quantizer: r.reason for r in result.rows}
    assert said["int4"] == "the cell is failed (build: no such layer)"
    assert "another limit" in said["nf4"]
    assert result.exit_code == 2
    assert study.judge({"metric": "accuracy", "limit": 0.1, "quantizers": "int8"}).exit_code == 0


def test_a_missing_cell_of_which_nothing_is_known_counts_for_every_rule(study: Study) -> None:
    study.effect("accuracy", 0.0)
    study.cells.append(Cell(Path("nowhere"), "b32", "int8", "unheard-of", CellStatus.MISSING, None))
    result = study.judge({"metric": "accuracy", "limit": 0.1})
    assert result.exit_code == 2
    assert study.judge({"metric": "accuracy", "limit": 0.1, "benchmark": "facet"}).exit_code == 0


def test_a_run_of_its_baseline_alone_has_nothing_to_hold_against(study: Study) -> None:
    for result in (study.judge({"metric": "main", "limit": 0.1}), study.judge_by_default()):
        assert (result.exit_code, {rule.status for rule in result.rules}) == (2, {"left out"})
        said = "this run has no variant that is compared with a baseline"
        assert result.sentence.startswith(f"The run: {said}: add a quantizer to its spec.")
        assert {rule.reason for rule in result.rules} == {said}


def test_an_empty_group_is_an_error(study: Study) -> None:
    study.effect("accuracy", 0.0, attribute="age", group="young")
    result = study.judge(GROUPS)
    assert [(r.group, r.status) for r in result.rows] == [("older", "error"), ("young", "pass")]
    assert "no item of this group" in result.rows[0].reason


CLASSES = {"metric": "recall", "scope": "each_class", "benchmark": "imagenet", "limit": 0.1}


def test_a_number_that_neither_side_has_is_left_out_and_the_rest_is_judged(study: Study) -> None:
    study.effect("recall", 0.0, benchmark="imagenet", class_="tench")
    study.effect("recall", np.nan, benchmark="imagenet", class_="goldfish", before=np.nan, n=3)
    result = study.judge(CLASSES)
    assert (result.status, result.rules[0].status) == ("pass", "pass")
    assert result.rules[0].counts == {"pass": 1, "left out": 1}
    assert (result.rows[-1].class_, result.rows[-1].reason) == ("goldfish", "it is undetermined (n = 3)")
    assert "This data cannot decide 1 number." in result.sentence


def test_what_the_benchmark_says_of_a_number_that_it_cannot_give_is_shown(study: Study) -> None:
    said = {"metric": "recall", "classes": ["goldfish"], "cause": "it has 3 images", "remedy": "Use more images."}
    study.cell("imagenet", data_info={"unavailable": [said]})
    study.effect("recall", 0.0, benchmark="imagenet", class_="tench")
    study.effect("recall", np.nan, benchmark="imagenet", class_="goldfish", before=np.nan, n=3)
    row = study.judge(CLASSES).rows[-1]
    assert (row.status, row.reason, row.remedy) == ("left out", "it has 3 images", "Use more images.")


def test_a_number_that_the_variant_alone_lacks_is_never_left_out(study: Study) -> None:
    study.effect("recall", np.nan, benchmark="imagenet", class_="tench", before=0.5)
    assert study.judge(CLASSES).exit_code == 2


def test_a_gate_in_which_nothing_could_be_judged_is_an_error_that_says_why(study: Study) -> None:
    said = {"metric": "skew@1000", "cause": "k is the whole gallery", "remedy": "Choose a smaller k."}
    study.cell("fairface", data_info={"unavailable": [said]})
    for group in ("White", "Black"):
        study.effect("skew@1000", np.nan, benchmark="fairface", attribute="race", group=group, before=np.nan)
    result = study.judge_by_default()
    assert (result.status, result.exit_code, result.band) == ("error", 2, "COULD NOT EVALUATE")
    assert "none of its 2 numbers is judged: k is the whole gallery. Choose a smaller k. " in result.sentence
    assert to_markdown(result).count("k is the whole gallery. Choose a smaller k |") == 2
    assert to_junit(result).count("k is the whole gallery. Choose a smaller k.") >= 2
    assert [(v.status, v.band) for v in result.variants] == [("error", "NOT JUDGED")]
    study.effect("accuracy", 0.0)
    result = study.judge({"role": "accuracy"}, {"role": "skew", "scope": "each_group"})
    assert (result.exit_code, result.problems[0].where) == (2, "benchmark fairface")


@pytest.mark.parametrize("scope", ["each_class", "each_group", "each_group_and_class"])
def test_a_benchmark_without_classes_is_left_out_as_one_without_groups_is(study: Study, scope: str) -> None:
    study.effect("image_to_text_recall@1", 0.0, benchmark="coco")
    rule = {"role": "accuracy", "scope": scope, "limit": 0.05}
    result = study.judge(rule, {"role": "accuracy"})
    lack = "has numbers of classes" if scope == "each_class" else "tells groups apart"
    assert [(r.id, r.status) for r in result.rules] == [("r1", "pass"), ("r0", "left out")]
    assert result.rules[1].reason == f"no benchmark of this run that has a metric with the role 'accuracy' {lack}"
    named = {"metric": "image_to_text_recall", "scope": scope, "limit": 0.05}
    assert study.judge(named).exit_code == 2
    assert study.judge(named | {"optional": True}, {"role": "accuracy"}).exit_code == 0


def test_beside_a_benchmark_with_classes_one_without_is_not_in_question(study: Study) -> None:
    study.effect("image_to_text_recall@1", 0.0, benchmark="coco")
    study.effect("recall", 0.0, class_="nurse")
    result = study.judge({"role": "accuracy", "scope": "each_class", "limit": 0.05})
    assert [(r.benchmark, r.status) for r in result.rows] == [("facet", "pass")]
    study.effect("accuracy", 0.0, quantizer="int4")
    assert study.judge({"role": "accuracy", "scope": "each_class", "limit": 0.05}).exit_code == 2


def test_a_summary_of_groups_lacks_no_group_and_says_why_it_cannot_be_decided(study: Study) -> None:
    why = "it is of the class or group that was found to be extreme: see that one's own row"
    study.effect("race_accuracy", 0.0, benchmark="attributes", attribute="race", group="White")
    none = {"method": "", "se": np.nan, "why": why}
    study.effect("race_worst_group", -0.05, benchmark="attributes", attribute="race", **none)
    result = study.judge({"metric": "race_worst_group", "scope": "any", "limit": 0.02})
    (row,) = result.rows
    assert (row.status, row.group, row.metric) == ("error", "", "race_worst_group")
    assert row.reason == f"no interval is known for this number ({why}), so nothing can be decided on it"


def test_the_documented_summaries_without_an_interval_are_those_that_have_none() -> None:
    text = " ".join((Path(__file__).resolve().parents[3] / "docs" / "gate.md").read_text(encoding="utf-8").split())
    having, lacking = (
        re.findall(r"`([a-z_]+)`", x)
        for x in re.findall(
            r"can limit those that have an interval: (.+?)\. The others have none: (.+?), the worst groups", text
        )[0]
    )
    summaries = {
        m.name: m.statistic.name
        for entry in installed().benchmarks()
        for m in entry.record.metrics
        if m.judged_as is MetricRole.SUMMARY and m.statistic and not m.name.endswith(("y_worst_group", "y_ratio"))
    }
    none = {name for name, statistic in summaries.items() if statistic in ("selected", "mean_abs_disparity")}
    own = {name for name in none if name.startswith(("race_", "gender_", "age_"))}
    assert none - own <= set(lacking)
    assert set(summaries) - none == set(having)


def test_a_suggestion_ends_with_its_question_mark(study: Study) -> None:
    study.effect("accuracy", 0.0, attribute="age", group="young")
    study.effect("accuracy", 0.0, attribute="age", group="older")
    sentence = study.judge(GROUPS | {"by": ["agee"]}).sentence
    assert "did you mean 'age'? 1 rule could not be evaluated." in sentence


@pytest.mark.parametrize("names", [{"by": "age"}, {"groups": ["older"]}, {"groups": ["age=older"]}])
@pytest.mark.parametrize("another", [False, True])
def test_what_could_not_be_compared_is_said_and_not_that_its_groups_do_not_exist(
    study: Study, names: dict[str, Any], another: bool
) -> None:
    study.cell("facet")
    study.unpaired["b32", "int8", "facet"] = "other options than in the older run"
    if another:  # one that can be compared, without ages
        study.effect("race_accuracy", 0.0, benchmark="attributes", attribute="race", group="White")
    result = study.judge({"role": "accuracy", "scope": "each_group", **names})
    assert result.exit_code == 2
    assert any("other options than in the older run" in row.reason for row in result.rows)
    assert result.problems == ()  # no name of the rule is wrong
    assert another or "other options than in the older run" in result.sentence
    typo = study.judge({"role": "accuracy", "scope": "each_group", "by": "agee"})
    assert (typo.exit_code, len(typo.problems)) == (2, int(another))
