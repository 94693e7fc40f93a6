"""The contract of a section of the report: it shows what there is, and what is missing or hostile breaks nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qbench.execution.run import execute
from qbench.plugins.registry import GROUP, Entry, Registry
from qbench.results import Results, load
from qbench.results.analysis import analysed
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.testing import tiny
from qbench.testing.base import Contract

HOOK = "qbench_report_sections"

HOSTILE = '<b>bold</b> & "quoted" {{ 7 * 7 }}'
"""A label that a user may choose: the page must show it as text, not as markup."""

FAILED = "This section failed"
"""What the page says in place of a section that raised an exception."""

WITHOUT_TORCH = f"""
import json, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "open_clip", "bitsandbytes", "torchvision"):
            raise ImportError("blocked: " + name)
sys.path[:0] = json.loads(sys.argv[1])
sys.meta_path.insert(0, Blocked())
from importlib.metadata import EntryPoint
from qbench.gate import check
from qbench.report import html
from qbench.results import load
module = EntryPoint("tested", sys.argv[2], {GROUP!r}).load()
gate = check(load(sys.argv[3]))
print(json.dumps({{x.name: html.part(load(sys.argv[3]), x, gate=gate) for x in module.{HOOK}()}}))
"""


@cache
def without_torch(module: str, folder: str, path: tuple[str, ...]) -> tuple[int, str, str]:
    """All sections of a plugin where torch cannot be imported, as JSON: exit code, standard output and error."""
    arguments = [sys.executable, "-c", WITHOUT_TORCH, json.dumps(path), module, folder]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


class ReportSectionContract(Contract):
    """Checks for a section of the report. Override `section`."""

    @pytest.fixture
    def section(self) -> str:
        """Override: the section's name, bare or as ``plugin:name``."""
        pytest.fail("override the fixture `section`")

    @pytest.fixture
    def entry(self, section: str, registry: Registry) -> Entry[Any]:
        """The record and its plugin."""
        found = [e for e in registry.entries[HOOK] if section in (e.record.name, e.qualified)]
        assert len(found) == 1, f"there are {len(found)} sections called {section!r}"
        return found[0]

    @pytest.fixture
    def full(self, tiny_clip: Path, tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A run with two quantizers, one with a hostile label, and a model that failed; do not change it."""
        good, bad = tiny.model(tiny_clip, HOSTILE), tiny.model(tiny_clip / "gone", "gone")
        quantizers = [tiny.BASELINE, tiny.QUANTIZED, {"name": tiny.PRUNED, "label": f"pruned {HOSTILE}"}]
        return _run(tmp_path_factory, "qbench-full", [good, bad], quantizers, tiny_images)

    @pytest.fixture
    def poor(self, tiny_clip: Path, tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A run of the baseline alone: there is nothing to compare."""
        return _run(tmp_path_factory, "qbench-poor", [tiny.model(tiny_clip)], [tiny.BASELINE], tiny_images)

    def test_the_title_is_one_line(self, entry: Entry[Any]) -> None:
        """It is the heading, and stands in the table of contents."""
        assert entry.record.title.strip(), "the title is empty"
        assert "\n" not in entry.record.title, "the title has several lines"

    def test_it_stands_in_the_page(self, entry: Entry[Any], full: Path) -> None:
        """With its title, and without an error; or "Not measured" says why the section is absent."""
        page = _page(load(full), entry)
        assert entry.record.title in page, "the section is not in the page"
        assert FAILED not in page, f"the section fails: {_error(page)}"

    def test_a_run_with_nothing_to_compare_is_no_error(self, entry: Entry[Any], poor: Path) -> None:
        """Effects, tests and flags are empty there."""
        page = _part(load(poor), entry)
        assert FAILED not in page, f"the section fails: {_error(page)}"

    def test_hostile_names_come_out_as_they_are(self, entry: Entry[Any], full: Path) -> None:
        """A label is a user's text: no markup, and no template."""
        page = _part(load(full), entry)
        assert "<b>bold</b>" not in page, "a label is put into the page as markup"
        assert not re.search(r"quoted\W[^<]{0,8} 49\b", page), "a label is run as a template"

    def test_the_same_results_give_the_same_page(self, entry: Entry[Any], full: Path) -> None:
        """No time, no random number, no order of a set."""
        assert _part(load(full), entry) == _part(load(full), entry), "two pages of the same results differ"

    def test_it_changes_no_result(self, entry: Entry[Any], full: Path) -> None:
        """The next section gets the same frames."""
        results = load(full)
        before = {name: getattr(results, name).copy(deep=True) for name in ("metrics", "effects", "items", "cells")}
        _part(results, entry)
        for name, frame in before.items():
            pd.testing.assert_frame_equal(getattr(results, name), frame, obj=f"results.{name}")

    def test_its_tables_can_be_exported(self, entry: Entry[Any], full: Path, poor: Path) -> None:
        """Also those of a run with nothing to compare; the same results give the same tables."""
        from qbench.report.tables import plugin_tables

        for folder in (full, poor):
            first, second = (plugin_tables(load(folder), [entry]) for _ in range(2))
            assert not first.failures, f"the tables cannot be made: {first.failures}"
            for name, table in first.tables.items():
                pd.testing.assert_frame_equal(table, second.tables[name], obj=name)

    def test_it_needs_no_torch(self, entry: Entry[Any], full: Path) -> None:
        """A run is reported where it was not made."""
        path = tuple(str(Path(p or ".").resolve()) for p in sys.path)
        code, said, complaint = without_torch(entry.plugin.module, str(full), path)
        assert code == 0, complaint
        part = json.loads(said)[entry.record.name]
        assert FAILED not in part, f"without torch the section fails: {_error(part)}"


def _run(factory: pytest.TempPathFactory, name: str, models: list[Any], quantizers: list[Any], images: Path) -> Path:
    """A small run with its analysis, made once a test session."""
    folder = factory.getbasetemp() / name
    if not (folder / "environment.json").exists():
        spec = {"name": name, "models": models, "quantizers": quantizers, "batch_size": 4}
        execute(read_spec({**spec, "benchmarks": [tiny.benchmark(images)]}), folder, cache=Cache())
        analysed(load(folder))  # kept, as a run of the command keeps it: it is not made again for each check
    return folder


def _page(results: Results, entry: Entry[Any]) -> str:
    """The section in the whole page; what others do there is not its fault."""
    from qbench.report import html

    page = html.page(results, html.Look(sections=[entry.record]))
    found = re.search(rf'<section[^>]*id="x-{entry.record.name}".*?</section>', page, re.DOTALL)
    if found is None:  # a section that yields nothing but `Text(absent=True)` is listed here, with its reason
        found = re.search(r'<section[^>]*id="not-measured".*are not on this page.*?</section>', page, re.DOTALL)
    assert found is not None, f"the page has no section called {entry.record.name!r}"
    return found.group()


def _part(results: Results, entry: Entry[Any]) -> str:
    """The section alone, as it stands in the page."""
    from qbench.report import html

    return html.part(results, entry.record, gate=_gate(results.folder))


@cache
def _gate(folder: Path) -> Any:
    """What the gate says of a run, asked once: no section changes it, being frozen."""
    from qbench.gate import check

    return check(load(folder))


def _error(page: str) -> str:
    """What the page says after "This section failed"."""
    return page[page.index(FAILED) : page.index(FAILED) + 300]
