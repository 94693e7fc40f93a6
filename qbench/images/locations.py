"""Where an image is, and which part of it is seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from qbench.images.interface import ImageSource


@dataclass(frozen=True, slots=True)
class ImageLocation:
    """An image as a model is to see it.

    Attributes
    ----------
    source : ImageSource
        Where the image is kept, such as a `qbench.images.sources.files.FolderSource`.
    key : str
        Its key in the source; for a folder the path relative to it.
    box : tuple of float or None
        ``(x, y, width, height)`` in pixels of the stored image, which is cut to it before it is resized. `None` is the
        whole image.
    row : str
        The row of an annotation file that names it, such as ``labels.csv:row 3``, for messages. It does not count
        when locations are compared.

    Examples
    --------
    >>> from qbench.images.sources.files import FolderSource
    >>> location = ImageLocation(FolderSource("/data"), "1.jpg", (10, 20, 30, 40), row="labels.csv:row 3")
    >>> location.where
    '/data/1.jpg'
    """

    source: ImageSource
    key: str
    box: tuple[float, float, float, float] | None = None
    row: str = field(default="", compare=False)

    @property
    def where(self) -> str:
        """Where the image is on this machine, for messages."""
        return self.source.where(self.key)
