"""Model sources: records, checkpoints and encoders. Hook: ``qbench_models``.

Helpers for model sources: `key_of` and `file_digests` for the fingerprint, `cached_folder` for converted checkpoints.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.models.interface import (
    BeginsImages,
    Checkpoint,
    DType,
    Encoder,
    Identity,
    Inspectable,
    Limited,
    LoadedModel,
    NamedEncoder,
    Storable,
)
from qbench.plugins.records import Located, ModelSource
from qbench.store.keys import key_of

if TYPE_CHECKING:
    from qbench.models.digests import file_digests
    from qbench.store.folders import cached_folder

__getattr__ = import_on_use(
    __name__, {"cached_folder": "qbench.store.folders", "file_digests": "qbench.models.digests"}
)

__all__ = [
    "BeginsImages",
    "Checkpoint",
    "DType",
    "Encoder",
    "Identity",
    "Inspectable",
    "Limited",
    "LoadedModel",
    "Located",
    "ModelSource",
    "NamedEncoder",
    "Storable",
    "cached_folder",
    "file_digests",
    "key_of",
]
