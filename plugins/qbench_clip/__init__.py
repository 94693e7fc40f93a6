"""CLIP checkpoints as model sources: OpenAI's, LAION's, DataComp's, and any folder or hub id of that architecture.

Every one comes out as transformers' ``CLIPModel``, because only there are q, k, v and the output projection Linear
layers that a quantizer sees (see ``docs/protocol.md``). This file is light; opening a checkpoint imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from qbench.api import Located, ModelSource, hookimpl
from qbench_clip.names import HUB_IDS, LICENCES, SUMMARIES
from qbench_clip.options import ClipOptions

if TYPE_CHECKING:
    from qbench.api import Checkpoint

REQUIRES = ("torch", "transformers", "tokenizers")


def _repository(source: str, checkpoint: str) -> str:
    return HUB_IDS[source][checkpoint] if source in HUB_IDS else checkpoint


def _locate(source: str) -> Callable[[str, ClipOptions], Located]:
    def locate(checkpoint: str, options: ClipOptions) -> Located:
        from qbench_clip.find import locate as find

        return find(_repository(source, checkpoint), options)

    return locate


def _open(source: str) -> Callable[[str, ClipOptions], Checkpoint]:
    def open_(checkpoint: str, options: ClipOptions) -> Checkpoint:
        from qbench_clip.checkpoint import open_checkpoint

        return open_checkpoint(source, checkpoint, _repository(source, checkpoint), options)

    return open_


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """The three sources of the study, and ``clip`` for any other checkpoint of the architecture."""
    for source, ids in HUB_IDS.items():
        yield ModelSource(
            name=source,
            summary=SUMMARIES[source],
            checkpoints=ids,
            options=ClipOptions,
            requires=REQUIRES,
            licence=LICENCES[source],
            locate=_locate(source),
            open=_open(source),
        )
    yield ModelSource(
        name="clip",
        summary="any CLIP checkpoint: a hub id, or a folder with path = …",
        options=ClipOptions,
        requires=REQUIRES,
        locate=_locate("clip"),
        open=_open("clip"),
    )
