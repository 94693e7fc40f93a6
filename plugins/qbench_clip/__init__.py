"""Model sources for CLIP checkpoints: OpenAI's, LAION's, DataComp's, those of open_clip, and any folder or hub ID.

Every checkpoint that can be is loaded as transformers' ``CLIPModel``, because only there q, k, v and the output
projection are Linear layers that a quantizer finds (see ``docs/protocol.md``); all others run as open_clip runs them.
This module is light; opening a checkpoint imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qbench.api import Located, ModelSource, hookimpl
from qbench_clip.names import HUB_IDS, LICENCES, SUMMARIES, WEIGHTS
from qbench_clip.options import ClipOptions

if TYPE_CHECKING:
    from pathlib import Path

    from qbench.api import Checkpoint

REQUIRES = ("torch", "transformers", "tokenizers", "ftfy")


def _locate(checkpoint: str, options: ClipOptions) -> Located:
    from qbench_transformers.find import locate_hub, locate_path

    return locate_path(options.path) if options.path else locate_hub(checkpoint, options.revision, WEIGHTS)


def _locate_of(source: str) -> Callable[[str, ClipOptions], Located]:
    def locate(checkpoint: str, options: ClipOptions) -> Located:
        return _locate(HUB_IDS[source][checkpoint], options)

    return locate


def _locate_named(checkpoint: str, options: ClipOptions) -> Located:
    from qbench_transformers.find import locate_path

    if options.path:
        return locate_path(options.path)
    from qbench_clip.checkpoint import locate_named

    return locate_named(checkpoint, options)


def _open_of(source: str) -> Callable[[str, ClipOptions], Checkpoint]:
    def open_(checkpoint: str, options: ClipOptions) -> Checkpoint:
        from qbench_clip.checkpoint import open_checkpoint

        return open_checkpoint(source, checkpoint, options)

    return open_


def _open_named(checkpoint: str, options: ClipOptions) -> Checkpoint:
    from qbench_clip.checkpoint import open_named

    return open_named("open_clip", checkpoint, options)


def _accepts(path: Path) -> bool:
    from qbench_transformers.in_memory import model_type_of

    if path.is_file():
        return path.suffix in (".safetensors", ".bin", ".pt")
    if (path / "config.json").is_file():
        return model_type_of(path) == "clip"
    return any((path / name).is_file() for name in ("open_clip_config.json", *WEIGHTS))


def _save(model: Any, processor: Any, folder: Path) -> bool:
    from qbench_transformers.in_memory import save_model

    return save_model(model, processor, folder, "clip")


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """The three sources of the study, and ``clip`` and ``open_clip`` for other checkpoints of the architecture."""
    for source, ids in HUB_IDS.items():
        yield ModelSource(
            name=source,
            summary=SUMMARIES[source],
            checkpoints=ids,
            options=ClipOptions,
            requires=REQUIRES,
            licence=LICENCES[source],
            locate=_locate_of(source),
            open=_open_of(source),
        )
    yield ModelSource(
        name="clip",
        summary="any CLIP checkpoint: a hub ID, or a folder with path = …",
        options=ClipOptions,
        requires=REQUIRES,
        locate=_locate,
        open=_open_of("clip"),
        accepts_path=_accepts,
        save=_save,
    )
    yield ModelSource(
        name="open_clip",
        summary="any CLIP of open_clip: ViT-B-32/laion2b_s34b_b79k, or one weights file with path = …",
        options=ClipOptions,
        requires=(*REQUIRES, "open_clip_torch"),
        locate=_locate_named,
        open=_open_named,
    )
