"""All that a plugin author imports. Light: no torch, no pandas.

The records and the hook marker come from `qbench.extension`, the interfaces from the rooms that use them.
"""

from qbench.data.items import Attribute, Items, PictureRef
from qbench.data.preprocessing import Geometry, Preprocessing
from qbench.encode.interface import (
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
from qbench.encode.simulate import simulate, tower_of
from qbench.errors import DataError, InputError, ModelError, QbenchError, QuantizationError
from qbench.extension.hookspecs import hookimpl
from qbench.extension.options import DECIDES_NOTHING
from qbench.extension.records import (
    Benchmark,
    Dataset,
    Located,
    ModelSource,
    NoOptions,
    Quantizer,
)
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

API_VERSION = "1.0"
"""What plugins can rely on, see ``docs/stability.md``: the first number changes when a plugin may have to, the second
when there is something new."""

__all__ = [
    "API_VERSION",
    "DECIDES_NOTHING",
    "INDEX",
    "Attribute",
    "Benchmark",
    "Checkpoint",
    "Context",
    "Coverage",
    "DType",
    "DataError",
    "Dataset",
    "Encoder",
    "Geometry",
    "Identity",
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
    "PictureRef",
    "Preprocessing",
    "Prompts",
    "QbenchError",
    "QuantizationError",
    "Quantizer",
    "Similarity",
    "Statistic",
    "Storable",
    "Task",
    "Variant",
    "hookimpl",
    "simulate",
    "tower_of",
]
