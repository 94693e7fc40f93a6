"""The ID of an image in results and in tables of precomputed embeddings."""

from __future__ import annotations

from qbench.images.locations import ImageLocation


def image_id(location: ImageLocation) -> str:
    """The ID of an image: unique in a dataset, and the same on every machine.

    It is the image's ID in its source (for a folder the relative path), with the box that is cut out as a spatial media
    fragment in pixels (W3C Media Fragments URI 1.0, section 4.2.2). Other than in that standard, the numbers may have
    fractions, because annotations do.

    Raises
    ------
    DataError
        The key can name no image of the source.

    Examples
    --------
    >>> from qbench.images.sources.files import FolderSource
    >>> image_id(ImageLocation(FolderSource("/data"), "val/1.jpg"))
    'val/1.jpg'
    >>> image_id(ImageLocation(FolderSource("/data"), "val/1.jpg", (10, 20, 30.5, 40.0)))
    'val/1.jpg#xywh=10,20,30.5,40'
    """
    name = location.source.id(location.key)
    return name if location.box is None else f"{name}#xywh={','.join(map(_plain, location.box))}"


def _plain(value: float) -> str:
    """The shortest text that is read as the same number; whole numbers without a decimal point."""
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)
