"""Bars of groups: the value of each before and after, side by side; a small plot a model, the groups on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.encodings import quantizer_encodings, quantizer_lane, small_multiples, sorted_by_quantizer, tooltip
from qbench.report.palette import INK

LANE = 9


def group_bars(
    rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str], names: Sequence[str], parts: Sequence[str]
) -> dict[str, Any]:
    """Make the specification of the chart.

    Parameters
    ----------
    rows : sequence of mapping
        ``number`` (one of `names`), ``part`` (one of `parts`), ``model``, ``quantizer``, ``group``, ``value``, ``low``
        and ``high`` (None where there is no interval), ``said``, ``interval``, ``n``.
    quantizers : sequence of str
        In order, the baseline first.
    names : sequence of str
        What the reader can choose; the first is shown where scripts do not run.
    parts : sequence of str
        The names of the sets of models that fit side by side; the first is shown where scripts do not run.
    """
    signs = quantizer_encodings(quantizers, baseline=quantizers[0])
    place = {
        "y": {"field": "group", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 200}},
        "yOffset": quantizer_lane(quantizers),
    }
    x = {"type": "quantitative", "title": None}
    tip = tooltip(
        *(("model", "Model"), ("quantizer", "Quantizer"), ("group", "Group"), ("said", "Value")),
        *(("interval", "Change"), ("n", "n")),
    )
    bar = {**place, "x": {**x, "field": "value"}, "color": signs["color"]}
    layer: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "height": LANE - 3, "opacity": 0.45}, "encoding": {**bar, "tooltip": tip}},
        {
            "mark": {"type": "point", "filled": True, "size": 26, "opacity": 1},
            "encoding": {**bar, "shape": signs["shape"], "tooltip": tip},
        },
    ]
    if any(r["low"] is not None for r in rows):  # otherwise Vega warns about an axis without ends
        ends: dict[str, Any] = {**place, "x": {**x, "field": "low"}, "x2": {"field": "high"}}
        layer.insert(1, {"mark": {"type": "rule", "strokeWidth": 1.4, "color": INK}, "encoding": ends})
    choices = [
        (key, field, title, options)
        for key, field, title, options in (("shown", "number", "Number ", names), ("models", "part", "Models ", parts))
        if len(options) > 1
    ]
    return {
        "data": {"values": sorted_by_quantizer(rows, quantizers)},
        "params": [
            {"name": key, "value": options[0], "bind": {"input": "select", "options": list(options), "name": title}}
            for key, _, title, options in choices
        ],
        "usermeta": {"choices": {key: field for key, field, _, _ in choices}},
        "transform": [{"filter": f"datum.{field} === {key}"} for key, field, _, _ in choices],
        **small_multiples(rows, "model", layer, columns=3, width=220, step=LANE),
    }
