"""Dots with intervals in small charts: a number by category, with one colour and shape per quantizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.encodings import quantizer_encodings, quantizer_lane, sorted_by_quantizer, tooltip


def dots(
    rows: Sequence[Mapping[str, Any]],
    quantizers: Sequence[str],
    title: str,
    *,
    facet: str = "",
    columns: int = 2,
    width: int = 260,
    sort: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Make the specification of the chart.

    Parameters
    ----------
    rows : sequence of mapping
        ``category``, ``quantizer``, ``value``, ``low``, ``high`` (None without an interval), ``said``, ``n``, ``model``
        and, with facets, the field of the facet.
    quantizers : sequence of str
        In order.
    title : str
        The title of the axis.
    facet : str
        A field: there is one small chart per value of it.
    columns, width : int
        How many small charts are in a row, and how wide each is.
    sort : sequence of str, optional
        The order of the categories; that of the rows if not given.
    """
    signs = quantizer_encodings(quantizers)
    encoding = {
        "y": {"field": "category", "type": "nominal", "title": None, "sort": None if sort is None else list(sort)},
        "yOffset": quantizer_lane(quantizers),
        "color": signs["color"],
    }
    x = {"type": "quantitative", "title": title}
    tip = tooltip(("model", "Model"), ("quantizer", "Quantizer"), ("category", "What"), ("said", "Value"), ("n", "n"))
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "point", "filled": True, "size": 48, "opacity": 1},
            "encoding": {**encoding, "x": {**x, "field": "value"}, "shape": signs["shape"], "tooltip": tip},
        },
    ]
    if any(r["low"] is not None for r in rows):  # otherwise Vega warns about an axis without ends
        ends = {**encoding, "x": {**x, "field": "low"}, "x2": {"field": "high"}}
        layer.insert(0, {"mark": {"type": "rule", "strokeWidth": 1.6}, "encoding": ends})
    inner: dict[str, Any] = {
        "width": width,
        "height": {"step": max(9, 4 + 8 * len(quantizers)) if len(quantizers) < 3 else 10},
        "layer": layer,
    }
    if not facet:
        return {"data": {"values": sorted_by_quantizer(rows, quantizers)}, **inner}
    return {
        "data": {"values": sorted_by_quantizer(rows, quantizers)},
        "facet": {"field": facet, "type": "nominal", "title": None, "sort": None},
        "columns": columns,
        "spec": inner,
        "resolve": {"scale": {"y": "independent"}},
    }
