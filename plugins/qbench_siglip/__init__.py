"""SigLIP checkpoints as a model source: any folder or hub id of transformers' ``SiglipModel``.

Three things are not CLIP's: both sides of an image are scaled to the square, texts are padded to the whole context and
the padding is seen, and the loss has a bias beside the scale. The bias moves no cosine and so no result of qbench, but
it is among the weights that identify a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qbench.api import Located, ModelSource, hookimpl
from qbench_transformers.options import WeightsOptions

if TYPE_CHECKING:
    from qbench.api import Checkpoint

WEIGHTS = ("model.safetensors",)


def _locate(checkpoint: str, options: WeightsOptions) -> Located:
    from qbench_transformers.find import locate_hub, locate_path

    return locate_path(options.path) if options.path else locate_hub(checkpoint, options.revision, WEIGHTS)


def _open(checkpoint: str, options: WeightsOptions) -> Checkpoint:
    from qbench_siglip.checkpoint import open_checkpoint

    return open_checkpoint(checkpoint, options)


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """One source that takes any name."""
    yield ModelSource(
        name="siglip",
        summary="any SigLIP checkpoint of fixed size: a hub id, or a folder with path = …",
        options=WeightsOptions,
        requires=("torch", "transformers", "tokenizers", "sentencepiece"),
        locate=_locate,
        open=_open,
    )
