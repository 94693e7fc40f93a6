"""Heat map: one row per model, one column per quantizer, and in each cell the change of one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.palette import HEAT, INK, PANEL

CELL = 86, 30


def heat_map(rows: Sequence[Mapping[str, Any]], numbers: Sequence[str], quantizers: Sequence[str]) -> dict[str, Any]:
    """Make the specification of a heat map. The reader chooses its number in the page.

    Parameters
    ----------
    rows : sequence of mapping
        ``number`` (one of `numbers`), ``model``, ``quantizer``, ``shade`` (−3 to 3: the number of steps above or below
        zero), ``said``, ``verdict``, ``n``.
    numbers : sequence of str
        What the reader can choose; the first is shown where scripts do not run.
    quantizers : sequence of str
        The columns, in order.
    """
    place = {
        "x": {
            "field": "quantizer",
            "type": "nominal",
            "title": None,
            "sort": list(quantizers),
            "axis": {"orient": "top", "labelAngle": 0, "labelLimit": CELL[0] - 4, "domain": False, "ticks": False},
        },
        "y": {
            "field": "model",
            "type": "nominal",
            "title": None,
            "sort": None,
            "axis": {"domain": False, "ticks": False},
        },
    }
    tip = [
        {"field": f, "type": "nominal", "title": t}
        for f, t in (
            ("model", "Model"),
            ("quantizer", "Quantizer"),
            ("number", "Number"),
            ("said", "Change"),
            ("verdict", "Verdict"),
            ("n", "n"),
        )
    ]
    shade = {
        "field": "shade",
        "type": "ordinal",
        "scale": {"domain": list(range(-3, 4)), "range": list(HEAT)},
        "legend": None,
    }
    return {
        "data": {"values": list(rows)},
        "params": [
            {
                "name": "shown",
                "value": numbers[0],
                "bind": {"input": "select", "options": list(numbers), "name": "Number "},
            }
        ],
        "usermeta": {"choices": {"shown": "number"}},
        "transform": [{"filter": "datum.number === shown"}],
        "width": {"step": CELL[0]},
        "height": {"step": CELL[1]},
        "layer": [
            {
                "mark": {"type": "rect", "stroke": PANEL, "strokeWidth": 2, "aria": False},
                "encoding": {**place, "color": shade, "tooltip": tip},
            },
            {
                "mark": {"type": "text", "color": INK},
                "encoding": {**place, "text": {"field": "short", "type": "nominal"}},
            },
        ],
    }
