"""Accuracy against disparity: a mark a variant, as large as it is in memory; those that no other beats are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.encodings import quantizer_encodings, tooltip
from qbench.report.palette import PANEL, SOFT


def undominated(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Which rows no other row equals or beats in both ``accuracy`` (high) and ``gap`` (low), and beats in one."""
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
    """The specification of the plot.

    Parameters
    ----------
    rows : sequence of mapping
        ``model``, ``quantizer``, ``accuracy``, ``gap`` (as drawn), ``megabytes``, ``speed`` (in words), ``front``.
    quantizers : sequence of str
        In order; each has a colour and a shape.
    titles : tuple of str
        Of the two axes.
    baseline : str
        Which of them is what the others are compared with.
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
        "legend": {"symbolFillColor": SOFT, "symbolStrokeColor": SOFT},  # else black, which a dark page swallows
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
