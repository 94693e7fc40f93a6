"""Every chart of the built-in sections is valid Vega-Lite, and each kind of figure is among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair
import pytest

from qbench.plugins.report_blocks import Chart
from qbench.report.charts.before_after import before_after
from qbench.report.charts.dots import dots
from qbench.report.charts.forest import Mark, forest
from qbench.report.charts.group_bars import group_bars
from qbench.report.charts.heat_map import heat_map
from qbench.report.charts.layer_errors import layer_errors
from qbench.report.charts.scatter import scatter
from qbench.report.encodings import quantizer_encodings
from qbench.report.html import Look, sections_of
from qbench.report.palette import finished
from qbench.results import load
from qbench.vocabulary import Effect
from tests.unit.report.intervals import with_intervals

NAMES = {"model": "m", "quantizer": "q", "attribute": "age"}
MARK = Mark(
    label="a", value=-0.02, low=-0.04, high=0.9, margin=0.01, effect=Effect.WORSE, n=9, names=NAMES, wide=(-0.1, 0.1)
)
DOT = {**NAMES, "category": "c", "value": 1.0, "low": 0.5, "high": 1.5, "said": "1", "n": "9", "part": "x"}
CELL = {**NAMES, "number": "x", "shade": 1, "said": "+1", "short": "+1", "verdict": "better", "n": "9"}
LAYER = {**NAMES, "tower": "image", "place": 1, "error": 0.1, "layer": "l", "said": "0.1 %"}
POINT = {**NAMES, "accuracy": 50.0, "gap": 1.0, "megabytes": 2.0, "front": True, "speed": "not measured"}
PAIR = {**NAMES, "what": "age", "before": 1.0, "after": 2.0, "low": 0.5, "high": 9.0, "said": "1 → 2", "n": "9"}
BAR = {**NAMES, "number": "recall, %", "part": "1 to 3 of 4", "group": "age: old", "value": 50.0, "low": 49.0, "n": "9"}
BARS = [{**BAR, "high": 52.0, "said": "50.0 %", "interval": "+1.0 [0.0, +2.0]", "model": m} for m in "mno"]
SPECS = {
    "pairs": before_after([{**PAIR, "interval": "+1.0"}], ["q"], "Gap, points"),
    "pairs without intervals": before_after([{**PAIR, "interval": "+1.0", "low": None, "high": None}], ["q"], "Gap"),
    "bars": group_bars([*BARS, {**BARS[0], "part": "4 of 4"}], ["q"], ["recall, %", "skew"], ["1 to 3 of 4", "4 of 4"]),
    "bars without intervals or choices": group_bars([{**BARS[0], "low": None}], ["q"], ["recall, %"], ["1 to 1 of 1"]),
    "forest": forest([MARK], "share", "Change, points"),
    "forest without a row": forest([], "nats", "Change"),
    "dots": dots([DOT], ["q"], "Value", facet="part"),
    "dots without intervals": dots([{**DOT, "low": None}], ["q"], "Value"),
    "grid": heat_map([CELL], ["x"], ["q"]),
    "layers": layer_errors([LAYER], ["q"]),
    "trade-off": scatter([{**POINT, "accuracy_said": "", "gap_said": "", "size_said": ""}], ["q"], ("a", "b")),
}


def valid(spec: dict[str, Any]) -> Any:
    return altair.Chart.from_dict(finished(spec), validate=True)


@pytest.mark.parametrize("kind", SPECS)
def test_each_kind_of_figure_is_valid(kind: str) -> None:
    valid(SPECS[kind])


def test_a_quantizer_looks_the_same_in_every_chart() -> None:
    run = ["fp32", "a", "b", "c"]
    whole = {k: dict(zip(run, v["scale"]["range"], strict=True)) for k, v in quantizer_encodings(run, "fp32").items()}
    some = {k: v["scale"] for k, v in quantizer_encodings(["b"], order=run[1:]).items()}
    for key, looks in whole.items():
        assert len(set(looks.values())) == len(run)
        assert some[key] == {"domain": ["b"], "range": [looks["b"]]}


def test_a_wide_interval_does_not_squeeze_the_pairs() -> None:
    rows = [{**PAIR, "interval": "", "low": 0.5, "high": 3.0} for _ in range(20)]
    spec = before_after([*rows, {**PAIR, "interval": "", "high": 900.0}], ["q"], "Gap")
    low, high = spec["spec"]["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 0
    assert 3 <= high < 10


def test_a_wrong_one_is_refused() -> None:
    with pytest.raises(Exception, match="no such mark"):
        valid({**SPECS["grid"], "layer": [{"mark": {"type": "no such mark"}}]})


def test_every_chart_of_a_run_is_valid_and_has_something_to_draw(make_run: Callable[..., Any]) -> None:
    def charts(folder: Path) -> Iterator[Chart]:
        for section in sections_of(with_intervals(load(folder)), Look(sections=())):
            yield from (b for b in section.blocks if isinstance(b, Chart))

    found = list(charts(make_run(models=("openai/ViT-B-32", "laion/ViT-B-16")).write()))
    assert len(found) > 8
    names = [c.name for c in found]
    assert len(set(names)) == len(names)
    assert {"groups-facet", "groups-fairface"} <= set(names)
    assert sum(n.startswith("before-after") for n in names) >= 2
    for chart in found:
        valid(dict(chart.spec))
        assert chart.spec["data"]["values"]
        assert chart.words


def test_a_model_whose_baseline_is_at_chance_level_is_not_drawn_as_fair(empty_run: Any) -> None:
    for model, right in (("openai/ViT-B-32", 0.05), ("laion/ViT-B-16", 0.6)):
        for quantizer in ("fp32", "hf-int8"):
            empty_run.add(model, quantizer, "facet", right=right)
    found = sections_of(with_intervals(load(empty_run.write())), Look(sections=()))
    charts = [b for s in found if s.id in ("changes", "fairness") for b in s.blocks if isinstance(b, Chart)]
    assert charts
    for chart in charts:
        assert {row["model"] for row in chart.spec["data"]["values"]} == {"laion/ViT-B-16"}
        assert "void" in chart.note


@pytest.mark.parametrize(("low", "cut"), [(-0.036, False), (-0.36, True)])
def test_only_an_interval_that_is_far_wider_than_the_others_is_cut(low: float, cut: bool) -> None:
    others = [replace(MARK, value=0.0, low=-0.004, high=0.004, margin=0.02, wide=()) for _ in range(9)]
    spec = forest([replace(MARK, value=-0.026, low=low, high=-0.015, margin=0.02, wide=()), *others], "share", "Change")
    rows = spec["data"]["values"]
    assert [row["left"] for row in rows] == [cut] + [False] * 9
    assert (rows[0]["from"] == pytest.approx(100 * low)) is not cut
