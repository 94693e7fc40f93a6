"""A model source for SigLIP and SigLIP 2 (of a fixed resolution): any folder or hub ID of ``SiglipModel``.

SigLIP differs from CLIP in three ways. Both sides of an image are scaled to the size of the square. Texts are padded to
the full context length, and the model sees the padding. The loss has a bias in addition to the scale; the bias changes
no cosine and therefore no result of qbench, but it is among the weights that the fingerprint covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qbench.api import Located, ModelSource, hookimpl
from qbench_transformers.options import WeightsOptions

if TYPE_CHECKING:
    from pathlib import Path

    from qbench.api import Checkpoint

WEIGHTS = ("model.safetensors",)


def _locate(checkpoint: str, options: WeightsOptions) -> Located:
    from qbench_transformers.find import locate_hub, locate_path

    return locate_path(options.path) if options.path else locate_hub(checkpoint, options.revision, WEIGHTS)


def _open(checkpoint: str, options: WeightsOptions) -> Checkpoint:
    from qbench_siglip.checkpoint import open_checkpoint

    return open_checkpoint(checkpoint, options)


def _accepts(path: Path) -> bool:
    from qbench_transformers.in_memory import model_type_of

    return model_type_of(path) == "siglip"


def _save(model: Any, processor: Any, folder: Path) -> bool:
    from qbench_transformers.in_memory import save_model

    return save_model(model, processor, folder, "siglip")


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """One source that accepts any name."""
    yield ModelSource(
        name="siglip",
        summary="any SigLIP or SigLIP 2 checkpoint of fixed resolution: a hub ID, or a folder with path = …",
        options=WeightsOptions,
        requires=("torch", "transformers", "tokenizers", "sentencepiece"),
        locate=_locate,
        open=_open,
        accepts_path=_accepts,
        save=_save,
    )
