"""Colours of the charts and the configuration that all charts share. Sections of plugins may use them.

A specification uses the colours of the light theme. On the page, each becomes a CSS variable of the style sheet, so
that one drawing works in the light and the dark theme, in print and with forced colours; in files for papers, the
colours stay as they are. Blue and orange also differ in lightness, and every sign has a shape of its own: every chart
can be read without its colours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from qbench.text import clean

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, SOFT, GRID, LINE, PANEL = "#1d2229", "#565e69", "#e6e8ec", "#d9dce1", "#ffffff"
"""Text, less important text, grid lines, other lines, and the background of a panel."""
UP, DOWN, SHADED = "#1b5e9e", "#a84a05", "#e2e7ee"
"""Above zero, below zero, and a shaded area behind a mark: a margin, an interval or noise."""
HEAT = ("#f2a35e", "#f7c89c", "#fbe6d0", "#f3f4f6", "#d5e4f4", "#a9cbea", "#74aadb")
"""From orange (below zero) to blue (above zero), all light enough (in the dark theme: dark enough) for text on them."""
BASELINE, SERIES = "#6b7480", ("#1b5e9e", "#a84a05", "#3d8f86", "#8a5aa8", "#b08900")
"""The colour of the baseline, and the colours of the quantizers in the order of the run."""
VARIABLES = {
    **{INK: "--ink", SOFT: "--soft", GRID: "--grid", LINE: "--line", PANEL: "--panel"},
    **{UP: "--up", DOWN: "--down", SHADED: "--shaded"},
    **{shade: f"--heat-{i}" for i, shade in enumerate(HEAT)},
    **{shade: f"--series-{i}" for i, shade in enumerate((BASELINE, *SERIES[2:]), 2)},
}
"""Colour → the CSS variable that replaces it on the page."""

FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, Liberation Sans, sans-serif"
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "aria": False,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        **{"labelColor": SOFT, "titleColor": INK, "gridColor": GRID, "domainColor": LINE, "tickColor": LINE},
        **{"labelLimit": 300, "titleFontWeight": 600, "labelFontSize": 11.5, "titleFontSize": 11.5, "titlePadding": 8},
    },
    "legend": {"labelColor": INK, "titleColor": INK, "labelLimit": 260, "labelFontSize": 11.5, "titleFontSize": 11.5},
    "header": {"labelColor": INK, "titleColor": INK, "labelLimit": 300, "labelFontSize": 12, "labelFontWeight": 600},
    "text": {"color": INK, "fontSize": 11.5},
    "rule": {"color": SOFT},
}


def finished(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Add the schema and the configuration to a specification, and make every text in it harmless to display."""
    return {"$schema": SCHEMA, "config": CONFIG, **_cleaned(spec)}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {str(k): _cleaned(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(x) for x in value]
    return value


def themed(text: str) -> str:
    """Replace the colours in a drawing or a specification, given as text, by CSS variables."""
    for colour, variable in VARIABLES.items():
        text = text.replace(f'"{colour}"', f'"var({variable},{colour})"')
    return text


def script_json(value: Any) -> str:
    """Write JSON for a ``<script>`` element: nothing in it ends the element or changes the text around it."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def chart_name(*parts: object) -> str:
    """Make a name for a chart, of lower-case letters, digits and dashes; different parts give different names.

    Examples
    --------
    >>> chart_name("calibration", "facet")
    'calibration-facet'
    """
    from qbench.runfolder.writer import folder_name  # imports pandas

    text = "-".join(str(x) for x in parts if x != "")
    plain = folder_name(text).lower().replace(".", "-")
    return plain if plain == text else f"{plain[:48]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
