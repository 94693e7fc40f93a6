"""All that a plugin author imports. Light: no torch, no pandas.

The records and the hook marker come from `qbench.plugins`, the interfaces from the rooms that use them.
"""

from qbench.data.items import Attribute, Items
from qbench.declared.record import declared_benchmark
from qbench.errors import DataError, InputError, ModelError, QbenchError, QuantizationError
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry, Preprocessing
from qbench.metrics.interface import (
    INDEX,
    MetricInfo,
    Metrics,
    Outcome,
    Prompts,
    Similarity,
    Statistic,
    Task,
)
from qbench.models.interface import (
    Checkpoint,
    Context,
    Coverage,
    DType,
    Encoder,
    Identity,
    Inspectable,
    Layer,
    NamedEncoder,
    Storable,
    Variant,
)
from qbench.models.simulate import simulate, tower_of
from qbench.plugins.hookspecs import hookimpl
from qbench.plugins.options import DECIDES_NOTHING
from qbench.plugins.records import (
    Benchmark,
    Dataset,
    Located,
    ModelSource,
    NoOptions,
    Quantizer,
    ReportSection,
)
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

API_VERSION = "1.0"
"""What plugins can rely on, see ``docs/stability.md``: the first number changes when a plugin may have to, the second
when there is something new."""

__all__ = [
    "API_VERSION",
    "DECIDES_NOTHING",
    "INDEX",
    "Attribute",
    "Benchmark",
    "Block",
    "Box",
    "Bullets",
    "Chart",
    "Checkpoint",
    "Code",
    "Column",
    "Context",
    "Coverage",
    "DType",
    "DataError",
    "Dataset",
    "Encoder",
    "Entry",
    "Facts",
    "Geometry",
    "Heading",
    "Identity",
    "ImageLocation",
    "InputError",
    "Inspectable",
    "Items",
    "Layer",
    "Located",
    "MetricInfo",
    "Metrics",
    "ModelError",
    "ModelSource",
    "NamedEncoder",
    "NoOptions",
    "Outcome",
    "Preprocessing",
    "Prompts",
    "QbenchError",
    "QuantizationError",
    "Quantizer",
    "ReportSection",
    "Similarity",
    "Statistic",
    "Storable",
    "Table",
    "Task",
    "Template",
    "Text",
    "Variant",
    "declared_benchmark",
    "hookimpl",
    "simulate",
    "tower_of",
]
