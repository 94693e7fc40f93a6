"""`docs/tutorials.md`, section by section, as a new user goes through it: every file written, every command run."""

import os
import re
import shlex
import zipfile
from pathlib import Path

import pytest

from tests.process_server import REWRITE, ProcessServer

PAGE = Path(__file__).parents[2] / "docs" / "tutorials.md"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.M | re.S)
KINDS = {
    "A quantizer": "clipped",
    "A dataset": "squares",
    "A model source": "patches",
    "A benchmark": "gaps",
    "A report section": "overall",
}


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


class Shell:
    """Runs the commands of a page; ``pip install -e`` without a network: the wheel's metadata, the page's folder."""

    def __init__(self, folder: Path, cache: Path, processes: ProcessServer) -> None:
        self.folder, self.cache, self.processes = folder, cache, processes
        self.path = [os.environ.get("PYTHONPATH", "")]

    def run(self, line: str) -> str:
        words = shlex.split(line)
        if words[0] == "cd":
            self.folder /= words[1]
            return ""
        if words[:3] == ["pip", "install", "-e"]:
            return self.install()
        program = {"qbench": ["-m", "qbench.cli"], "pytest": ["-m", "pytest", "-q", *REWRITE], "python": []}[words[0]]
        environment = {"QBENCH_CACHE": str(self.cache), "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
        done = self.processes.run(
            [*program, *words[1:]],
            cwd=self.folder,
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, self.path))},
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def install(self) -> str:
        from hatchling.builders.wheel import WheelBuilder

        site = self.folder.parent / "site"
        (wheel,) = WheelBuilder(str(self.folder)).build(directory=str(site))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site, [name for name in archive.namelist() if ".dist-info/" in name])
        self.path = [str(site), str(self.folder), *self.path]
        return ""


def follow(section, shell):
    """Do what a section says; returns what each command printed."""
    said = []
    for language, file, content in BLOCK.findall(sections()[section]):
        if file:
            (shell.folder / file).write_text(content, encoding="utf-8")
        else:
            assert language == "sh"
            said += [shell.run(line) for line in content.splitlines()]
    return said


def test_a_new_statistic_is_listed(tmp_path, cache, processes):
    assert "typical" in follow("A statistic", Shell(tmp_path, cache, processes))[-1]


@pytest.mark.parametrize("section", KINDS)
def test_a_new_user_gets_to_the_report(section, tmp_path, cache, processes):
    shell = Shell(tmp_path, cache, processes)
    said = follow(section, shell)
    report = shell.folder / "qbench-runs" / KINDS[section] / "report.html"
    assert KINDS[section] in report.read_text(encoding="utf-8")
    assert "0 failed" in "".join(said)


def test_every_kind_has_a_tutorial():
    from qbench.scaffold import KINDS as KNOWN

    text = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in KNOWN if f"qbench new {kind} " not in text] == []
