"""Numbers that this data cannot decide are left out in advance, by numbers of items alone, and can still fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.gate.conftest import Study, bounds

COUNTS: dict[str, Any] = {"method": "tango", "deff1": 1.0}
CLASS = {"metric": "recall", "scope": "each_class", "benchmark": "imagenet"}
SKEW = {"role": "skew", "scope": "each_group"}


def of_class(study: Study, n: int, gain: int = 0, loss: int = 0, **more: Any) -> Any:
    counts = {"n1": n, "gain1": gain, "loss1": loss, **COUNTS, **more}
    study.effect("recall", (gain - loss) / n, benchmark="imagenet", class_="tench", n=n, **counts)
    return study


def test_a_class_of_fifty_images_can_never_be_decided_and_says_how_many_would_do(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    row = of_class(study, 50).judge({"role": "accuracy"}, CLASS).rows[-1]
    assert (row.status, row.counts, row.limit) == ("left out", "", 0.05)
    assert row.reason == "50 items are too few: without any flip they still allow a change beyond the limit"
    assert row.remedy == "Use at least 73 items."


@pytest.mark.parametrize(("n", "status"), [(72, "left out"), (73, "pass")])
def test_the_items_that_it_names_are_the_least_with_which_a_share_can_pass(n: int, status: str) -> None:
    study = Study()
    study.effect("top1", 0.0, benchmark="imagenet")
    rows = of_class(study, n).judge({"role": "accuracy"}, CLASS).rows
    assert [row.status for row in rows if row.metric == "recall"] == [status]


@pytest.mark.parametrize(("gain", "loss"), [(0, 0), (1, 1), (5, 2), (0, 3)])
def test_whether_a_share_is_left_out_does_not_depend_on_its_answers(study: Study, gain: int, loss: int) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    rows = of_class(study, 50, gain, loss, deff1=1.7).judge({"role": "accuracy"}, CLASS).rows
    assert [row.status for row in rows if row.metric == "recall"] == ["left out"]


def test_a_proven_loss_of_a_number_that_could_not_pass_still_fails(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    result = of_class(study, 50, 0, 30).judge({"role": "accuracy"}, CLASS)
    assert (result.status, result.rows[0].metric) == ("fail", "recall")


def test_a_loss_that_was_seen_is_inconclusive_rather_than_left_out(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    for name in map(str, range(40)):
        study.effect("recall", 0.0, benchmark="imagenet", class_=name, n=50, n1=50, gain1=0, loss1=0, **COUNTS)
    result = of_class(study, 50, 0, 9).judge({"role": "accuracy"}, CLASS)
    lost = [row for row in result.rows if row.class_ == "tench"]
    assert [row.status for row in lost] == ["inconclusive"]
    assert lost[0].reason.startswith("the interval lies beyond the limit, but no longer when it is adjusted")
    assert result.status == "warn"  # the gate says that it is not shown safe


def test_a_proven_gain_of_a_number_that_could_not_pass_without_a_flip_passes(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    rows = of_class(study, 50, 20, 0).judge({"role": "accuracy"}, CLASS | {"inconclusive": "fail"}).rows
    assert [row.status for row in rows if row.metric == "recall"] == ["pass"]


def test_a_rule_that_fails_what_is_inconclusive_leaves_nothing_out_for_lack_of_data(study: Study) -> None:
    study.effect("top1", 0.0, benchmark="imagenet")
    result = of_class(study, 50).judge({"role": "accuracy"}, CLASS | {"inconclusive": "fail"})
    assert (result.exit_code, result.rows[0].status, result.rows[0].remedy) == (
        3,
        "inconclusive",
        "Use at least 73 items.",
    )


def test_a_disparity_of_few_persons_is_left_out_too(study: Study) -> None:
    study.effect("accuracy", 0.0)
    counts = {"n1": 40.0, "n2": 900.0, **dict.fromkeys(("gain1", "loss1", "gain2", "loss2"), 1.0), "rho": 0.1}
    study.effect(
        "disparity", 0.0, attribute="age", group="older-young", class_="nurse", method="mover", deff1=1.0, deff2=1.0,
        **counts,
    )  # fmt: skip
    row = study.judge({"role": "accuracy"}, {"role": "gap", "scope": "each_class"}).rows[-1]
    assert (row.status, row.limit) == ("left out", 0.05)
    assert row.reason.startswith("40 and 900 items are too few")


@pytest.mark.parametrize(("share", "status"), [(0.0499, "left out"), (0.0501, "pass")])
def test_a_skew_needs_fifty_expected_hits_at_a_limit_of_a_tenth(study: Study, share: float, status: str) -> None:
    study.shares["fairface"] = {("race", "White"): share, ("race", "Black"): 0.4}
    for group in ("White", "Black"):
        study.effect("skew@1000", 0.0, benchmark="fairface", attribute="race", group=group, before=0.3)
    rows = {row.group: row for row in study.judge(SKEW).rows}
    assert {group: row.status for group, row in rows.items()} == {"White": status, "Black": "pass"}
    if status == "left out":
        assert "about 50 of the top 1,000 are expected to be of this group" in rows["White"].reason
        assert rows["White"].remedy.startswith("Use k of at least 1,003, in a gallery that is larger")


def test_a_proven_growth_of_a_rare_skew_still_fails(study: Study) -> None:
    study.shares["fairface"] = {("race", "White"): 0.01, ("race", "Black"): 0.4}
    for group, change in (("White", 0.9), ("Black", 0.0)):
        study.effect(
            "skew@1000", change, 0.1, benchmark="fairface", attribute="race", group=group, before=0.5, sum_se=0.05
        )
    assert {row.group: row.status for row in study.judge(SKEW).rows}["White"] == "fail"


def test_without_any_flip_the_interval_of_fifty_images_is_wider_than_five_points() -> None:
    study = of_class(Study(), 50)
    low, high = bounds(study.comparison().effects, np.array([0.95]))
    assert (-low[0], high[0]) == pytest.approx((0.0713, 0.0713), abs=1e-4)
