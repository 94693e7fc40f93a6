"""Pairs of joined dots: a number before and after, one row per model × quantizer, one chart per gap or skew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qbench.report.encodings import quantizer_encodings, quantizer_lane, small_multiples, sorted_by_quantizer, tooltip
from qbench.report.palette import PANEL, SHADED, SOFT

LANE = 12


def before_after(rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str], title: str) -> dict[str, Any]:
    """Make the specification of the chart.

    Parameters
    ----------
    rows : sequence of mapping
        ``what`` (there is one small chart per value), ``model``, ``quantizer``, ``before``, ``after``, ``low`` and
        ``high`` (the value before plus the interval of the change; None without an interval), ``said``, ``interval``,
        ``n``.
    quantizers : sequence of str
        In order. The baseline is not among them, since it is the value before.
    title : str
        The title of the axis.
    """
    signs = quantizer_encodings(quantizers)
    end = _ends(rows)
    place = {
        "y": {"field": "model", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 200}},
        "yOffset": quantizer_lane(quantizers),
    }
    x = {"type": "quantitative", "title": title, "scale": {"domain": end, "nice": False, "zero": False}}
    tip = tooltip(
        *(("model", "Model"), ("quantizer", "Quantizer"), ("what", "Groups"), ("said", "Before → after")),
        *(("interval", "Change"), ("n", "n")),
    )
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "color": SOFT, "strokeDash": [3, 3]},
            "data": {"values": [{"zero": 0}]},
            "encoding": {"x": {**x, "field": "zero"}},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {**place, "x": {**x, "field": "before"}, "x2": {"field": "after"}, "color": signs["color"]},
        },
        {
            "mark": {"type": "point", "shape": "circle", "size": 40, "fill": PANEL, "strokeWidth": 1.6, "opacity": 1},
            "encoding": {**place, "x": {**x, "field": "before"}, "color": signs["color"]},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 48, "opacity": 1},
            "encoding": {
                **place,
                "x": {**x, "field": "after"},
                **signs,
                "tooltip": tip,
            },
        },
    ]
    if any(r["low"] is not None for r in rows):  # otherwise Vega warns about an axis without ends
        ends: dict[str, Any] = {**place, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "tooltip": tip}
        layer.insert(
            0, {"mark": {"type": "rule", "strokeWidth": LANE - 4, "color": SHADED, "clip": True}, "encoding": ends}
        )
    return {
        "data": {"values": sorted_by_quantizer(rows, quantizers)},
        **small_multiples(rows, "what", layer, columns=4, width=215, step=LANE),
    }


def _ends(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Find the ends of the axis, which holds all values and most intervals: one wide interval must not decide it."""
    values = [0.0, *(r[k] for r in rows for k in ("before", "after"))]
    for key, at in (("low", 0.1), ("high", 0.9)):
        known = [r[key] for r in rows if r[key] is not None]
        values += [float(np.quantile(known, at))] if known else []
    space = 0.04 * (max(values) - min(values)) or 1.0
    return [round(min(values) - space, 4), round(max(values) + space, 4)]
