"""Where an image is, and which part of it is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ImageLocation:
    """An image as a model shall see it.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    box : tuple of float or None
        ``(x, y, width, height)`` in pixels of the file; the image is cut to it before it is resized. `None` is the
        whole image.
    source : str
        The row of an annotation file that names it, such as ``labels.csv:row 3``, for messages. It tells no image
        from another.
    """

    path: Path
    box: tuple[float, float, float, float] | None = None
    source: str = field(default="", compare=False)
