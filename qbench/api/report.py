"""Report sections: the record and the blocks that a section is made of. Hook: ``qbench_report_sections``."""

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
]
