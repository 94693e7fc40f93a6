"""Precomputed embeddings (from a phone, a server runtime, ONNX), as variants.

The quantizer ``embeddings`` reads one folder: a variant of a checkpoint, paired with its baseline like any other. The
model source ``embeddings`` stands for a checkpoint that never runs here: baseline and variants are folders in one
folder. The layout stands in ``docs/embeddings.md``; this file is light.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qbench.api import Located, ModelSource, Quantizer, hookimpl
from qbench_embeddings.options import FolderOptions, VariantOptions

if TYPE_CHECKING:
    from pathlib import Path

    from qbench.api import Checkpoint, Context, Variant

NAME = "embeddings"


def _locate(checkpoint: str, options: FolderOptions) -> Located:
    from qbench_embeddings.folders import locate

    return locate(options)


def _open(checkpoint: str, options: FolderOptions) -> Checkpoint:
    from qbench_embeddings.checkpoint import open_folder

    return open_folder(checkpoint, options)


def _accepts(path: Path) -> bool:
    from qbench_embeddings.folders import variants_in

    return path.is_dir() and bool(variants_in(path))


def _content(checkpoint: Checkpoint, options: VariantOptions) -> list[Path]:
    from qbench_embeddings.build import content

    return content(checkpoint, options)


def _build(checkpoint: Checkpoint, context: Context, options: VariantOptions) -> Variant:
    from qbench_embeddings.build import build

    return build(checkpoint, options)


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """A checkpoint of which there is nothing but embeddings."""
    yield ModelSource(
        name=NAME,
        summary="a model of which there are precomputed embeddings only: one folder per variant in path = …",
        options=FolderOptions,
        locate=_locate,
        open=_open,
        accepts_path=_accepts,
    )


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """A variant whose embeddings are read from files."""
    yield Quantizer(
        name=NAME,
        summary="precomputed embeddings (from a phone, a server, ONNX), read from a folder",
        bits=0,  # the folder's manifest says
        options=VariantOptions,
        build=_build,
        batch_invariant=None,
        probes=("embedding",),
        provider="precomputed",
        files=_content,
    )
