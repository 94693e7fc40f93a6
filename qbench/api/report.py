"""Report sections: the record, the blocks of a section, and what charts need. Hook: ``qbench_report_sections``.

A chart is a Vega-Lite specification. `forest_chart` makes a block of changes with their intervals; `dots` and
`before_after` make specifications for a `Chart`. For a specification of your own, the colours `UP`, `DOWN`, `INK` and
so on follow the page's light and dark theme, and `quantizer_encodings` gives each quantizer the colour and the shape
that it has in every other chart. `Verdict`, `FlagKind`, `Unit` and `Better` are the words in the tables of results,
with their labels and signs. `isolated` puts a name into a sentence, whatever the direction of its script.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.plugins.records import ReportSection
from qbench.plugins.report_blocks import (
    Axis,
    Block,
    Box,
    Bullets,
    Chart,
    Code,
    Column,
    Entry,
    Facts,
    Heading,
    Part,
    Strip,
    Table,
    Tally,
    Template,
    Text,
)
from qbench.text import isolated
from qbench.vocabulary import Better, FlagKind, Unit, Verdict

if TYPE_CHECKING:
    from qbench.report.charts.before_after import before_after
    from qbench.report.charts.dots import dots
    from qbench.report.encodings import quantizer_encodings, quantizer_lane, small_multiples, tooltip
    from qbench.report.formatting import change as format_change
    from qbench.report.formatting import count as format_count
    from qbench.report.formatting import interval as format_interval
    from qbench.report.formatting import value as format_value
    from qbench.report.palette import BASELINE, DOWN, GRID, INK, PANEL, SERIES, SHADED, SOFT, UP, chart_name
    from qbench.report.section_charts import forest_chart

_PALETTE = ("BASELINE", "DOWN", "GRID", "INK", "PANEL", "SERIES", "SHADED", "SOFT", "UP", "chart_name")
_ENCODINGS = ("quantizer_encodings", "quantizer_lane", "small_multiples", "tooltip")
_FORMATS = ("change", "count", "interval", "value")

__getattr__ = import_on_use(
    __name__,
    {
        "before_after": "qbench.report.charts.before_after",
        "dots": "qbench.report.charts.dots",
        "forest_chart": "qbench.report.section_charts",
        **dict.fromkeys(_PALETTE, "qbench.report.palette"),
        **dict.fromkeys(_ENCODINGS, "qbench.report.encodings"),
        **{f"format_{name}": f"qbench.report.formatting:{name}" for name in _FORMATS},
    },
)

__all__ = [
    "BASELINE",
    "DOWN",
    "GRID",
    "INK",
    "PANEL",
    "SERIES",
    "SHADED",
    "SOFT",
    "UP",
    "Axis",
    "Better",
    "Block",
    "Box",
    "Bullets",
    "Chart",
    "Code",
    "Column",
    "Entry",
    "Facts",
    "FlagKind",
    "Heading",
    "Part",
    "ReportSection",
    "Strip",
    "Table",
    "Tally",
    "Template",
    "Text",
    "Unit",
    "Verdict",
    "before_after",
    "chart_name",
    "dots",
    "forest_chart",
    "format_change",
    "format_count",
    "format_interval",
    "format_value",
    "isolated",
    "quantizer_encodings",
    "quantizer_lane",
    "small_multiples",
    "tooltip",
]
