"""Forest plots: one row per change, with its interval, the margin as a shaded area, n, and the numbers.

All rows share one axis. An interval that goes beyond it ends in an arrow, so that one wide interval does not compress
the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qbench.report import formatting
from qbench.report.palette import DOWN, INK, PANEL, SHADED, SOFT, UP
from qbench.vocabulary import Effect

WIDTH, STEP = 500, 20
BESIDE = 58, 74, 196
FAR = 1.8
"""An interval is cut by the end of the axis where it reaches so many times as far as the others need."""
"""Where the texts beside the plot stand, in pixels from its right edge: n, the change, the number before and after."""
EFFECTS = tuple(Effect)
SHAPES = ("square", "circle", "diamond", "circle", "cross")
COLOURS = (DOWN, SOFT, SOFT, UP, SOFT)
"""Of the marks, in the order of `EFFECTS`."""
LABELS = {
    "labelExpr": "slice(datum.label, 5)",  # the number of the row distinguishes rows with the same label
    **{"labelColor": INK, "labelPadding": 8},
    **{"ticks": False, "domain": False},
}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A row of a forest plot, in data units.

    Attributes
    ----------
    label : str
        The text to its left.
    value, low, high, margin : float
        The change, its interval and the margin; NaN for what is not known.
    effect : Effect
        What the verdict says: an amplified bias is worse, a reduced one is better.
    n : int
        The number of items, classes or queries behind the change.
    whole : bool
        Whether it is over all items; then its mark is larger.
    names : mapping
        ``model``, ``quantizer``, ``attribute``, …, for the filters of the page.
    wide : tuple of float
        A wider interval, such as a prediction interval, which is drawn faintly; empty if there is none.
    levels : str
        The number before and after, in words; empty if there is none.
    """

    label: str
    value: float
    low: float
    high: float
    margin: float = math.nan
    effect: Effect = Effect.INCONCLUSIVE
    n: int = 0
    whole: bool = False
    names: Mapping[str, str]
    wide: tuple[float, float] | tuple[()] = ()
    levels: str = ""


def forest(marks: Sequence[Mark], unit: str, title: str, band: str = "Margin") -> dict[str, Any]:
    """Make the specification of a forest plot.

    Parameters
    ----------
    marks : sequence of Mark
        In the order in which they are drawn.
    unit : str
        The unit of the values; ``share`` and ``points`` are drawn in percentage points.
    title : str
        The title of the axis.
    band : str
        What the shaded area is, for the tooltip.
    """
    scale = formatting.scale(unit)
    end = _end(marks) * scale
    rows = [_row(i, mark, unit, scale, end) for i, mark in enumerate(marks)]
    axis = {"tickCount": 8}
    x = {"type": "quantitative", "scale": {"domain": [-end, end], "nice": False}, "title": title, "axis": axis}
    y = {"field": "row", "type": "ordinal", "title": None, "sort": None, "axis": LABELS}
    tip = [
        {"field": field, "type": "nominal", "title": head}
        for field, head in (
            ("label", "What"),
            ("said", "Change"),
            ("levels", "Before → after"),
            ("verdict", "Verdict"),
            ("shaded", band),
            ("n", "n"),
        )
    ]
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": STEP - 5, "color": SHADED},
            "transform": [{"filter": "datum.margin > 0"}],
            "encoding": {"x": {**x, "field": "minus"}, "x2": {"field": "margin"}, "y": y},
        },
        {
            "mark": {"type": "rule", "color": SOFT, "strokeDash": [3, 3]},
            "data": {"values": [{"zero": 0}]},
            "encoding": {"x": {**x, "field": "zero"}},
        },
        {
            "mark": {"type": "rule", "color": SOFT, "strokeWidth": 1, "opacity": 0.7},
            "encoding": {"x": {**x, "field": "wide_low"}, "x2": {"field": "wide_high"}, "y": y},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2.2},
            "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "y": y, "color": _colour()},
        },
        *(
            {
                "mark": {"type": "point", "shape": shape, "filled": True, "size": 45, "opacity": 1},
                "transform": [{"filter": f"datum.{field}"}],
                "encoding": {"x": {**x, "field": at}, "y": y, "color": _colour()},
            }
            for field, at, shape in (("left", "from", "triangle-left"), ("right", "to", "triangle-right"))
        ),
        {
            "mark": {"type": "point", "opacity": 1, "strokeWidth": 1.8},
            "encoding": {
                "x": {**x, "field": "at"},
                "y": y,
                "stroke": _colour(),
                "shape": {
                    "field": "verdict",
                    "type": "nominal",
                    "scale": {"domain": list(EFFECTS), "range": list(SHAPES)},
                    "legend": None,
                },
                "fill": {
                    "condition": {"test": f"datum.verdict === '{Effect.INCONCLUSIVE}'", "value": PANEL},
                    **_colour(),
                },
                "size": {"condition": {"test": "datum.whole", "value": 150}, "value": 62},
                "tooltip": tip,
            },
        },
        _text("n_shown", BESIDE[0], "right", y),
        _text("said", BESIDE[1], "left", y),
        _text("levels", BESIDE[2], "left", y),
    ]
    return {"data": {"values": rows}, "width": WIDTH, "height": {"step": STEP}, "layer": layers}


def _colour() -> dict[str, Any]:
    scale = {"domain": list(EFFECTS), "range": list(COLOURS)}
    return {"field": "verdict", "type": "nominal", "scale": scale, "legend": None}


def _text(field: str, at: int, align: str, y: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mark": {"type": "text", "align": align, "x": {"expr": f"width + {at}"}},
        "encoding": {"text": {"field": field, "type": "nominal"}, "y": y},
    }


def _row(place: int, mark: Mark, unit: str, scale: float, end: float) -> dict[str, Any]:
    low, high = (_clipped(x * scale, end) for x in (mark.low, mark.high))
    interval = formatting.interval(mark.low, mark.high, unit) if math.isfinite(mark.low) else "no interval"
    said = f"{formatting.bare(formatting.change(mark.value, unit))} {interval}"
    margin = mark.margin * scale if math.isfinite(mark.margin) else 0.0
    return {
        **mark.names,
        "row": f"{place:04d} {_short(mark.label)}",
        "label": mark.label,
        "at": _clipped(mark.value * scale, end),
        "from": low,
        "to": high,
        "left": bool(mark.low * scale < -end),
        "right": bool(mark.high * scale > end),
        "margin": min(margin, end),
        "minus": -min(margin, end),
        "wide_low": _clipped(mark.wide[0] * scale, end) if mark.wide else None,
        "wide_high": _clipped(mark.wide[1] * scale, end) if mark.wide else None,
        "verdict": mark.effect,
        "whole": mark.whole,
        "n": f"{mark.n:,}",
        "n_shown": f"n = {mark.n:,}",
        "said": said,
        "levels": mark.levels,
        "shaded": f"±{formatting.bare(formatting.value(mark.margin, 'points' if scale > 1 else unit))}"
        if margin
        else "none",
    }


def _short(label: str) -> str:
    return label if len(label) <= 60 else f"{label[:38]}…{label[-21:]}"


def _clipped(value: float, end: float) -> float | None:
    return round(min(max(value, -end), end), 5) if math.isfinite(value) else None


def _end(marks: Sequence[Mark]) -> float:
    """Find the end of the axis, which holds all changes and margins, and all intervals unless some are far wider."""
    finite = [abs(x) for m in marks for x in (m.low, m.high) if math.isfinite(x)]
    must = [abs(m.value) * 1.15 for m in marks if math.isfinite(m.value)]
    must += [m.margin * 1.3 for m in marks if math.isfinite(m.margin)]
    end = max([*must, float(np.quantile(finite, 0.85)) * 1.05 if finite else 0.0, 1e-6])
    widest = max(finite, default=0.0) * 1.05
    return max(end, widest) if widest <= FAR * end else end
