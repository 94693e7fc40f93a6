"""Model sources for models that read image and text together, of `qbench_generative.families`: a folder or a hub ID.

Generative models are asked for the log-likelihoods of given answers (the probe ``choices``); text that a model writes
freely is not asked for. Models for image-text matching are asked how well a text belongs to an image (the probe
``pairs``). This module is light; opening a checkpoint imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qbench.api import Located, ModelSource, hookimpl
from qbench_generative.options import GenerativeOptions, MatchingOptions

if TYPE_CHECKING:
    from pathlib import Path

    from qbench.api import Checkpoint


def _locate(checkpoint: str, options: GenerativeOptions | MatchingOptions) -> Located:
    from qbench_generative.files import WEIGHTS
    from qbench_transformers.find import locate_hub, locate_path

    return locate_path(options.path) if options.path else locate_hub(checkpoint, options.revision, WEIGHTS)


def _open(checkpoint: str, options: GenerativeOptions) -> Checkpoint:
    from qbench_generative.checkpoint import open_checkpoint

    return open_checkpoint(checkpoint, options)


def _open_matching(checkpoint: str, options: MatchingOptions) -> Checkpoint:
    from qbench_generative.matching import open_matching

    return open_matching(checkpoint, options)


def _accepts(path: Path) -> bool:
    from qbench_generative.families import FAMILIES, accepts

    return accepts(path, FAMILIES)


def _accepts_matching(path: Path) -> bool:
    from qbench_generative.families import MATCHING, accepts

    return accepts(path, MATCHING)


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """One source for each probe; they accept any name."""
    yield ModelSource(
        name="generative",
        summary="LLaVA, Qwen2.5-VL, SmolVLM, Idefics3, PaliGemma, BLIP-VQA: a hub ID, or a folder with path = …",
        options=GenerativeOptions,
        requires=("torch", "torchvision", "transformers", "tokenizers"),
        probes=("choices",),
        locate=_locate,
        open=_open,
        accepts_path=_accepts,
    )
    yield ModelSource(
        name="matching",
        summary="BLIP for image-text matching: a hub ID, or a folder with path = …",
        options=MatchingOptions,
        requires=("torch", "torchvision", "transformers", "tokenizers"),
        probes=("pairs",),
        locate=_locate,
        open=_open_matching,
        accepts_path=_accepts_matching,
    )
