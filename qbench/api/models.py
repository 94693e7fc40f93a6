"""Model sources: records, checkpoints and encoders. Hook: ``qbench_models``."""

from qbench.models.interface import (
    Checkpoint,
    DType,
    Encoder,
    Identity,
    Inspectable,
    NamedEncoder,
    Storable,
)
from qbench.plugins.records import Located, ModelSource

__all__ = [
    "Checkpoint",
    "DType",
    "Encoder",
    "Identity",
    "Inspectable",
    "Located",
    "ModelSource",
    "NamedEncoder",
    "Storable",
]
