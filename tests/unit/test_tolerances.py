"""One yardstick: a policy's margins and limits decide the verdicts of the analysis and the gate alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError
from qbench.gate import check, read_policy
from qbench.results import Results, load
from qbench.results.analysis import analysed
from qbench.spec.read import read_spec

STATISTIC = {"name": "share"}
RULE = {"id": "all", "role": "accuracy", "scope": "overall"}
GROUPS = {"id": "groups", "role": "accuracy", "scope": "each_group"}


def policy(*rules: dict[str, Any], **margins: float) -> dict[str, Any]:
    return {"version": 1, "margins": margins, "rule": list(rules) or [RULE, GROUPS]}


@pytest.fixture
def run(make_run: Callable[..., Any]) -> Any:
    """Accuracies of facet that an installed statistic judges: 80 persons, of whom some are judged otherwise."""
    made = make_run(models=("openai/ViT-B-32",), benchmarks=("facet",))
    for record in made.records.values():
        for metric in record["benchmark_info"]["metrics"]:
            if metric["name"] == "accuracy":
                metric["statistic"] = STATISTIC
    for name, table in made.metrics.items():
        for row in table.index[table["metric"] == "accuracy"]:
            items, attribute = made.items[name], table.at[row, "attribute"]
            inside = items[items[attribute] == table.at[row, "group"]] if attribute else items
            table.loc[row, ["value", "n"]] = inside["correct"].mean(), len(inside)
    return made


def margins(results: Results) -> dict[tuple[str, str], float]:
    whole = results.effects[(results.effects["metric"] == "accuracy") & (results.effects["quantizer"] == "hf-int8")]
    return {
        (str(a), str(g)): float(m) for a, g, m in zip(whole["attribute"], whole["group"], whole["margin"], strict=True)
    }


def test_a_limit_is_the_margin_of_what_its_rule_judges_and_a_margin_that_of_the_rest(run: Any) -> None:
    run.run["spec"]["analysis"] = {"margins": {"facet.accuracy": 0.03, "recall": 0.08}}
    results = load(run.write())
    two = ({**GROUPS, "by": "age", "limit": 0.2}, {**GROUPS, "id": "x", "groups": ["older"], "limit": 0.1})
    judged = results.judged_by(read_policy(policy(*two)))
    found = margins(judged)
    assert (found["age", "young"], found["age", "older"], found["gender", "masc"], found["", ""]) == (
        0.2,
        0.1,
        0.03,
        0.03,
    )
    of_policy = margins(results.judged_by(read_policy(policy(**{"facet.accuracy": 0.04}))))
    assert set(of_policy.values()) == {0.04}
    recalls = judged.effects[judged.effects["metric"] == "recall"]
    assert set(recalls["margin"]) == {0.08}


def test_other_margins_change_verdicts_and_leave_the_intervals(run: Any) -> None:
    results = load(run.write())
    wide = results.judged_by(read_policy(policy(accuracy=0.9)))
    rows = wide.effects["metric"] == "accuracy"
    assert set(wide.effects.loc[rows, "verdict"]) == {"equivalent"}
    assert set(results.effects.loc[rows, "verdict"]) == {"inconclusive"}
    for column in ("low", "high", "p_holm"):
        assert np.array_equal(wide.effects[column], results.effects[column], equal_nan=True)
    assert (wide.effects.loc[rows, "needed"] < results.effects.loc[rows, "needed"]).all()
    means = wide.populations[wide.populations["metric"] == "accuracy"]
    assert set(means["margin"]) == {0.9}


@pytest.mark.parametrize("limit", [None, 0.1, 0.3, 0.8])
def test_equivalent_and_pass_never_contradict_one_another_and_need_the_same_items(
    run: Any, limit: float | None
) -> None:
    given = {} if limit is None else {"limit": limit}
    made = read_policy(policy({**RULE, **given, "inconclusive": "fail"}, {**GROUPS, **given, "inconclusive": "fail"}))
    results = load(run.write()).judged_by(made)
    keys = ["model", "quantizer", "metric", "attribute", "group"]
    effects = results.effects[results.effects["class"] == ""].set_index(keys)
    rows = [row for row in check(results, made).rows if row.unit]
    assert rows
    for row in rows:
        effect = effects.loc[tuple(getattr(row, key) for key in keys)]
        assert row.limit == effect["margin"]
        assert (-row.high, -row.low) == pytest.approx((effect["low"], effect["high"]))
        if effect["verdict"] == "equivalent":
            assert row.status == "pass"
        if row.status == "inconclusive" and row.needed_to == "pass":
            assert row.needed == np.ceil(effect["needed"])


def test_the_policy_of_the_spec_is_that_of_the_run_and_its_stored_analysis(run: Any) -> None:
    run.run["spec"]["policy"] = policy({**RULE, "limit": 0.25}, GROUPS)
    results = load(run.write())
    analysed(results)
    again = load(results.folder)
    assert margins(again)["", ""] == 0.25
    assert check(again).policy == again.run.policy
    other = check(again, policy({**RULE, "limit": 0.5}))
    assert {row.limit for row in other.rows} == {0.5}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (policy({**RULE, "limit": 1.0}), "its limit is 1, but 'accuracy' is a fraction"),
        (policy(accuracy=5.0), "is 5, which is 500 points"),
    ],
)
def test_no_verdict_is_given_with_a_limit_that_nothing_could_exceed(run: Any, wrong: dict[str, Any], said: str) -> None:
    run.run["spec"]["policy"] = wrong
    with pytest.raises(InputError, match=said):
        analysed(load(run.write()))


def test_an_analysis_of_another_policy_is_stale(run: Any) -> None:
    folder = run.write()
    analysed(load(folder))
    run.run["spec"]["policy"] = policy(accuracy=0.5)
    run.write()
    assert set(margins(load(folder)).values()) == {0.5}


def test_a_policy_without_limits_and_margins_leaves_results_as_they_are(run: Any) -> None:
    results = load(run.write())
    judged = results.judged_by(read_policy())
    pd.testing.assert_frame_equal(judged.effects, results.effects)
    assert results.judged_by(None) is results


def test_a_margin_that_no_number_has_is_refused(run: Any) -> None:
    results = load(run.write())
    with pytest.raises(InputError, match="no number of this run has the margin 'acuracy'"):
        results.judged_by(read_policy(policy(acuracy=0.1)))
    with pytest.raises(InputError, match="is above 0"):
        read_policy(policy(accuracy=0.0))


def test_a_spec_names_its_policy_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "mine.toml").write_text(
        'version = 1\n[margins]\naccuracy = 0.02\n[[rule]]\nid = "a"\nrole = "accuracy"\nscope = "overall"\n'
        '[[waiver]]\nrule = "a"\nuntil = 2030-01-01\nwhy = "known"\n',
        encoding="utf-8",
    )
    spec = 'name = "x"\nmodels = ["a/b"]\nquantizers = ["fp32"]\nbenchmarks = ["facet"]\npolicy = "gates/mine.toml"\n'
    (tmp_path / "spec.toml").write_text(spec, encoding="utf-8")
    read = read_spec(tmp_path / "spec.toml")
    assert read.policy == read_policy(tmp_path / "gates" / "mine.toml")
    assert type(read).model_validate_json(read.model_dump_json()) == read
    (tmp_path / "spec.toml").write_text(spec.replace("mine", "none"), encoding="utf-8")
    with pytest.raises(InputError, match="the file does not exist"):
        read_spec(tmp_path / "spec.toml")


def test_a_report_can_be_judged_by_another_policy(run: Any, tmp_path: Path) -> None:
    folder = run.write()
    file = tmp_path / "policy.toml"
    file.write_text(
        'version = 1\n[[rule]]\nid = "generous rule"\nrole = "accuracy"\nscope = "overall"\nlimit = 0.9\n',
        encoding="utf-8",
    )
    out = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["report", str(folder), "--policy", str(file), "--no-charts", "--out", str(out)])
    assert done.exit_code == 0, done.output
    page = out.read_text(encoding="utf-8")
    assert "generous rule" in page
    assert "accuracy of each group" not in page


def test_the_report_has_the_confidence_of_the_policy(run: Any) -> None:
    results = load(run.write())
    judged = results.judged_by(read_policy(policy() | {"decide": {"confidence": 0.8}}))
    assert (results.confidence, judged.confidence) == (0.95, 0.8)
    before, after = (x.effects[x.effects["metric"] == "accuracy"] for x in (results, judged))
    wide = np.isfinite(before["low"]) & (before["high"] > before["low"])
    assert wide.any()
    assert (after["high"] - after["low"])[wide].lt((before["high"] - before["low"])[wide]).all()
    for table in ("flips", "tests"):  # made before for the run's own confidence
        ours, narrow = (getattr(x, table) for x in (results, judged))
        known = ours["low"].notna()
        assert known.any()
        assert (narrow["high"] - narrow["low"])[known].lt((ours["high"] - ours["low"])[known]).all()
