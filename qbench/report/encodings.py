"""What charts with one mark per quantizer share: its colour, its shape and its lane, the same in all charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qbench.report.palette import BASELINE, SERIES

SHAPES = ("square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right")
"""The shapes of quantizers, in the order of the run; the baseline is a disc."""


def quantizer_encodings(
    quantizers: Sequence[str], baseline: str = "", order: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Make the encodings ``color`` and ``shape``, which share one legend. Each can be read without the other.

    Parameters
    ----------
    quantizers : sequence of str
        Those that are drawn, in order.
    baseline : str
        The one that is drawn as a grey disc, if it is among them.
    order : sequence of str
        All quantizers of the run, if a chart has only some of them: so each looks the same in every chart.
    """
    others = [q for q in (order or quantizers) if q != baseline]
    place = {q: i for i, q in enumerate(others)}

    def scaled(values: Sequence[str], before: str) -> dict[str, Any]:
        domain = list(quantizers)
        looks = [before if q == baseline else values[place.get(q, 0) % len(values)] for q in domain]
        scale = {"domain": domain, "range": looks}
        encoding = {"field": "quantizer", "type": "nominal", "title": "Quantizer", "sort": domain, "scale": scale}
        return encoding if len(domain) > 1 else {**encoding, "legend": None}  # there is nothing to tell apart

    return {"color": scaled(SERIES, BASELINE), "shape": scaled(SHAPES, "circle")}


def sorted_by_quantizer(rows: Sequence[Mapping[str, Any]], quantizers: Sequence[str]) -> list[Mapping[str, Any]]:
    """Sort rows by quantizer, so that marks of one colour become one element of the still image."""
    place = {q: i for i, q in enumerate(quantizers)}
    return sorted(rows, key=lambda r: place.get(r["quantizer"], len(place)))


def quantizer_lane(quantizers: Sequence[str]) -> dict[str, Any]:
    """Make the encoding that gives each quantizer its place within a category."""
    return {"field": "quantizer", "type": "nominal", "sort": list(quantizers)}


def tooltip(*fields: tuple[str, str]) -> list[dict[str, Any]]:
    """Make a tooltip from pairs of ``(field, title)``."""
    return [{"field": field, "type": "nominal", "title": title} for field, title in fields]


def small_multiples(
    rows: Sequence[Mapping[str, Any]], field: str, layer: Sequence[Any], *, columns: int, width: int, step: int
) -> dict[str, Any]:
    """Make one small chart per value of a field, in the order of the rows; each lane is `step` pixels high."""
    order = list(dict.fromkeys(r[field] for r in rows))
    return {
        "facet": {"field": field, "type": "nominal", "title": None, "sort": order},
        "columns": columns,
        "spec": {"width": width, "height": {"step": step, "for": "offset"}, "layer": list(layer)},
    }
