"""A policy file: what it may say, and what a wrong one is told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from qbench.errors import InputError
from qbench.gate import read_policy
from qbench.policy.model import default_text, suggest

RULE = '[[rule]]\nid = "a"\nmetric = "top1"\nscope = "overall"\nlimit = 0.01\n'


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_policy(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_default_is_a_policy_that_needs_no_file_and_can_be_started_from(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(default_text(), encoding="utf-8")
    assert read_policy(tmp_path / "mine.toml") == read_policy()
    assert all(rule.why for rule in read_policy().rule)
    assert (read_policy().decide.inconclusive, read_policy().decide.adjust) == ("warn", "holm")


def test_one_name_stands_for_a_list_of_one(tmp_path: Path) -> None:
    policy = read_policy(
        {"version": 1, "rule": [{"id": "a", "metric": "m", "scope": "overall", "limit": 1, "by": "age"}]}
    )
    assert policy.rule[0].by == ["age"]
    assert policy.rule[0].limit == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"version = 1\n{RULE}limti = 0.1\n", "unknown key 'rule.0.limti'; did you mean 'limit'?"),
        (
            f"version = 1\n[decide]\nconfidense = 0.9\n{RULE}",
            "unknown key 'decide.confidense'; did you mean 'confidence'?",
        ),
        (f"version = 1\nrules = 1\n{RULE}", "unknown key 'rules'; did you mean 'rule'?"),
        (RULE, "the key 'version' is missing"),
        (f"version = 2\n{RULE}", "version"),
        ("version = 1\n", "the key 'rule' is missing"),
        ("version = 1\nrule = []\n", "rule"),
        (f"version = 1\n{RULE}{RULE}", "two rules have the id 'a'"),
        (f"version = 1\n{RULE}role = 'accuracy'\n", "exactly one of role and metric"),
        ("version = 1\n" + RULE.replace('metric = "top1"', ""), "exactly one of role and metric"),
        ("version = 1\n" + RULE.replace('metric = "top1"', "role = 'summary'"), "restates other numbers"),
        ("version = 1\n" + RULE.replace('metric = "top1"', "role = 'acuracy'"), "rule.0.role"),
        (f"version = 1\n{RULE}max_drop = 0.1\n", "unknown key 'rule.0.max_drop'"),
        ("version = 1\n" + RULE.replace("0.01", "-0.01"), "rule.0.limit"),
        ("version = 1\n" + RULE.replace("0.01", "nan"), "rule.0.limit"),
        ("version = 1\n" + RULE.replace("0.01", "'0.01'"), "rule.0.limit"),
        ("version = 1\n" + RULE.replace("overall", "everybody"), "rule.0.scope"),
        (f"version = 1\n{RULE}groups = ['age=older']\n", "names groups, but its scope is overall"),
        (f"version = 1\n[decide]\nconfidence = 1.0\n{RULE}", "decide.confidence"),
        (f"version = 1\n[decide]\nmissing = 'pass'\n{RULE}", "decide.missing"),
        (
            f"version = 1\n{RULE}[[waiver]]\nrule = 'b'\nuntil = 2027-01-01\nwhy = 'x'\n",
            "the rule 'b', which does not exist",
        ),
        (
            f"version = 1\n{RULE}[[waiver]]\nrule = 'a'\nuntil = 'soon'\nwhy = 'x'\n",
            "waiver.0.until: 'soon' is not a date",
        ),
        (f"version = 1\n{RULE}[[waiver]]\nrule = 'a'\nuntil = 2027-01-01\n", "the key 'waiver.0.why' is missing"),
        ("version = ", "not a TOML file"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_a_policy_comes_back_from_json() -> None:
    """A run folder records its policy as JSON, which has no dates."""
    waiver = {"rule": "a", "until": date(2027, 1, 1), "why": "x"}
    rule = {
        "id": "a",
        "role": "accuracy",
        "scope": "each_group",
        "by": "age",
        "severity": "warn",
        "inconclusive": "fail",
    }
    policy = read_policy({"version": 1, "margins": {"share": 0.02}, "rule": [rule], "waiver": [waiver]})
    assert read_policy(json.loads(policy.model_dump_json())) == policy


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--print-policy"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(InputError, match="UTF-8"):
        read_policy(tmp_path / "latin.toml")


def test_the_former_name_of_the_key_of_inconclusive_rows_still_works() -> None:
    rule = {"id": "r", "metric": "main", "scope": "overall", "limit": 0.01}
    former = {"version": 1, "decide": {"undecided": "fail"}, "rule": [{**rule, "undecided": "pass"}]}
    read = read_policy(former)
    assert (read.decide.inconclusive, read.rule[0].inconclusive) == ("fail", "pass")
    assert read == read_policy(
        {"version": 1, "decide": {"inconclusive": "fail"}, "rule": [{**rule, "inconclusive": "pass"}]}
    )
    with pytest.raises(InputError, match=r"unknown key 'decide\.undecided'"):
        read_policy({**former, "decide": {"undecided": "fail", "inconclusive": "pass"}})


@pytest.mark.parametrize("key", ["max_drop", "max_growth"])
def test_the_former_names_of_a_limit_still_work(tmp_path: Path, key: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("version = 1\n" + RULE.replace("limit", key))
    assert read_policy(path).rule[0].limit == 0.01


def test_a_list_of_names_that_is_cut_says_so() -> None:
    assert suggest("x", [f"group {at}" for at in range(22)]).endswith("group 19 and 2 more")
