"""The contract of a section of the report: a good one keeps to it, and broken ones are caught, each by its check."""

import importlib
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

from qbench.plugins.registry import GROUP, discover
from qbench.testing import ReportSectionContract

CODE = """
from qbench.api import ReportSection, hookimpl
from qbench.plugins.report_blocks import Template, Text

CALLS = []


def good(results, context):
    worst = results.effects.sort_values("change").head(1)
    yield Text(f"Worst of {len(results.effects)}: {', '.join(worst['quantizer'])}")


def assumes(results, context):
    yield Text(results.effects["quantizer"].iloc[0])


def marks_up(results, context):
    names = " ".join(results.metrics["model"].unique())
    yield Template("{{ names | safe }}", {"names": names})


def counts_calls(results, context):
    CALLS.append(1)
    yield Text(f"call {len(CALLS)}")


def edits(results, context):
    results.metrics["value"] = 0.0
    yield Text("done")


def computes(results, context):
    import torch

    yield Text(str(torch.tensor(1)))


def raises(results, context):
    raise RuntimeError("not this time")


@hookimpl
def qbench_report_sections():
    for render in (good, assumes, marks_up, counts_calls, edits, computes, raises):
        yield ReportSection(name=render.__name__.replace("_", "-"), title=f"Section {render.__name__}", render=render)
"""
CAUGHT = {
    "assumes": ("test_a_run_with_nothing_to_compare_is_no_error", "IndexError"),
    "marks-up": ("test_hostile_names_come_out_as_they_are", "as markup"),
    "counts-calls": ("test_the_same_results_give_the_same_page", "differ"),
    "edits": ("test_it_changes_no_result", "value"),
    "computes": ("test_it_needs_no_torch", "blocked: torch"),
    "raises": ("test_it_stands_in_the_page", "not this time"),
}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    (folder / "qbench_sections.py").write_text(CODE)
    sys.path.append(str(folder))
    yield importlib.import_module("qbench_sections")
    sys.path.remove(str(folder))


class Sections:
    @pytest.fixture
    def registry(self, plugin):
        return discover([*entry_points(group=GROUP), EntryPoint("sections", plugin.__name__, GROUP)])


class TestGood(Sections, ReportSectionContract):
    @pytest.fixture
    def section(self):
        return "good"


@pytest.fixture(params=CAUGHT)
def caught(request):
    return request.param, *CAUGHT[request.param]


class Broken(Sections, ReportSectionContract):
    """Only its fixtures are used: its name keeps pytest from collecting the checks."""

    @pytest.fixture
    def section(self, caught):
        return caught[0]


class TestBroken(Broken):
    locals().update({name: None for name in dir(ReportSectionContract) if name.startswith("test_")})

    def test_the_check_that_is_meant_for_it_catches_it(self, caught, entry, full, poor):
        _, check, said = caught
        results = {"poor": poor} if "nothing_to_compare" in check else {"full": full}
        with pytest.raises(AssertionError, match=said):
            getattr(Broken, check)(self, entry, **results)
