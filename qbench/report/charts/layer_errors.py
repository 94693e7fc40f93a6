"""The error of each layer in the order of the network: one small chart per tower, one colour per quantizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.encodings import quantizer_encodings, sorted_by_quantizer, tooltip


def layer_errors(
    rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str], order: Sequence[str] = ()
) -> dict[str, Any]:
    """Make the specification of the chart.

    Parameters
    ----------
    rows : sequence of mapping
        ``tower``, ``place`` (from 1), ``error``, ``quantizer``, ``layer``, ``said``.
    quantizers : sequence of str
        In order.
    order : sequence of str
        Those of the whole run: each looks the same in every chart.
    """
    tip = tooltip(("layer", "Layer"), ("quantizer", "Quantizer"), ("said", "Error"))
    return {
        "data": {"values": sorted_by_quantizer(rows, quantizers)},
        "facet": {"field": "tower", "type": "nominal", "title": None, "sort": None},
        "columns": 2,
        "spec": {
            "width": 330,
            "height": 170,
            "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
            "encoding": {
                "x": {"field": "place", "type": "quantitative", "title": "Layer, from the input"},
                "y": {"field": "error", "type": "quantitative", "title": "Relative error"},
                **quantizer_encodings(quantizers, order=order),
                "tooltip": tip,
            },
        },
    }
