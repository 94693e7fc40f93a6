"""Accuracy against disparity: one mark per variant, with its size in memory; those that no other beats are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.encodings import quantizer_encodings, tooltip
from qbench.report.palette import PANEL, SOFT


def undominated(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Find the rows that no other row beats.

    A row beats another if it is at least as good in both ``accuracy`` (high) and ``gap`` (low), and better in one.
    """
    return [
        not any(
            other["accuracy"] >= row["accuracy"]
            and other["gap"] <= row["gap"]
            and (other["accuracy"], other["gap"]) != (row["accuracy"], row["gap"])
            for other in rows
        )
        for row in rows
    ]


def scatter(
    rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str], titles: tuple[str, str], baseline: str = ""
) -> dict[str, Any]:
    """Make the specification of the plot.

    Parameters
    ----------
    rows : sequence of mapping
        ``model``, ``quantizer``, ``accuracy``, ``gap`` (as drawn), ``megabytes``, ``speed`` (in words), ``front``.
    quantizers : sequence of str
        In order; each has its own colour and shape.
    titles : tuple of str
        The titles of the two axes.
    baseline : str
        The one with which the others are compared.
    """
    x = {"field": "gap", "type": "quantitative", "title": titles[1], "scale": {"zero": True}}
    y = {"field": "accuracy", "type": "quantitative", "title": titles[0], "scale": {"zero": False}}
    tip = tooltip(
        *(("model", "Model"), ("quantizer", "Quantizer"), ("accuracy_said", "Accuracy"), ("gap_said", "Gap")),
        *(("size_said", "In memory"), ("speed", "Speed")),
    )
    size = {
        "field": "megabytes",
        "type": "quantitative",
        "title": "In memory, MB",
        "scale": {"range": [40, 420], "zero": True},
        "legend": {
            "symbolFillColor": SOFT,
            "symbolStrokeColor": SOFT,
        },  # the default is black, which is not visible on a dark page
    }
    return {
        "data": {"values": list(rows)},
        "width": 460,
        "height": 300,
        "layer": [
            {
                "mark": {"type": "line", "color": SOFT, "strokeDash": [4, 3], "interpolate": "step-after"},
                "transform": [{"filter": "datum.front"}],
                "encoding": {"x": x, "y": y, "order": {"field": "gap", "type": "quantitative"}},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 0.85, "stroke": PANEL, "strokeWidth": 0.8},
                "encoding": {"x": x, "y": y, **quantizer_encodings(quantizers, baseline), "size": size, "tooltip": tip},
            },
        ],
    }
