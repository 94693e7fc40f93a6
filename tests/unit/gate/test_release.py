"""A new release against the last one, with real run folders: another checkpoint, renamed labels, the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qbench.cli import app
from tests.unit.conftest import MODELS, RunFolder

POLICY = """
version = 1

[[rule]]
id = "accuracy"
metric = "main"
scope = "overall"
limit = 0.9
"""


def _run(folder: Path, model: str, fingerprint: str) -> Path:
    run = RunFolder(folder)
    for quantizer in ("fp32", "hf-int8"):
        run.add(model, quantizer, "facet")
    for record in run.records.values():
        record["model_info"]["fingerprint"] = fingerprint
        metrics = record["benchmark_info"]["metrics"]
        next(x for x in metrics if x["name"] == "accuracy")["statistic"] = {"name": "share"}
    for name, table in run.metrics.items():
        whole = (table["metric"] == "accuracy") & (table["attribute"] == "")
        table.loc[whole, "value"] = run.items[name]["correct"].mean()  # what the declared statistic makes of the items
    return run.write()


def _checked(tmp_path: Path, *arguments: str) -> dict:
    (tmp_path / "policy.toml").write_text(POLICY)
    to = tmp_path / "gate.json"
    options = ["--policy", str(tmp_path / "policy.toml"), "--json", str(to)]
    CliRunner().invoke(app, ["check", *arguments, *options])
    return json.loads(to.read_text())


def test_another_checkpoint_under_the_same_name_is_compared_and_named(tmp_path: Path) -> None:
    new, old = (
        _run(tmp_path / name, MODELS[0], fingerprint * 64) for name, fingerprint in (("new", "a"), ("old", "b"))
    )
    found = _checked(tmp_path, str(new), "--baseline", str(old))
    assert {row["status"] for row in found["rows"]} == {"pass"}
    assert {row["quantizer"] for row in found["rows"]} == {"fp32", "hf-int8"}
    said = [problem["what"] for problem in found["problems"]]
    assert any(x.startswith("another checkpoint under the same name than in the older run") for x in said)


def test_a_renamed_model_is_compared_where_the_label_is_mapped(tmp_path: Path) -> None:
    new, old = (_run(tmp_path / name, model, "a" * 64) for name, model in (("new", "ours/v2"), ("old", "ours/v1")))
    assert _checked(tmp_path, str(new), "--baseline", str(old))["exit_code"] == 2
    found = _checked(tmp_path, str(new), "--baseline", str(old), "--map", "ours/v1=ours/v2")
    assert {(row["model"], row["status"]) for row in found["rows"]} == {("ours/v2", "pass")}
    wrong = _checked(tmp_path, str(new), "--baseline", str(old), "--map", "ours/v0=ours/v2")
    assert wrong["exit_code"] == 2
    assert "no model, quantizer or benchmark 'ours/v0'" in wrong["sentence"]
    reversed_ = _checked(tmp_path, str(new), "--baseline", str(old), "--map", "ours/v2=ours/v1")
    assert reversed_["exit_code"] == 2
    assert "so write it as ours/v1=ours/v2" in reversed_["sentence"]


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    new = _run(tmp_path / "new", MODELS[0], "a" * 64)
    found = _checked(tmp_path, str(new), "--baseline", str(tmp_path / "new" / "."))
    assert (found["exit_code"], found["rows"]) == (2, [])
    assert "it is the run itself" in found["sentence"]


def test_a_page_of_the_run_alone_is_not_named_as_the_answer_to_another_comparison(tmp_path: Path) -> None:
    new, old = (_run(tmp_path / name, MODELS[0], "a" * 64) for name in ("new", "old"))
    (tmp_path / "policy.toml").write_text(POLICY)
    (new / "report-policy.html").write_text("a page by the same policy")
    told = ["check", str(new), "--policy", str(tmp_path / "policy.toml")]
    for more, named in (([], True), (["--baseline", str(old)], False), (["--map", "a=b"], False)):
        assert ("report-policy.html" in CliRunner().invoke(app, [*told, *more]).output.replace("\n", "")) is named


def test_a_map_needs_an_older_run(tmp_path: Path) -> None:
    found = _checked(tmp_path, str(_run(tmp_path / "new", MODELS[0], "a" * 64)), "--map", "a=b")
    assert found["exit_code"] == 2
    assert "Name it with --baseline" in found["sentence"]


@pytest.mark.parametrize("told", [(), ("--margin", "accuracy=0.5")])
def test_a_gate_says_that_its_margins_are_not_those_of_the_spec(tmp_path: Path, told: tuple[str, ...]) -> None:
    run = _run(tmp_path / "new", MODELS[0], "a" * 64)
    assert CliRunner().invoke(app, ["analyse", str(run), "--no-report", *told]).exit_code == 0
    warnings = [problem["what"] for problem in _checked(tmp_path, str(run))["problems"]]
    assert any("qbench analyse" in what for what in warnings) == bool(told)
