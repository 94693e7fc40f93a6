"""Error of each layer in the order of the network: a small plot a tower, a colour and a shape a quantizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.figures.palette import SERIES
from qbench.report.figures.tradeoff import SHAPES


def layers(rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str]) -> dict[str, Any]:
    """The specification of the plot.

    Parameters
    ----------
    rows : sequence of mapping
        ``tower``, ``place`` (from 1), ``error`` (per cent), ``quantizer``, ``layer``, ``said``.
    quantizers : sequence of str
        In order.
    """
    domain = list(quantizers)
    colours, shapes = ([x[i % len(x)] for i in range(len(domain))] for x in (SERIES, SHAPES))
    tip = [
        {"field": f, "type": "nominal", "title": t}
        for f, t in (("layer", "Layer"), ("quantizer", "Quantizer"), ("said", "Error"))
    ]
    return {
        "data": {"values": list(rows)},
        "facet": {"field": "tower", "type": "nominal", "title": None, "sort": None},
        "columns": 2,
        "spec": {
            "width": 330,
            "height": 170,
            "mark": {"type": "point", "filled": True, "size": 30, "opacity": 0.9},
            "encoding": {
                "x": {"field": "place", "type": "quantitative", "title": "Layer, from the input"},
                "y": {"field": "error", "type": "quantitative", "title": "Error, %"},
                "color": {
                    "field": "quantizer",
                    "type": "nominal",
                    "title": "Quantizer",
                    "scale": {"domain": domain, "range": colours},
                },
                "shape": {
                    "field": "quantizer",
                    "type": "nominal",
                    "title": "Quantizer",
                    "scale": {"domain": domain, "range": shapes},
                },
                "tooltip": tip,
            },
        },
    }
