"""The report section about the cuts of the skin tones, on effects made up here."""

from types import SimpleNamespace

import pandas as pd
import pytest

from qbench.api.report import Chart, Text
from qbench_benchmarks import FACET
from qbench_benchmarks.facet_groups import attributes, other_cuts
from qbench_benchmarks.skin_tone_cuts import section

CUT = "1-3/4-6/7-10"


def effect(metric, attribute, group, change, **other):
    row = {"model": "m", "quantizer": "q", "benchmark": "facet", "metric": metric, "attribute": attribute}
    row |= {"group": group, "class": "", "change": change, "low": change - 0.01, "high": change + 0.01, "margin": 0.01}
    row |= {"baseline_value": 0.1, "value": 0.1 + change, "better": "zero"}
    return row | {"unit": "points", "verdict": "equivalent", "n": 9} | other


def results(rows, *, cuts=True, benchmarks=("facet",)):
    """What the section reads of a run's results."""
    groupings = (*attributes(CUT), *(other_cuts(CUT).values() if cuts else ()))
    done = [SimpleNamespace(benchmark=b, attributes=groupings, metrics=FACET.metrics) for b in benchmarks]
    return SimpleNamespace(done=done, effects=pd.DataFrame(rows))


def rows_of(chart):
    return [row["attribute"] for row in chart.spec["data"]["values"]]


ROWS = [
    effect("mean_abs_disparity", "skin_tone", "light-dark", 0.02),
    effect("mean_disparity", "skin_tone", "light-dark", 0.02),
    effect("mean_disparity", "skin_tone[<=4/>=6]", "light-dark", -0.01),
    effect("mean_disparity", "skin_tone[mean<=5.5]", "light-dark", 0.03),
    effect("mean_disparity", "gender", "masc-fem", 0.5),
    effect("mean_disparity", "skin_tone[1-5/6-10]", "light-dark", float("nan")),
    effect("disparity", "skin_tone", "light-dark", 0.4, **{"class": "nurse"}),
    effect("accuracy", "skin_tone", "light", 0.3),
]


def test_the_main_disparity_is_shown_under_each_cut():
    [chart] = section(results(ROWS), None)
    assert isinstance(chart, Chart)
    assert rows_of(chart) == ["skin_tone", "skin_tone[<=4/>=6]", "skin_tone[mean<=5.5]"]
    assert chart.title.startswith("mean_disparity on ")
    assert chart.note.startswith("The changes have both signs under these cuts.")
    assert "one row per change" in chart.words


def test_changes_of_one_sign_are_said_to_be_so():
    [chart] = section(results([row | {"change": abs(row["change"])} for row in ROWS]), None)
    assert chart.note.startswith("All changes have the same sign")


def test_each_benchmark_with_cuts_has_a_chart():
    other = [row | {"benchmark": "facet-2"} for row in ROWS]
    assert len(list(section(results(ROWS + other, benchmarks=("facet", "facet-2")), None))) == 2


@pytest.mark.parametrize(
    "made",
    [
        results(ROWS, cuts=False),
        results(ROWS[4:5]),
        results(ROWS, benchmarks=()),
        results(pd.DataFrame(ROWS).iloc[:0]),  # a run of the baseline alone
        results(ROWS[5:6]),  # nothing is determined
    ],
)
def test_without_cuts_it_says_that_they_were_not_measured(made):
    [text] = section(made, None)
    assert isinstance(text, Text)
    assert text.absent
