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
from qbench.errors import DataError, InputError, ModelError, QbenchError, QuantizationError
from qbench.extension.hookspecs import hookimpl
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

__all__ = [
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
]
