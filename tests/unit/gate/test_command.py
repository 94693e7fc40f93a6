"""``qbench check``: its files, what it prints, its exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.cli.check import UNFINISHED, _report
from qbench.errors import InputError, MachineError
from qbench.policy.model import Policy, default_text
from qbench.results import Results
from qbench.runfolder.schema import EnvironmentRecord, RunRecord
from tests.unit.gate.conftest import Study

POLICY = """
version = 1
[[rule]]
id = "r"
metric = "accuracy"
scope = "overall"
limit = 0.02
undecided = "fail"
[[waiver]]
rule = "r"
until = 2026-06-30
why = "known"
"""


class Given(Results):
    """Results whose table of effects is given."""

    def __init__(self, study: Study) -> None:
        run = RunRecord(name="study", baseline="fp32", cells=())
        super().__init__(Path("nowhere"), run, study.cells, EnvironmentRecord())
        self.given = pd.DataFrame(study.rows)

    @property
    def effects(self) -> pd.DataFrame:  # type: ignore[override]
        return self.given

    def judged_by(self, policy: Policy | None) -> Results:
        return self  # the numbers are given

    @property
    def unpaired(self) -> pd.DataFrame:  # type: ignore[override]
        return pd.DataFrame(columns=["model", "quantizer", "benchmark", "reason"], dtype=str)


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY.split("[[waiver]]")[0], encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "se", "code", "band"),
    [
        (0.0, 0.001, 0, "PASS"),
        (-0.1, 0.001, 1, "FAIL"),
        (0.0, 0.1, 3, "NOT SHOWN SAFE"),
        (0.0, float("nan"), 2, "COULD NOT"),
    ],
)
def test_exit_codes_and_files(
    study: Study,
    policy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: float,
    se: float,
    code: int,
    band: str,
) -> None:
    study.effect("accuracy", change, se)
    monkeypatch.setattr("qbench.results.load", lambda folder: Given(study))
    files = {name: tmp_path / f"gate.{name}" for name in ("junit", "markdown", "json")}
    done = call("RUN", "--policy", policy, *(x for name, file in files.items() for x in (f"--{name}", file)))
    assert (done.exit_code, done.output.startswith(band)) == (code, True)
    assert json.loads(files["json"].read_text())["exit_code"] == code
    root = ET.fromstring(files["junit"].read_text())
    assert (root.get("failures") != "0", root.get("errors") != "0") == (code in (1, 3), code == 2)
    assert files["markdown"].read_text().startswith(f"### qbench check: {band}")
    assert "\x1b" not in done.output


def test_the_date_that_waivers_are_held_against_can_be_said(
    study: Study, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.effect("accuracy", -0.1)
    monkeypatch.setattr("qbench.results.load", lambda folder: Given(study))
    policy.write_text(POLICY, encoding="utf-8")
    assert call("RUN", "--policy", policy, "--today", "2026-06-30").exit_code == 0
    late = call("RUN", "--policy", policy, "--today", "2026-07-01")
    assert (late.exit_code, "it expired on 2026-06-30" in late.output) == (2, True)
    assert call("RUN", "--policy", policy, "--today", "tomorrow").exit_code == 2


def test_a_policy_or_a_run_that_cannot_be_read_overwrites_the_files_of_an_earlier_call(tmp_path: Path) -> None:
    junit = tmp_path / "gate.xml"
    junit.write_text("<testsuites failures='0' errors='0'/>")
    done = call(tmp_path, "--junit", junit)
    assert (done.exit_code, "not a qbench run" in " ".join(done.output.split())) == (2, True)
    assert ET.fromstring(junit.read_text()).get("errors") == "1"


def test_the_built_in_policy_can_be_printed() -> None:
    done = call("--print-policy")
    assert (done.exit_code, done.output) == (0, default_text())


def test_a_run_has_to_be_named() -> None:
    done = call()
    assert (done.exit_code, "no run folder is given" in done.output) == (2, True)


OUTPUTS = ("junit", "markdown", "json")


def outputs(folder: Path) -> list[object]:
    """The options that name one file per format, each with the answer of an earlier call."""
    for name in OUTPUTS:
        (folder / name).write_text("passed", encoding="utf-8")
    return [part for name in OUTPUTS for part in (f"--{name}", folder / name)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no run folder is given"),
        (("absent",), "absent"),
        (("RUN", "--today", "tomorrow"), "is not a date"),
        (("RUN", "--map", "a=b"), "there is no older run"),
        (("RUN", "--policy", "absent.toml"), "absent.toml"),
        (("RUN", "--polciy", "policy.toml"), "No such option: --polciy"),
        (("RUN", "MORE"), "unexpected extra argument"),
        (("RUN", "--verbose=yes"), "does not take a value"),
    ],
)
def test_whatever_is_wrong_replaces_the_answer_of_an_earlier_call(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if "RUN" in arguments:
        monkeypatch.setattr("qbench.results.load", lambda folder: Given(study))
    done = call(*arguments, *outputs(tmp_path))
    assert (done.exit_code, said in " ".join(done.output.split())) == (2, True)
    for name in OUTPUTS:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert said in text
        assert "passed" not in text


def test_a_wrong_option_replaces_the_answer_in_a_file_that_is_given_with_an_equals_sign(tmp_path: Path) -> None:
    outputs(tmp_path)
    done = call("RUN", f"--json={tmp_path / 'json'}", "--unknown", "--junit")
    assert done.exit_code == 2
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))["band"] == "COULD NOT EVALUATE"
    assert (tmp_path / "junit").read_text(encoding="utf-8") == "passed"  # which is not named


def test_help_leaves_the_files_as_they_are(tmp_path: Path) -> None:
    assert call(*outputs(tmp_path), "--help").exit_code == 0
    assert {(tmp_path / name).read_text(encoding="utf-8") for name in OUTPUTS} == {"passed"}


def test_several_errors_of_a_policy_are_told_apart_on_one_line(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qbench.results.load", lambda folder: Given(study))
    file, out = tmp_path / "policy.toml", tmp_path / "gate.json"
    file.write_text('version = 1\nrules = 1\n[[rule]]\nid = "r"\nmetric = "m"\nscope = "all"\n', encoding="utf-8")
    call("RUN", "--policy", file, "--json", out)
    assert "2 errors: (1) rule.0.scope: " in json.loads(out.read_text(encoding="utf-8"))["sentence"]


def test_a_defect_is_no_failure_and_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> Results:
        raise KeyError("p_value")

    monkeypatch.setattr("qbench.results.load", broken)
    done = call("RUN", *outputs(tmp_path))
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert "KeyError: 'p_value'" in done.exception.what
    assert isinstance(done.exception.__cause__, KeyError)
    for name in OUTPUTS:
        assert UNFINISHED in (tmp_path / name).read_text(encoding="utf-8")


def test_a_check_that_is_killed_leaves_no_answer_of_an_earlier_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path) -> Results:
        raise KeyboardInterrupt

    monkeypatch.setattr("qbench.results.load", killed)
    done = call("RUN", *outputs(tmp_path))
    assert done.exit_code == 130
    assert "Stopped. Nothing is lost: run the same command again to continue." in done.output
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))["band"] == "COULD NOT EVALUATE"
    assert ET.fromstring((tmp_path / "junit").read_text(encoding="utf-8")).get("errors") == "1"


def test_a_file_that_cannot_be_written_is_said_and_the_others_are_written(tmp_path: Path) -> None:
    options = outputs(tmp_path)
    (tmp_path / "junit").unlink()
    (tmp_path / "junit").mkdir()
    done = call(tmp_path, *options)
    assert isinstance(done.exception, MachineError)
    assert done.exception.exit_code == 2
    assert str(tmp_path / "junit") in str(done.exception)
    assert "COULD NOT EVALUATE" in (tmp_path / "markdown").read_text(encoding="utf-8")


@pytest.mark.parametrize(("change", "code"), [(-0.1, 1), (0.0, 0)])
def test_a_reader_that_ends_early_does_not_change_the_exit_code(
    study: Study, policy: Path, monkeypatch: pytest.MonkeyPatch, change: float, code: int
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def fileno(self) -> int:
            return 1

    study.effect("accuracy", change, 0.001)
    monkeypatch.setattr("qbench.results.load", lambda folder: Given(study))
    monkeypatch.setattr("os.dup2", lambda *files: None)
    monkeypatch.setattr("sys.stdout", Gone())
    with pytest.raises(SystemExit) as ended:
        app(["check", "RUN", "--policy", str(policy)])
    assert ended.value.code == code


def test_a_wrong_option_before_the_command_leaves_no_earlier_answer(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("junit", "markdown", "json")}
    for file in files.values():
        file.write_text("PASS", encoding="utf-8")
    options = [x for name, file in files.items() for x in (f"--{name}", str(file))]
    assert CliRunner().invoke(app, ["--no-such-option", "check", "RUN", *options]).exit_code == 2
    assert json.loads(files["json"].read_text())["band"] == "COULD NOT EVALUATE"
    assert all("No such option" in file.read_text(encoding="utf-8") for file in files.values())


def test_check_names_the_page_by_the_same_policy(tmp_path: Path) -> None:
    assert _report(tmp_path, None) == ""
    (tmp_path / "report.html").touch()
    assert _report(tmp_path, None) == str(tmp_path / "report.html")
    loose = tmp_path / "loose.toml"
    assert _report(tmp_path, loose) == f"qbench report {tmp_path} --policy {loose} writes it"
    spaced = tmp_path / "r 1.toml"
    assert _report(tmp_path, spaced) == f"qbench report {tmp_path} --policy '{spaced}' writes it"
    (tmp_path / "report-loose.html").touch()
    assert _report(tmp_path, loose) == str(tmp_path / "report-loose.html")
