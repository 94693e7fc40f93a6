"""How a checkpoint wants its images, as data.

Only the geometry (size, resize, crop, interpolation) decides the pixels in the store; mean and standard deviation are
applied by the encoder. Checkpoints that share the geometry therefore share the decoded images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """The part of preprocessing that decides pixels.

    Attributes
    ----------
    size : int
        Side of the square that the model sees, in pixels.
    resize : {"shortest", "squash"}
        ``shortest`` scales the shorter side to `size` and cuts the centre; ``squash`` scales both sides to `size`.
    interpolation : {"bicubic", "bilinear"}
        PIL's antialiased filter.
    """

    size: int
    resize: Literal["shortest", "squash"] = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The whole preprocessing of a checkpoint: `geometry`, then ``(pixel / 255 - mean) / std`` by channel (RGB)."""

    geometry: Geometry
    mean: tuple[float, float, float] = OPENAI_MEAN
    std: tuple[float, float, float] = OPENAI_STD
