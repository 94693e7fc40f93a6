"""Verdicts, flags, severities, waivers, and the one answer that is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy import stats

from qbench.gate.evaluate import judge
from qbench.gate.phrasing import headline, needed, needed_sentence
from qbench.policy.model import read_policy
from qbench.results.statistics import installed_statistics
from qbench.statistics.dispatch import with_power
from qbench.statistics.settings import Settings
from qbench.stats.bootstrap import LOST, NO_LENGTH, ONE
from tests.unit.gate.conftest import METHODS, TODAY, Study

GROUP = {"scope": "each_group"}
EACH = {"metric": "accuracy", "scope": "each_group", "limit": 0.02}
OVERALL = {"metric": "accuracy", "limit": 0.02}
Groups = Callable[..., Study]


def one(study: Study, change: float, se: float = 0.001, **more: Any) -> Any:
    study.effect("accuracy", change, se, **more)
    return study.judge(OVERALL)


@pytest.mark.parametrize(
    ("change", "se", "status", "gate", "code", "band"),
    [
        (0.0, 0.005, "pass", "pass", 0, "PASS"),
        (0.1, 0.005, "pass", "pass", 0, "PASS"),  # no rule limits an improvement
        (-0.05, 0.005, "fail", "fail", 1, "FAIL"),
        (-0.05, 0.05, "inconclusive", "warn", 0, "NOT SHOWN SAFE"),
        (0.0, 0.05, "inconclusive", "warn", 0, "NOT SHOWN SAFE"),
    ],
)
def test_the_interval_decides_and_not_the_point(
    study: Study, change: float, se: float, status: str, gate: str, code: int, band: str
) -> None:
    result = one(study, change, se)
    assert [r.status for r in result.rows] == [status]
    assert (result.status, result.exit_code, result.band) == (gate, code, band)


def test_an_estimate_at_the_limit_with_next_to_no_error_is_inconclusive(study: Study) -> None:
    assert one(study, -0.02, 1e-13).rows[0].status == "inconclusive"


@pytest.mark.parametrize(
    ("inconclusive", "gate", "code"), [("pass", "pass", 0), ("warn", "warn", 0), ("fail", "inconclusive", 3)]
)
def test_the_policy_says_what_is_done_with_what_is_inconclusive(
    study: Study, inconclusive: str, gate: str, code: int
) -> None:
    study.effect("accuracy", 0.0, 0.05)
    assert (
        study.judge(OVERALL, inconclusive=inconclusive).status,
        study.judge(OVERALL, inconclusive=inconclusive).exit_code,
    ) == (
        gate,
        code,
    )
    assert study.judge(OVERALL | {"inconclusive": inconclusive}).status == gate


def test_what_is_inconclusive_says_how_many_items_would_decide(study: Study) -> None:
    row = one(study, 0.0, 0.02).rows[0]
    assert (row.items, row.n) == (1000, 1000)
    # n ((1.960 + 1.282) se / limit)²: an interval within the limit on both sides, in four of five runs
    assert row.needed == pytest.approx(1000 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.9)) ** 2, abs=1)
    assert f"about {row.needed:,} items would decide if nothing changes (there are 1,000)" in row.reason


def test_more_items_of_a_skew_are_a_larger_gallery_and_a_larger_k(study: Study) -> None:
    study.shares["fairface"] = {("race", "White"): 0.5, ("race", "Black"): 0.5}
    for group in ("White", "Black"):
        study.effect("skew@1000", 0.0, 0.06, benchmark="fairface", attribute="race", group=group, before=0.3)
    row = study.judge({"role": "skew", **GROUP}).rows[0]
    k = math.ceil(1000 * row.needed / 5000)
    assert f"about {row.needed:,} items with k = {k:,} would decide if nothing changes" in row.reason
    assert "(there are 5,000 with k = 1,000)" in row.reason
    assert row.needed_k == k


def test_where_there_are_enough_items_it_names_no_number(study: Study) -> None:
    row = one(study, -0.019, 0.001).rows[0]
    assert (row.status, row.needed, row.reason) == ("inconclusive", None, "the interval contains the limit")


def test_the_number_of_items_that_would_decide_is_that_of_the_analysis(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.02, margin=0.02)
    study.effect("accuracy", -0.01, attribute="age", group="young", method="tango", n1=300, gain1=6, loss1=9, deff1=1.3)
    statistics = installed_statistics()
    needed = with_power(study.comparison().effects, Settings(), statistics)["needed"]
    rows = {r.group: r for r in study.judge({"role": "accuracy"}, {"role": "accuracy", **GROUP}).rows if r.unit}
    assert [rows[""].needed, rows["young"].needed] == np.ceil(needed).tolist()


@pytest.mark.parametrize("n", [1000, 10_600])
def test_with_the_items_that_it_names_no_change_at_all_passes_in_four_of_five(n: int) -> None:
    rng, study, se = np.random.default_rng(3), Study(), 0.02 * np.sqrt(1000 / n)
    for at in range(300):
        study.effect("accuracy", rng.normal(0, se), se, quantizer=f"q{at}")
    passed = [row.status == "pass" for row in study.judge(OVERALL, adjust="none").rows]
    assert (np.mean(passed) > 0.75) == (n > 7000)


def test_a_number_without_an_interval_cannot_be_decided_on(study: Study) -> None:
    result = one(study, 0.0, np.nan)
    assert (result.exit_code, result.rows[0].status) == (2, "error")
    assert "no interval" in result.rows[0].reason


def test_a_statistic_that_is_not_installed_is_named_where_its_stored_interval_does_not_serve(study: Study) -> None:
    for group in ("young", "older"):
        stored = {"method": "special", "statistic": "gone", "low": -0.001, "high": 0.001}
        study.effect("accuracy", 0.0, attribute="age", group=group, **stored)
    alone = study.judge(EACH, adjust="none").rows
    assert [row.status for row in alone] == ["pass", "pass"]
    adjusted = study.judge(EACH | {"limit": 0.0005}, confidence=0.99).rows
    assert [row.status for row in adjusted] == ["error", "error"]
    assert all("statistic 'gone' is not installed" in row.reason for row in adjusted)


def test_an_interval_without_width_shows_nothing(study: Study) -> None:
    assert one(study, 0.0, 0.0).rows[0].status == "inconclusive"


@pytest.mark.parametrize(
    ("flag", "status"),
    [("near-chance", "error"), ("constant", "error"), ("undetermined", "error"), ("baseline-constant", "left out")],
)
def test_numbers_that_mean_nothing_never_pass(study: Study, flag: str, status: str) -> None:
    result = one(study, 0.0, flags=f"other;{flag}")
    assert (result.rows[0].status, result.exit_code) == (status, 2)
    assert result.rows[0].flags == ("other", flag)


def test_a_model_that_guesses_still_fails_where_it_lost_its_accuracy(study: Study) -> None:
    assert one(study, -0.5, flags="near-chance").rows[0].status == "fail"


def test_of_a_model_that_guesses_no_bias_is_known_and_of_a_baseline_nothing(study: Study) -> None:
    pair = {"attribute": "age", "group": "older-young", "before": 0.1}
    study.effect("mean_abs_disparity", 0.5, flags="near-chance", **pair)
    assert study.judge({"metric": "mean_abs_disparity", "limit": 0.01}).exit_code == 2
    study.effect("accuracy", -0.5, flags="baseline-near-chance")
    assert study.judge(OVERALL).exit_code == 2


def test_what_a_baseline_only_guesses_is_left_out_and_the_rest_is_judged(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.001, attribute="age", group="older", flags="baseline-near-chance")
    study.effect("accuracy", -0.1, 0.01, attribute="age", group="young")
    result = study.judge(EACH)
    assert [(row.group, row.status) for row in result.rows] == [("young", "fail"), ("older", "left out")]
    assert result.exit_code == 1
    assert result.rows[1].remedy
    assert [problem.level for problem in result.problems] == ["warning"]
    assert result.problems[0].where == "b32 × fp32, the baseline of int8"
    because = "because its answers cannot be told from chance"
    assert result.problems[0].what == f"1 number of accuracy on facet is not judged, {because}"
    strict = study.judge(EACH | {"inconclusive": "fail"})
    assert strict.exit_code == 2


def test_the_baseline_that_only_guesses_is_named_once_and_not_the_model_that_is_compared_with_it(study: Study) -> None:
    for quantizer in ("distilled", "pruned", "int8", "int4"):
        of = {"quantizer": quantizer, "attribute": "age", "baseline_model": "teacher"}
        study.effect("accuracy", 0.0, group="older", flags="baseline-near-chance;baseline-constant", **of)
        study.effect("accuracy", 0.0, group="young", **of)
    result = study.judge(EACH)
    assert [problem.where for problem in result.problems] == [
        "teacher × fp32, the baseline of distilled, pruned, int8 and 1 other"
    ]
    assert result.problems[0].what == (
        "4 numbers of accuracy on facet are not judged, because its answers cannot be told from chance, and it gives "
        "one answer to everything"
    )
    (reason,) = {row.reason for row in result.rows if row.status == "left out"}
    assert reason == (
        "no comparison with the baseline means anything: its answers cannot be told from chance, and it gives one "
        "answer to everything"
    )


@pytest.mark.parametrize(("change", "status"), [(0.0, "inconclusive"), (0.3, "inconclusive"), (-0.3, "fail")])
def test_a_variant_that_is_no_worse_than_a_broken_one_does_not_pass(study: Study, change: float, status: str) -> None:
    assert one(study, change, flags="baseline-accuracy-lost").rows[0].status == status


def test_what_a_baseline_only_guesses_takes_no_level_from_the_other_numbers(study: Study) -> None:
    study.effect("accuracy", -0.05, 0.01, attribute="age", group="young")
    alone = _proven(study)
    study.effect("accuracy", 0.0, 0.01, attribute="age", group="older", flags="baseline-near-chance")
    assert _proven(study) == alone
    study.effect("accuracy", 0.0, 0.01, attribute="skin_tone", group="light")
    assert _proven(study) < alone


def _proven(study: Study) -> float:
    """The loss that the young have at least."""
    return next(row.proven for row in study.judge(EACH).rows if row.group == "young")


def test_a_variant_that_broke_down_has_failed_although_its_other_numbers_mean_nothing(study: Study) -> None:
    study.effect("accuracy", -0.5, 0.01, attribute="age", group="young", flags="near-chance")
    study.effect("accuracy", 0.0, 0.01, attribute="age", group="older", flags="near-chance")
    result = study.judge(EACH)
    assert [(row.group, row.status) for row in result.rows] == [("young", "fail"), ("older", "inconclusive")]
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("flag", "change", "status"),
    [
        ("accuracy-lost", 0.0, "inconclusive"),
        ("accuracy-lost", -0.3, "fail"),
    ],
)
def test_lost_accuracy_hides_gaps(study: Study, flag: str, change: float, status: str) -> None:
    assert one(study, change, flags=flag).rows[0].status == status


@pytest.mark.parametrize(
    ("change", "noise", "status"),
    [
        (0.0, 0.005, "pass"),  # no change at all, and the noise added to both ends stays within the limit
        (-0.004, 0.005, "pass"),  # a change below the noise is no reason to fail, and none not to pass
        (0.0, 0.019, "inconclusive"),  # the noise alone reaches the limit
        (-0.03, 0.04, "inconclusive"),  # beyond the limit, but other batches alone may do that
        (-0.05, 0.04, "fail"),  # above the noise
    ],
)
def test_noise_widens_the_interval_and_blocks_only_failures_below_it(
    study: Study, change: float, noise: float, status: str
) -> None:
    row = one(study, change, noise=noise, flags="below-noise" if abs(change) < noise else "").rows[0]
    assert row.status == status
    assert (row.low, row.high) == pytest.approx((-change - noise - 1.96e-3, -change + noise + 1.96e-3), abs=1e-6)


def test_every_row_passes_at_its_own_level_and_fails_at_an_adjusted_one(groups: Groups) -> None:
    study = groups(0.01, age=(0.0, 0.0), skin_tone=(-0.041, 0.0))  # 2 standard errors within, 2.1 beyond the limit
    rows = {r.group: r for r in study.judge(EACH).rows}
    assert {group: row.status for group, row in rows.items()} == {
        "light": "inconclusive",
        "young": "pass",
        "older": "pass",
        "dark": "pass",
    }
    light = rows["light"]
    assert light.low > light.limit > light.proven  # alone it would fail
    assert "when it is adjusted for the other numbers of the variant" in light.reason
    sentence = study.judge(EACH).sentence
    assert "not beyond it when adjusted for the other numbers" in sentence
    assert "rule out" not in sentence


def test_other_variants_do_not_weaken_a_failure(groups: Groups) -> None:
    study = groups(0.01, age=(-0.048, 0.0))  # 2.8 standard errors beyond: enough among four rows
    assert study.judge(EACH).rows[0].status == "fail"
    for at in range(30):
        for group in ("young", "older"):
            study.effect("accuracy", 0.0, 0.01, attribute="age", group=group, quantizer=f"q{at}")
        for group in ("light", "dark"):
            study.effect("accuracy", 0.0, 0.01, attribute="skin_tone", group=group, quantizer=f"q{at}")
    result = study.judge(EACH)
    assert [(r.quantizer, r.group) for r in result.rows if r.status == "fail"] == [("int8", "young")]
    assert [(v.quantizer, v.status, v.band) for v in result.variants][:2] == [
        ("int8", "fail", "FAIL"),
        ("q0", "pass", "PASS"),
    ]


def test_many_groups_are_adjusted_for(groups: Groups) -> None:
    study = groups(0.009, age=(-0.039, 0.0))  # 2.1 standard errors beyond the limit: enough alone, not among four
    assert study.judge(EACH, adjust="none").status == "fail"
    result = study.judge(EACH)
    assert result.status == "warn"
    assert {r.group: r.status for r in result.rows}["young"] == "inconclusive"


def test_a_loss_beyond_the_limit_of_a_rule_that_only_warns_is_a_pass_with_a_warning(groups: Groups) -> None:
    result = groups(age=(-0.1, 0.0)).judge(EACH | {"severity": "warn"})
    row, rule = result.rows[0], result.rules[0]
    assert (row.status, row.counts, row.severity, rule.status) == ("warning", "warn", "warn", "warning")
    assert (result.status, result.exit_code, result.band) == ("warn", 0, "PASS WITH WARNINGS")
    assert [v.band for v in result.variants] == ["PASS WITH WARNINGS"]
    assert row.reason == "the loss is shown to be beyond the limit; its rule only warns"
    assert "its rule only warns; n = 1,000)" in result.sentence
    assert "1 rule warned." in result.sentence
    assert "fail" not in result.sentence


def test_what_a_rule_that_only_warns_leaves_open_is_a_warning_and_not_worse_than_its_failure(groups: Groups) -> None:
    study = groups(0.05)
    for inconclusive, band in (("fail", "PASS WITH WARNINGS"), ("warn", "PASS WITH WARNINGS"), ("pass", "PASS")):
        result = study.judge(EACH | {"severity": "warn", "inconclusive": inconclusive})
        assert {row.status for row in result.rows} == {"inconclusive"}
        assert (result.exit_code, result.band, result.variants[0].band) == (0, band, band)
        assert ("Its rule only warns." in result.sentence) == (band != "PASS")


def test_a_proven_loss_that_only_warns_comes_after_what_has_to_be_shown_and_before_what_is_open(study: Study) -> None:
    for quantizer, change, se in (("open", 0.0, 0.05), ("lost", -0.1, 0.001)):
        study.effect("accuracy", change, se, quantizer=quantizer)
    warns = OVERALL | {"severity": "warn"}
    result = study.judge(warns)
    assert [(row.quantizer, row.status) for row in result.rows] == [("lost", "warning"), ("open", "inconclusive")]
    strict = study.judge(warns, OVERALL | {"quantizers": ["open"]})
    assert (strict.band, strict.rows[0].rule, strict.rows[0].quantizer) == ("NOT SHOWN SAFE", "r1", "open")
    assert [(rule.id, rule.status) for rule in strict.rules] == [("r1", "inconclusive"), ("r0", "warning")]


def test_a_failure_that_only_warns_does_not_excuse_numbers_that_mean_nothing(study: Study) -> None:
    """Beside a variant that failed they are inconclusive; this one did not fail, and would pass unseen."""
    study.effect("accuracy", -0.5, flags="near-chance")
    study.effect("recall", 0.0, flags="near-chance")
    warns, fails = OVERALL | {"severity": "warn"}, {"metric": "recall", "limit": 0.02}
    assert study.judge(OVERALL, fails).exit_code == 1
    result = study.judge(warns, fails)
    assert (result.exit_code, result.band) == (2, "COULD NOT EVALUATE")


def test_what_could_not_be_evaluated_can_be_made_to_fail_but_never_to_pass(study: Study) -> None:
    study.cell("facet", status="failed")
    assert study.judge(OVERALL).exit_code == 2
    assert study.judge(OVERALL, missing="fail").exit_code == 1
    warns = OVERALL | {"severity": "warn"}  # it would have nothing to warn of, unseen
    assert (study.judge(warns).exit_code, study.judge(warns, missing="fail").exit_code) == (2, 1)


def test_an_error_outweighs_a_failure_which_outweighs_what_is_inconclusive(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.05, quantizer="a")
    rule = OVERALL | {"inconclusive": "fail"}
    assert study.judge(rule).exit_code == 3
    study.effect("accuracy", -0.5, quantizer="b")
    assert study.judge(rule).exit_code == 1
    study.cell("facet", "c", status="failed")
    result = study.judge(rule)
    assert result.exit_code == 2
    assert [r.status for r in result.rows] == ["error", "fail", "inconclusive"]


def test_the_worst_comes_first_in_the_sentence(groups: Groups) -> None:
    result = groups(0.005, age=(-0.05, -0.09)).judge(EACH)
    assert [(r.group, r.status) for r in result.rows if r.status == "fail"] == [("older", "fail"), ("young", "fail")]
    assert result.sentence == (
        "int8 on b32: accuracy for age=older on facet loses 9.0\N{NO-BREAK SPACE}points "
        "(a loss of 8.0 to 10.0; limit 2.0\N{NO-BREAK SPACE}points; n = 1,000). 1 rule failed."
    )


def test_what_is_inconclusive_is_said_as_what_is_not_ruled_out(groups: Groups) -> None:
    result = groups(age=(0.0, -0.019)).judge(EACH)
    assert result.rows[0].status == "inconclusive"
    assert result.sentence == (
        "int8 on b32: 1,000 items do not rule out that accuracy for age=older on facet loses more than "
        "2.0\N{NO-BREAK SPACE}points "
        "(it loses 1.9\N{NO-BREAK SPACE}points; a loss of 1.7 to 2.1). "
        "The change lies near the limit, so no number of items is given. "
        "1 rule inconclusive."
    )


# --- waivers


def waiver(**more: Any) -> dict[str, Any]:
    return {"rule": "r0", "until": date(2026, 6, 30), "why": "known", **more}


def test_a_waived_failure_is_listed_and_does_not_fail(groups: Groups) -> None:
    study = groups(age=(0.0, -0.1))
    result = study.judge(EACH, waiver=[waiver(group="age=older")])
    assert (result.status, result.exit_code) == ("pass", 0)
    assert (result.rows[0].status, result.rows[0].waiver) == ("waived", "until 2026-06-30: known")
    assert result.rules[0].status == "waived"
    assert result.problems == ()


def test_a_waiver_is_for_what_it_names_only(groups: Groups) -> None:
    study = groups(age=(-0.1, -0.1))
    assert study.judge(EACH, waiver=[waiver(group="older")]).status == "fail"
    assert study.judge(EACH, waiver=[waiver(group="older"), waiver(group="age=young")]).status == "pass"
    assert study.judge(EACH, waiver=[waiver(quantizer="int8", model="b32", benchmark="facet")]).status == "pass"


def test_an_expired_waiver_is_an_error_with_its_date(groups: Groups) -> None:
    for study in (groups(age=(0.0, -0.1)), groups()):
        result = study.judge(EACH, waiver=[waiver(until=date(2026, 6, 29))])
        assert (result.status, result.exit_code) == ("error", 2)
        assert "it expired on 2026-06-29" in result.problems[0].what


@pytest.mark.parametrize(
    ("names", "said"),
    [({"group": "age=old"}, "it matches nothing"), ({"group": "older"}, "nothing that it is for fails")],
)
def test_a_waiver_that_is_not_needed_is_a_warning(groups: Groups, names: dict[str, str], said: str) -> None:
    result = groups().judge(EACH, waiver=[waiver(**names)])
    assert (result.status, result.exit_code, result.band) == ("warn", 0, "PASS WITH WARNINGS")
    assert [p.level for p in result.problems] == ["warning"]
    assert said in result.problems[0].what
    assert {v.band for v in result.variants} == {"PASS"}  # it says nothing against a variant
    assert result.sentence.endswith("1 rule passed. 1 warning is given.")


def test_a_waiver_of_what_only_warns_is_not_needed(groups: Groups) -> None:
    result = groups(age=(0.0, -0.1)).judge(EACH | {"severity": "warn"}, waiver=[waiver(group="older")])
    assert result.rows[0].status == "warning"
    assert result.problems[0].what == "it is not needed: what it is for is only a warning"


def test_a_waiver_covers_what_is_inconclusive_where_that_fails_but_no_error(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.05)
    assert study.judge(OVERALL | {"inconclusive": "fail"}, waiver=[waiver()]).exit_code == 0
    study.cell("facet", "int4", status="failed")
    assert study.judge(OVERALL, waiver=[waiver()]).exit_code == 2


@pytest.mark.parametrize(("change", "beyond"), [(-0.03, True), (-0.015, False)])
def test_the_items_that_are_needed_answer_the_question_that_is_open(study: Study, change: float, beyond: bool) -> None:
    """A loss that was found beyond the limit is not shown to be no change by more items: they would prove it."""
    study.effect("accuracy", change, 0.008, n=800)
    row = study.judge({"metric": "accuracy", "limit": 0.02}).rows[0]
    assert row.status == "inconclusive"
    if beyond:  # 800 items give 0.0157 at 2.5 %; the loss exceeds the limit by 0.01
        assert row.needed == pytest.approx(800 * (0.008 * (1.95996 + 0.84162) / 0.01) ** 2, rel=0.001)
        assert (row.needed_to, "would prove that it is beyond the limit" in row.reason) == ("fail", True)
        assert needed(row).endswith("would prove it")
    else:
        assert (row.needed_to, "would prove" in row.reason) in {("pass", False), ("", False)}


def test_more_items_are_not_said_to_prove_the_growth_of_a_gap_whose_sign_is_not_clear(study: Study) -> None:
    pair = {"attribute": "age", "group": "older-young", "before": 0.01, "sum_se": 0.1}
    study.effect("mean_disparity", 0.05, 0.03, **pair)
    row = study.judge({"role": "gap"}).rows[0]
    assert (row.status, row.needed, row.needed_to) == ("inconclusive", None, "")


@pytest.mark.parametrize("why", [NO_LENGTH, LOST, ONE])
def test_a_number_that_these_images_give_no_interval_for_is_inconclusive(study: Study, why: str) -> None:
    study.effect("accuracy", 0.0, np.nan, statistic="", why=why)
    row = study.judge({"metric": "accuracy"}).rows[0]
    assert (row.status, row.reason) == ("inconclusive", why)
    for flag, status in (("baseline-near-chance", "left out"), ("near-chance", "error")):
        study.rows[0]["flags"] = flag
        row = study.judge({"metric": "accuracy"}).rows[0]
        assert (row.status, "cannot be told from chance" in row.reason) == (status, True)
    study.rows[0].update(flags="", why="its metric has no closed form")
    assert study.judge({"metric": "accuracy"}).rows[0].status == "error"


def test_what_is_said_of_all_numbers_counts_those_that_are_left_out(study: Study) -> None:
    for group, before in (("young", 0.5), ("older", np.nan)):
        study.effect("accuracy", np.nan if np.isnan(before) else 0.0, attribute="age", group=group, before=before)
    result = study.judge(EACH)
    assert result.sentence.startswith("Numbers judged: 1 of 2, each within its limit. Nearest to it, int8 on b32: ")
    assert result.sentence.endswith("1 rule passed. This data cannot decide 1 number.")


def test_a_waived_loss_is_said_to_be_waived(groups: Groups) -> None:
    result = groups(age=(0.0, -0.1)).judge(EACH, waiver=[waiver(group="older")])
    assert (result.status, result.band) == ("pass", "PASS")
    assert "; waived until " in result.sentence


def test_what_the_policy_lets_pass_is_said(groups: Groups) -> None:
    made = groups(age=(-0.0199, -0.1))
    given = [waiver(group="older")]
    waived = "1 failure is waived until 2026-06-30: int8 on b32, accuracy on facet, age=older, loses 10.0"
    sentence = made.judge(EACH, waiver=given).sentence
    assert waived in sentence
    assert "as a pass" not in sentence
    passed = made.judge(EACH, waiver=given, inconclusive="pass")
    assert passed.band == "PASS"
    why = "It passes because the policy counts 1 inconclusive number as a pass. The worst of them: int8 on b32: "
    assert passed.sentence.startswith(why)
    assert waived in passed.sentence
    assert passed.sentence.count("as a pass") == 1
    of_page = str(headline(passed.rows))
    assert of_page.startswith("It passes because the policy counts inconclusive numbers as a pass. The worst of them: ")


def test_a_pass_that_needs_no_permission_does_not_speak_of_one(study: Study) -> None:
    study.effect("accuracy", 0.0)
    assert "as a pass" not in study.judge(OVERALL, inconclusive="pass").sentence


def test_beside_a_failure_the_inconclusive_numbers_that_pass_are_counted(groups: Groups) -> None:
    result = groups(age=(-0.0199, -0.1)).judge(EACH, inconclusive="pass")
    assert result.band == "FAIL"
    assert result.sentence.startswith("int8 on b32: accuracy for age=older on facet loses 10.0")
    assert "The policy counts 1 inconclusive number as a pass." in result.sentence


def test_with_a_limit_of_0_no_number_of_items_is_said_to_be_missing(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.001)
    result = study.judge(OVERALL | {"limit": 0.0})
    assert result.band == "NOT SHOWN SAFE"
    assert needed_sentence(result.rows[0]) == "no number of items shows that nothing is lost, as the limit is 0"
    assert "No number of items shows that nothing is lost, as the limit is 0." in result.sentence
    assert study.judge(OVERALL | {"limit": 0.01}).band == "PASS"


def test_waived_failures_are_named_whatever_stands_before_them(groups: Groups) -> None:
    """A failure, what could not be evaluated, a mistake in the policy, or another waived failure."""
    given = [waiver(group="older")]
    waived = "is waived until 2026-06-30: int8 on b32, accuracy on facet, age=older, loses 10.0"
    made = groups(age=(0.0, -0.1), skin_tone=(0.0, -0.2))
    assert f"1 failure {waived}" in made.judge(EACH, waiver=given).sentence
    both = made.judge(EACH, waiver=[*given, waiver(group="dark")]).sentence
    assert "dark on facet loses 20.0" in both
    assert f"1 other failure {waived}" in both
    assert f"1 failure {waived}" in made.judge(EACH, {**EACH, "models": ["nobody"]}, waiver=given).sentence
    made = groups(age=(0.0, -0.1), skin_tone=(0.0, -0.2))
    made.cell("facet", "int4", status="failed")
    several = made.judge(EACH, waiver=[*given, waiver(group="dark")]).sentence
    assert several.startswith("int4 on b32, accuracy on facet: the cell is failed")
    assert "dark on facet loses 20.0" in several
    assert f"1 other failure {waived}" in several


def test_what_is_waived_without_being_proven_is_not_called_a_failure(study: Study) -> None:
    study.effect("accuracy", -0.05, attribute="age", group="older")
    study.effect("accuracy", -0.01, 0.02, attribute="age", group="young")
    given = [waiver(group="young")]
    result = study.judge(EACH | {"inconclusive": "fail"}, waiver=given)
    assert [row.without_waiver for row in result.rows] == ["", "inconclusive"]
    assert "1 inconclusive number is waived until 2026-06-30: int8 on b32, accuracy on facet, age" in result.sentence
    assert "failure" not in result.sentence


def test_a_proven_loss_is_named_before_what_could_not_be_evaluated(study: Study) -> None:
    study.cell("facet", "int4", status="failed")
    study.effect("accuracy", -0.05)
    result = study.judge(OVERALL, missing="fail")
    assert [row.status for row in result.rows] == ["fail", "error"]
    assert result.rules[0].status == "fail"
    assert result.sentence.startswith("int8 on b32: accuracy on facet loses 5.0")


def test_a_number_that_could_not_be_evaluated_hides_neither_a_proven_loss_nor_what_passes(study: Study) -> None:
    study.cell("facet", "int4", status="failed")
    study.effect("accuracy", 0.0, 0.001)
    result = study.judge(OVERALL)
    assert (result.exit_code, result.rows[0].status) == (2, "error")
    assert "What could be evaluated is within its limits; nearest to its own, int8 on b32: accuracy" in result.sentence
    study.effect("accuracy", -0.05, model="l14")
    result = study.judge(OVERALL)
    assert result.sentence.startswith("int4 on b32, accuracy on facet: the cell is failed")
    assert "int8 on l14: accuracy on facet loses 5.0" in result.sentence
    of_page = str(headline([row for row in result.rows if row.model == "b32"]))
    assert of_page.startswith("int4 on b32, accuracy on facet: the cell is failed")
    assert "What could be evaluated is within its limits" in of_page


def test_a_benchmark_that_cannot_be_judged_does_not_hide_a_loss(study: Study) -> None:
    study.shares["fairface"] = {("race", "White"): 0.2, ("race", "Black"): 0.2}
    for group in ("White", "Black"):
        study.effect("skew@100", 0.0, 0.01, benchmark="fairface", attribute="race", group=group, before=0.3)
    study.effect("accuracy", -0.05)
    result = study.judge(OVERALL, {"role": "skew", "scope": "any"})
    assert (result.exit_code, result.problems[0].where) == (2, "benchmark fairface")
    assert "int8 on b32: accuracy on facet loses 5.0" in result.sentence


def test_another_confidence_is_stated(study: Study) -> None:
    study.effect("accuracy", 0.0)
    assert study.judge(OVERALL, confidence=0.8).sentence.endswith(" Intervals have 80\N{NO-BREAK SPACE}% confidence.")
    assert "confidence" not in study.judge(OVERALL).sentence


def test_a_limit_of_zero_is_said_in_words(study: Study) -> None:
    study.effect("accuracy", 0.0, 0.01)
    assert "not rule out that accuracy on facet loses at all (" in study.judge(OVERALL | {"limit": 0.0}).sentence


def test_a_model_that_no_quantizer_made_has_a_remedy_of_its_own(study: Study) -> None:
    study.effect("accuracy", 0.0, flags="near-chance")
    given = study.comparison()
    given.unquantized = frozenset({"int8"})
    policy = read_policy({"version": 1, "rule": [{"id": "r", "scope": "overall", **OVERALL}]})
    remedy = judge(given, policy, today=TODAY, methods=METHODS).rows[0].remedy
    assert remedy.startswith("Ask what this model can answer")
    assert study.judge(OVERALL).rows[0].remedy.endswith("set the quantizer to change less")
