"""Another rule never makes an answer milder, and changes no row of the rules that are there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbench.gate import GateResult, check, read_policy
from qbench.gate.result import GateRow
from qbench.results import load
from tests.unit.gate.conftest import TODAY, Study

GAPS: dict[str, Any] = {"id": "gaps", "role": "gap", "scope": "any"}
LOOSE: dict[str, Any] = {"id": "loose", "limit": 0.1, "severity": "warn"}
SEVERITY = {0: 0, 3: 1, 1: 2, 2: 3}
"""Exit code → how bad it is."""


def lossy(study: Study) -> Study:
    """A proven loss, losses that are not proven, gains, and skews that a limit below 0.1 nats leaves out."""
    for quantizer, by in (("int8", 0.0), ("int4", -0.03)):
        study.effect("accuracy", by, 0.002, quantizer=quantizer)
        for group, more, se in (("young", 0.02, 0.004), ("older", -0.01, 0.02)):
            study.effect("accuracy", by + more, se, quantizer=quantizer, attribute="age", group=group)
        gap = {"quantizer": quantizer, "attribute": "age", "group": "older-young", "before": 0.2, "sum_se": 0.005}
        study.effect("mean_disparity", 0.05 + by, 0.005, **gap)
    study.shares["fairface"] = {("race", "White"): 0.5, ("race", "Black"): 0.5}
    for group, change in (("White", 0.02), ("Black", 0.15)):
        more = {"benchmark": "fairface", "attribute": "race", "group": group, "before": 0.3}
        study.effect("skew@100", change, 0.01, **more)
    return study


STUDY = lossy(Study())
SUBJECTS: list[dict[str, Any]] = [
    {"role": "accuracy"},
    {"role": "gap"},
    {"role": "skew"},
    {"metric": "accuracy"},
    {"metric": "mean_disparity"},
    {"metric": "skew@100"},
]
RULES = st.builds(
    lambda subject, scope, **chosen: (
        subject | {"scope": scope} | {name: value for name, value in chosen.items() if value is not None}
    ),
    st.sampled_from(SUBJECTS),
    st.sampled_from(["overall", "each_group", "any"]),
    limit=st.sampled_from([None, 0.0, 0.01, 0.06, 0.3]),
    severity=st.sampled_from(["fail", "warn"]),
    inconclusive=st.sampled_from([None, "pass", "warn", "fail"]),
    quantizers=st.sampled_from([None, "int8"]),
)


def judged(*rules: dict[str, Any], adjust: str) -> GateResult:
    """The rules beside one that judges something of each variant."""
    whole = {"metric": "accuracy", "scope": "overall", "limit": 0.02}
    skews = {"role": "skew", "scope": "each_group", "limit": 0.2}
    return STUDY.judge(whole, skews, *rules, adjust=adjust)


def rows_of(result: GateResult, more: str) -> list[GateRow]:
    """Those of all other rules."""
    return [row for row in result.rows if row.rule != more]


@settings(max_examples=16, deadline=None, derandomize=True)
@given(st.lists(RULES, max_size=2), RULES)
def test_one_more_rule_never_makes_an_answer_milder(rules: list[dict[str, Any]], more: dict[str, Any]) -> None:
    adjust = "holm" if more["severity"] == "warn" else "none"
    before, after = judged(*rules, adjust=adjust), judged(*rules, more, adjust=adjust)
    assert SEVERITY[after.exit_code] >= SEVERITY[before.exit_code]
    assert after.band.rank <= before.band.rank
    binding = [repr(row) for row in before.rows if row.severity == "fail" or adjust == "none"]
    others = rows_of(after, f"r{len(rules) + 2}")
    assert sorted(binding) == sorted(repr(row) for row in others if row.severity == "fail" or adjust == "none")


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.lists(RULES, max_size=1), RULES)
def test_one_more_rule_that_can_fail_takes_only_its_part_of_the_level(
    rules: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    more = more | {"severity": "fail"}
    before, after = judged(*rules, adjust="holm"), judged(*rules, more, adjust="holm")

    def name(row: GateRow) -> tuple[str, ...]:
        return (row.rule, row.quantizer, row.benchmark, row.metric, row.attribute, row.group)

    then = {name(row): row for row in rows_of(after, f"r{len(rules) + 2}")}
    assert len(then) == len(before.rows)
    for row in before.rows:
        now = then[name(row)]
        assert repr((now.limit, now.low, now.high)) == repr((row.limit, row.low, row.high))
        assert (now.status == "pass") == (row.status == "pass")


@pytest.mark.parametrize("loose", [{"role": "gap"}, {"metric": "mean_disparity", "limit": 0.3}])
def test_a_looser_rule_that_only_warns_hides_no_proven_loss(study: Study, loose: dict[str, Any]) -> None:
    study.effect("mean_disparity", 0.05, 0.005, attribute="age", group="older-young", before=0.2, sum_se=0.005)
    result = study.judge(GAPS, {**LOOSE, "scope": "any", **loose})
    assert {row.rule: (row.status, row.limit) for row in result.rows}["gaps"] == ("fail", 0.02)
    assert (result.exit_code, result.band) == (1, "FAIL")


def test_numbers_that_one_limit_leaves_out_do_not_pass_by_another(study: Study) -> None:
    study.shares["fairface"] = {("race", "White"): 0.2, ("race", "Black"): 0.2}
    for group in ("White", "Black"):
        study.effect("skew@100", 0.0, 0.01, benchmark="fairface", attribute="race", group=group, before=0.3)
    skews: dict[str, Any] = {"role": "skew", "scope": "any"}
    result = study.judge(skews, {**LOOSE, "id": "wide", **skews, "limit": 0.3})
    assert {row.rule: (row.status, row.limit) for row in result.rows} == {
        "r0": ("left out", 0.1),  # 20 expected hits, and 50 are needed
        "wide": ("pass", 0.3),  # 17 are needed
    }
    assert (result.exit_code, len(result.problems)) == (
        2,
        1,
    )  # the rule that can fail judges nothing, and one that warns does not replace it


@pytest.mark.parametrize(
    ("rules", "margin", "limits"),
    [
        (({}, {"limit": 0.1, "severity": "warn"}), 0.06, {"r0": 0.06, "r1": 0.1}),
        (({}, {"limit": 0.1}), 0.06, {"r0": 0.06, "r1": 0.1}),
        (({}, {"limit": 0.03}), 0.03, {"r0": 0.06, "r1": 0.03}),
        (({"limit": 0.1}, {"limit": 0.01, "severity": "warn"}), 0.1, {"r0": 0.1, "r1": 0.01}),
        (({"limit": 0.1, "severity": "warn"},), 0.1, {"r0": 0.1}),
    ],
)
def test_the_margin_is_the_smallest_limit_of_the_rules_that_can_fail(
    make_run: Callable[..., Any], rules: tuple[dict[str, Any], ...], margin: float, limits: dict[str, float]
) -> None:
    whole = [{"id": f"r{at}", "metric": "accuracy", "scope": "overall", **rule} for at, rule in enumerate(rules)]
    policy = read_policy({"version": 1, "margins": {"accuracy": 0.06}, "rule": whole})
    results = load(make_run(benchmarks=("facet",)).write())
    effects = results.judged_by(policy).effects
    of_accuracy = effects[(effects["metric"] == "accuracy") & (effects["attribute"] == "")]
    assert set(of_accuracy["margin"]) == {margin}
    assert {row.rule: row.limit for row in check(results, policy, today=TODAY).rows} == limits
