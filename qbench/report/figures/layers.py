"""Error of each layer in the order of the network: a small plot a tower, a colour and a shape a quantizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.figures.series import by_quantizer, marked, tips


def layers(rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str], order: Sequence[str] = ()) -> dict[str, Any]:
    """The specification of the plot.

    Parameters
    ----------
    rows : sequence of mapping
        ``tower``, ``place`` (from 1), ``error``, ``quantizer``, ``layer``, ``said``.
    quantizers : sequence of str
        In order.
    order : sequence of str
        Those of the whole run: each looks the same in every chart.
    """
    tip = tips(("layer", "Layer"), ("quantizer", "Quantizer"), ("said", "Error"))
    return {
        "data": {"values": by_quantizer(rows, quantizers)},
        "facet": {"field": "tower", "type": "nominal", "title": None, "sort": None},
        "columns": 2,
        "spec": {
            "width": 330,
            "height": 170,
            "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
            "encoding": {
                "x": {"field": "place", "type": "quantitative", "title": "Layer, from the input"},
                "y": {"field": "error", "type": "quantitative", "title": "Relative error"},
                **marked(quantizers, order=order),
                "tooltip": tip,
            },
        },
    }
