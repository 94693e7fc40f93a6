"""All that a plugin author imports, by subject.

The modules are `models`, `quantizers`, `benchmarks`, `statistics`, `images`, `probes`, `executors` and `report`.

The records, the interfaces, the errors and the hook marker can also be imported from here, except those of probes and
executors. These and the helpers are in the module of their subject only. Importing any of these modules imports neither
torch nor pandas; helpers that need them import them when they are used. What no record is made of is imported when it
is first used, because every command loads every plugin.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.api.benchmarks import (
    INDEX,
    Attribute,
    Benchmark,
    Dataset,
    Items,
    MetricInfo,
    Metrics,
    Outcome,
    Prompts,
    Similarity,
    StatisticRef,
    Task,
    declared_benchmark,
)
from qbench.api.models import (
    Checkpoint,
    DType,
    Encoder,
    Identity,
    Inspectable,
    Limited,
    LoadedModel,
    Located,
    ModelSource,
    NamedEncoder,
    Storable,
)
from qbench.api.quantizers import (
    CalibrationData,
    Context,
    Coverage,
    Layer,
    LayerOptions,
    Quantizer,
    Tower,
    Variant,
    simulate,
    tower_of,
)
from qbench.api.statistics import Statistic, StatisticKind
from qbench.errors import DataError, InputError, ModelError, QbenchError, QuantizationError
from qbench.plugins.hookspecs import hookimpl
from qbench.plugins.options import DECIDES_NOTHING, FILES, renamed_from
from qbench.plugins.records import NoOptions, ReportSection

if TYPE_CHECKING:
    from qbench.api.images import FolderSource, Geometry, ImageLocation, ImageSource, Preprocessing
    from qbench.api.report import (
        Better,
        Block,
        Box,
        Bullets,
        Chart,
        Code,
        Column,
        Entry,
        Facts,
        FlagKind,
        Heading,
        Table,
        Template,
        Text,
        Unit,
        Verdict,
    )

_IMAGES = ("FolderSource", "Geometry", "ImageLocation", "ImageSource", "Preprocessing")
_REPORT = (
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
    "Table",
    "Template",
    "Text",
    "Unit",
    "Verdict",
)

__getattr__ = import_on_use(
    __name__, {**dict.fromkeys(_IMAGES, "qbench.api.images"), **dict.fromkeys(_REPORT, "qbench.api.report")}
)

API_VERSION = "1.0"
"""What plugins can rely on, see ``docs/stability.md``: the first number changes when a plugin may have to, the second
when there is something new."""

__all__ = [
    "API_VERSION",
    "DECIDES_NOTHING",
    "FILES",
    "INDEX",
    "Attribute",
    "Benchmark",
    "Better",
    "Block",
    "Box",
    "Bullets",
    "CalibrationData",
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
    "FlagKind",
    "FolderSource",
    "Geometry",
    "Heading",
    "Identity",
    "ImageLocation",
    "ImageSource",
    "InputError",
    "Inspectable",
    "Items",
    "Layer",
    "LayerOptions",
    "Limited",
    "LoadedModel",
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
    "StatisticKind",
    "StatisticRef",
    "Storable",
    "Table",
    "Task",
    "Template",
    "Text",
    "Tower",
    "Unit",
    "Variant",
    "Verdict",
    "declared_benchmark",
    "hookimpl",
    "renamed_from",
    "simulate",
    "tower_of",
]
