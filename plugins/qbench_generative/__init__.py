"""A model source for generative models: the families of `qbench_generative.families`, from a folder or the hub.

They are asked for the log-likelihoods of given answers (the probe ``choices``). Text that a model writes freely is not
asked for. This module is light; opening a checkpoint imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qbench.api import Located, ModelSource, hookimpl
from qbench_generative.options import GenerativeOptions

if TYPE_CHECKING:
    from pathlib import Path

    from qbench.api import Checkpoint


def _locate(checkpoint: str, options: GenerativeOptions) -> Located:
    from qbench_generative.files import WEIGHTS
    from qbench_transformers.find import locate_hub, locate_path

    return locate_path(options.path) if options.path else locate_hub(checkpoint, options.revision, WEIGHTS)


def _open(checkpoint: str, options: GenerativeOptions) -> Checkpoint:
    from qbench_generative.checkpoint import open_checkpoint

    return open_checkpoint(checkpoint, options)


def _accepts(path: Path) -> bool:
    from qbench_generative.families import FAMILIES
    from qbench_transformers.in_memory import model_type_of

    return model_type_of(path) in FAMILIES


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """One source that accepts any name."""
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
