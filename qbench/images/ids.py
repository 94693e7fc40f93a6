"""An image's name for those who embed it elsewhere: the file below the dataset's folder, and the box cut out of it."""

from __future__ import annotations

from pathlib import Path

from qbench.images.decoding import relative_name
from qbench.images.locations import ImageLocation


def image_id(ref: ImageLocation, root: Path) -> str:
    """``val/1.jpg``, or with a box ``val/1.jpg#xywh=10,20,30.5,40``: unique in a dataset, the same on every machine.

    The box is a spatial media fragment (W3C Media Fragments URI 1.0, section 4.2.2) in pixels of the file, but for
    fractions, which annotations may have.

    Raises
    ------
    DataError
        The file is not below `root`.
    """
    name = relative_name(ref.path, root)
    return name if ref.box is None else f"{name}#xywh={','.join(map(_plain, ref.box))}"


def _plain(value: float) -> str:
    """The shortest text that is read as the same number; whole numbers without a point."""
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)
