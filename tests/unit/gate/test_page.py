"""docs/gate.md says what the code does: keys, defaults, the example, the commands of the CI recipes."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from qbench.cli import app
from qbench.gate import read_policy
from qbench.policy.model import Decide, Rule, Waiver
from qbench.vocabulary import GateBand, GateStatus

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "gate.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def section(heading: str) -> str:
    return PAGE.split(f"\n{heading}\n")[1].split("\n#")[0]


@pytest.mark.parametrize(
    ("heading", "kind"), [("### `[decide]`", Decide), ("### `[[rule]]`", Rule), ("### `[[waiver]]`", Waiver)]
)
def test_every_key_is_documented_with_its_default(heading: str, kind: type[BaseModel]) -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section(heading), re.M))
    wanted: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        default = field.get_default(call_default_factory=True)
        wanted[name] = "required" if field.is_required() else "none" if default is None else f"`{json.dumps(default)}`"
    assert {k: v for k, v in documented.items() if k in wanted} == wanted


def test_the_example_is_a_policy() -> None:
    assert [r.id for r in read_policy(tomllib.loads(blocks("toml")[0])).rule] == ["overall", "each-group"]


def test_the_built_in_policy_is_explained_rule_by_rule() -> None:
    text = section("## The built-in policy")
    assert [rule.id for rule in read_policy().rule if f"| `{rule.id}`" not in text] == []


def test_exit_codes_are_as_they_are() -> None:
    documented = re.findall(r"^\| (\d) \| (.+?) \|", section("## The answer"), re.M)
    found = {status: int(code) for code, names in documented for status in re.findall(r"`(\w+)`", names)}
    assert found == {status: status.exit_code for status in GateStatus}


def test_every_band_is_explained_with_its_sign() -> None:
    documented = re.findall(r"^\| ([A-Z ]{4,}) \| `(.)` \|", section("## The answer"), re.M)
    assert documented == [(band.value, band.symbol) for band in GateBand]


@pytest.mark.parametrize("recipe", blocks("yaml"))
def test_the_commands_of_the_recipes_are_commands(recipe: str) -> None:
    loaded = yaml.safe_load(recipe)
    steps = loaded["jobs"]["gate"]["steps"] if "jobs" in loaded else [{"run": x} for x in loaded["gate"]["script"]]
    lines = [shlex.split(step["run"]) for step in steps if step.get("run", "").startswith("qbench ")]
    assert [line[1] for line in lines] == ["run", "check"]
    group = get_command(app)
    for _, name, *arguments in lines:
        group.commands[name].make_context(name, arguments, resilient_parsing=False)  # type: ignore[attr-defined]
