"""The families of generative models that qbench can ask, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbench.api import Geometry, ModelError, Preprocessing
from qbench_transformers.config import read_config
from qbench_transformers.preprocessing import NO_NORMALISATION, image_settings, read_preprocessing

DEFAULT_SIZE = 448
"""Side of the images of Qwen2.5-VL, which takes images of any size: 256 tokens per image, a choice of ours."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of generative model.

    Attributes
    ----------
    architecture : str
        The class in transformers that runs it: the one that ``AutoModelForImageTextToText`` chooses, except for BLIP.
    preprocessing : callable
        ``(folder, image_size) -> Preprocessing``: how it wants its images; `image_size` is that of the options.
    prompt : str
        The prompt where the checkpoint has no chat template, with ``{question}``.
    processor : str
        The class in transformers that reads its processor.
    images : mapping
        Options for its image processor, so that an image that has its size already is not resized or split.
    suffix : str
        What its processor puts behind every prompt.
    first_position : int
        The position of the first token.
    any_size : bool
        Whether it takes images of any size.
    """

    architecture: str
    preprocessing: Callable[[Path, int], Preprocessing]
    prompt: str
    processor: str = "AutoProcessor"
    images: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = ""
    first_position: int = 0
    any_size: bool = False


def _fixed(folder: Path, image_size: int) -> Preprocessing:
    """As the checkpoint's own image processor resizes."""
    return read_preprocessing(folder)


def _one_tile(folder: Path, image_size: int) -> Preprocessing:
    """The whole image, scaled to one square of the vision tower's size: images are not split into tiles."""
    _, config = image_settings(folder)
    side = config["max_image_size"]["longest_edge"]
    return _squashed(config, int(side))


def _any_square(folder: Path, image_size: int) -> Preprocessing:
    """The whole image, scaled to a square that consists of whole patches."""
    _, config = image_settings(folder)
    step = int(config.get("patch_size", 14)) * int(config.get("merge_size", 2))
    side = image_size or DEFAULT_SIZE // step * step
    if side % step:
        raise ModelError(
            f"image_size is {side}, which is not a multiple of {step}, the side of what becomes one token",
            where=str(folder),
            fix=f"Use a multiple of {step}, such as {max(side // step, 1) * step}.",
        )
    return _squashed(config, side)


def _squashed(config: Mapping[str, Any], side: int) -> Preprocessing:
    used = config if config.get("do_normalize", True) else NO_NORMALISATION
    return Preprocessing(
        geometry=Geometry(size=side, resize="squash"),
        mean=tuple(used["image_mean"]),
        std=tuple(used["image_std"]),
    )


UNCHANGED = {"do_resize": False, "do_center_crop": False}

FAMILIES: dict[str, Family] = {
    "llava": Family(
        architecture="LlavaForConditionalGeneration",
        preprocessing=_fixed,
        prompt="USER: <image>\n{question} ASSISTANT:",
        images=UNCHANGED,
    ),
    "qwen2_5_vl": Family(
        architecture="Qwen2_5_VLForConditionalGeneration",
        preprocessing=_any_square,
        prompt="<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{question}<|im_end|>\n"
        "<|im_start|>assistant\n",
        images={"do_resize": False},
        any_size=True,
    ),
    "idefics3": Family(
        architecture="Idefics3ForConditionalGeneration",
        preprocessing=_one_tile,
        prompt="<|im_start|>User:<image>{question}<end_of_utterance>\nAssistant:",
        images={"do_resize": False, "do_image_splitting": False},
    ),
    "smolvlm": Family(
        architecture="SmolVLMForConditionalGeneration",
        preprocessing=_one_tile,
        prompt="<|im_start|>User:<image>{question}<end_of_utterance>\nAssistant:",
        processor="Idefics3Processor",  # does the same with images, and needs no library for videos
        images={"do_resize": False, "do_image_splitting": False},
    ),
    "paligemma": Family(
        architecture="PaliGemmaForConditionalGeneration",
        preprocessing=_fixed,
        prompt="<image>answer en {question}",
        images=UNCHANGED,
        suffix="\n",
        first_position=1,
    ),
    "blip": Family(
        architecture="BlipForQuestionAnswering",
        preprocessing=_fixed,
        prompt="{question}",
        images=UNCHANGED,
    ),
}
"""By the type of model in ``config.json``."""

MATCHING: dict[str, Family] = {
    "blip": Family(architecture="BlipForImageTextRetrieval", preprocessing=_fixed, prompt="", images=UNCHANGED),
}
"""Those that are made for image-text matching."""


def accepts(folder: Path, families: Mapping[str, Family]) -> bool:
    """Whether a folder has a model of one of some families, as far as its ``config.json`` says.

    Parameters
    ----------
    folder : pathlib.Path
        Any folder.
    families : mapping
        `FAMILIES` or `MATCHING`.
    """
    try:
        family_of(folder, families)
    except ModelError:
        return False
    return True


def family_of(folder: Path, families: Mapping[str, Family] = FAMILIES) -> tuple[str, Family]:
    """The family of a folder by its ``config.json``.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of a checkpoint.
    families : mapping
        Those that are wanted, by the type of model.

    Returns
    -------
    tuple
        The name of the family, such as ``llava``, and the family.

    Raises
    ------
    ModelError
        The file is missing or damaged, or the model belongs to none of the families, or is a BLIP for another purpose.
    """
    config = read_config(folder / "config.json")
    found = str(config.get("model_type", ""))
    if found not in families:
        raise ModelError(
            f"the model is of type {found!r}, which is not one of {', '.join(families)}",
            where=str(folder / "config.json"),
        )
    family = families[found]
    named = config.get("architectures") or [family.architecture]
    if family.architecture not in named:
        raise ModelError(
            f"the model is a {', '.join(map(str, named))}, and not a {family.architecture}",
            where=str(folder / "config.json"),
        )
    return found, family
