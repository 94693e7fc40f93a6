"""Every chart of the built-in sections is valid Vega-Lite, and each kind of figure is among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import altair
import pytest

from qbench.extension.blocks import Chart
from qbench.report.figures.dots import dots
from qbench.report.figures.forest import Mark, forest
from qbench.report.figures.grid import grid
from qbench.report.figures.layers import layers
from qbench.report.figures.palette import finished
from qbench.report.figures.tradeoff import tradeoff
from qbench.report.html import Look, sections_of
from qbench.results import load

NAMES = {"model": "m", "quantizer": "q", "attribute": "age"}
MARK = Mark(label="a", value=-0.02, low=-0.04, high=0.9, margin=0.01, sign="worse", n=9, names=NAMES, wide=(-0.1, 0.1))
DOT = {**NAMES, "category": "c", "value": 1.0, "low": 0.5, "high": 1.5, "said": "1", "n": "9", "part": "x"}
CELL = {**NAMES, "number": "x", "shade": 1, "said": "+1", "short": "+1", "verdict": "better", "n": "9"}
LAYER = {**NAMES, "tower": "image", "place": 1, "error": 0.1, "layer": "l", "said": "0.1 %"}
POINT = {**NAMES, "accuracy": 50.0, "gap": 1.0, "megabytes": 2.0, "front": True, "speed": "not measured"}
SPECS = {
    "forest": forest([MARK], "share", "Change, points"),
    "forest without a row": forest([], "nats", "Change"),
    "dots": dots([DOT], ["q"], "Value", facet="part"),
    "dots without intervals": dots([{**DOT, "low": None}], ["q"], "Value"),
    "grid": grid([CELL], ["x"], ["q"]),
    "layers": layers([LAYER], ["q"]),
    "trade-off": tradeoff([{**POINT, "accuracy_said": "", "gap_said": "", "size_said": ""}], ["q"], ("a", "b")),
}


def valid(spec: dict[str, Any]) -> Any:
    return altair.Chart.from_dict(finished(spec), validate=True)


@pytest.mark.parametrize("kind", SPECS)
def test_each_kind_of_figure_is_valid(kind: str) -> None:
    valid(SPECS[kind])


def test_a_wrong_one_is_refused() -> None:
    with pytest.raises(Exception, match="no such mark"):
        valid({**SPECS["grid"], "layer": [{"mark": {"type": "no such mark"}}]})


def test_every_chart_of_a_run_is_valid_and_has_something_to_draw(make_run: Callable[..., Any]) -> None:
    def charts(folder: Path) -> Iterator[Chart]:
        for section in sections_of(load(folder), Look(sections=())):
            yield from (b for b in section.blocks if isinstance(b, Chart))

    found = list(charts(make_run(models=("openai/ViT-B-32", "laion/ViT-B-16")).write()))
    assert len(found) > 8
    for chart in found:
        valid(dict(chart.spec))
        assert chart.spec["data"]["values"]
        assert chart.words
