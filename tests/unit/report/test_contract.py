"""The report's own sections keep to the contract that authors elsewhere are given."""

import re
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

from qbench.plugins.registry import GROUP, discover
from qbench.report import html
from qbench.report.sections import BUILT_IN
from qbench.results import load
from qbench.testing import ReportSectionContract

# They come with the report and by no hook: a plugin gives them a second time, so that each is handled as a stranger's.
PLUGIN = """
from dataclasses import replace

from qbench.api import hookimpl


@hookimpl
def qbench_report_sections():
    from qbench.report.sections import BUILT_IN

    yield from (replace(record) for record in BUILT_IN)
"""
MODULE = "qbench_own_sections"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    (folder / f"{MODULE}.py").write_text(PLUGIN)
    sys.path.append(str(folder))
    yield MODULE
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def pages():
    """Each run's page, made once for all sections."""
    return {}


class TestBuiltIns(ReportSectionContract):
    test_importing_the_plugin_is_light = None  # no plugin: they are imported where there is something to report

    @pytest.fixture(scope="class")
    @classmethod
    def registry(cls, plugin):
        return discover([*entry_points(group=GROUP), EntryPoint("own", plugin, GROUP)])

    @pytest.fixture(params=[record.name for record in BUILT_IN])
    def section(self, request):
        return request.param

    def test_it_stands_in_the_page(self, entry, full, pages):
        """By its own name: the page has it without being asked, or says why this run has nothing for it."""
        if full not in pages:
            pages[full] = html.page(load(full), html.Look(sections=[]))
        found = re.search(rf'<section[^>]*id="{entry.record.name}".*?</section>', pages[full], re.DOTALL)
        if found is None:
            found = re.search(r'<section[^>]*id="not-measured".*?</section>', pages[full], re.DOTALL)
            assert "Sections that are not on this page" in found.group()
        assert entry.record.title in found.group()
        assert "This section failed" not in found.group()


ABSENT = """
from qbench.api import ReportSection, Text, hookimpl


@hookimpl
def qbench_report_sections():
    yield ReportSection(
        name="absent", title="What this run lacks", render=lambda results, context: [Text("None.", absent=True)]
    )
"""


@pytest.fixture(scope="module")
def absent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("absent")
    (folder / "qbench_absent_section.py").write_text(ABSENT)
    sys.path.append(str(folder))
    yield "qbench_absent_section"
    sys.path.remove(str(folder))


class TestAbsent(ReportSectionContract):
    """A section that has nothing to show for a run, and says why, keeps to the contract."""

    @pytest.fixture(scope="class")
    @classmethod
    def registry(cls, absent):
        return discover([*entry_points(group=GROUP), EntryPoint("absent", absent, GROUP)])

    @pytest.fixture
    def section(self):
        return "absent"
