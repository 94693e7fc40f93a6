"""Report sections: the record, the blocks that a section is made of, and charts. Hook: ``qbench_report_sections``.

Helpers: `forest_chart` for changes with their intervals, and `isolated` for names within a sentence, whatever the
direction of their script.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.plugins.records import ReportSection
from qbench.plugins.report_blocks import (
    Block,
    Box,
    Bullets,
    Chart,
    Code,
    Column,
    Entry,
    Facts,
    Heading,
    Table,
    Template,
    Text,
)
from qbench.text import isolated

if TYPE_CHECKING:
    from qbench.report.section_charts import forest_chart

__getattr__ = import_on_use(__name__, {"forest_chart": "qbench.report.section_charts"})

__all__ = [
    "Block",
    "Box",
    "Bullets",
    "Chart",
    "Code",
    "Column",
    "Entry",
    "Facts",
    "Heading",
    "ReportSection",
    "Table",
    "Template",
    "Text",
    "forest_chart",
    "isolated",
]
