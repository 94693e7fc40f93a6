"""One image: from a file to the square of pixels that a model sees.

One pinned path, PIL's, for every model: open → cut to the box → resize → centre crop → RGB, in the order and with the
rounding of open_clip's transform, which is OpenAI's. Three of its habits look like mistakes and are kept, because the
published numbers were made with them:

- The image becomes RGB *last*. So a palette is resized by nearest neighbour, transparency is weighed while resizing
  and then dropped, and CMYK is blended as ink.
- 16-bit greyscale is clipped to 8 bit rather than scaled: nearly white, whatever it shows.
- The EXIF orientation is not applied: a rotated photograph is seen as the sensor saw it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from qbench.errors import DataError
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry

MAX_PIXELS = 200_000_000
"""A file that claims more pixels than this is refused unread: a few kilobytes can claim gigabytes."""

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def decode_image(ref: ImageLocation, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """Read an image as a model with `geometry` sees it.

    Parameters
    ----------
    ref : ImageLocation
        The file and, where given, the box to cut out.
    geometry : Geometry
        Size, resize mode and filter.

    Returns
    -------
    numpy.ndarray
        ``(size, size, 3)`` uint8, RGB.

    Raises
    ------
    DataError
        The file is missing, truncated, no image, too large, or the box lies outside of it.
    """
    with _opened(ref) as image:
        return np.asarray(_fit(_cut(image, ref), geometry).convert("RGB"), dtype=np.uint8)


def check_image(ref: ImageLocation, *, decode: bool = False) -> None:
    """Look at an image: its header, whether its box lies in it, and its pixels where `decode` asks for it.

    Raises
    ------
    DataError
        As `decode_image` would; without `decode` a file that is cut off behind its header is not noticed.
    """
    with _opened(ref) as image:
        cut = _corners(image, ref)
        if decode:
            image.crop(cut).convert("RGB")


@contextmanager
def _opened(ref: ImageLocation) -> Iterator[Image.Image]:
    try:
        # Pillow warns of what it can repair (odd EXIF, palettes with transparency); the pixels are right all the same.
        with warnings.catch_warnings(), Image.open(ref.path) as image:
            warnings.simplefilter("ignore")
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"the image claims {image.width} × {image.height} pixels{_named(ref)}",
                    where=str(ref.path),
                    fix="Remove it, or replace it by a smaller one.",
                )
            yield image
    except FileNotFoundError:
        raise DataError(f"the image is missing{_named(ref)}", where=str(ref.path)) from None
    except Image.DecompressionBombError:
        raise DataError(
            f"the image claims more than {MAX_PIXELS // 10**6} million pixels{_named(ref)}",
            where=str(ref.path),
            fix="Remove it, or replace it by a smaller one.",
        ) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f"the image cannot be read ({error}){_named(ref)}",
            where=str(ref.path),
            fix="The file is truncated or damaged: fetch it again.",
        ) from None


def _named(ref: ImageLocation) -> str:
    return f"; it is named in {ref.source}" if ref.source else ""


def _cut(image: Image.Image, ref: ImageLocation) -> Image.Image:
    return image if ref.box is None else image.crop(_corners(image, ref))


def _corners(image: Image.Image, ref: ImageLocation) -> tuple[int, int, int, int]:
    if ref.box is None:
        return 0, 0, image.width, image.height
    x, y, width, height = ref.box
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = min(image.width, round(x + width)), min(image.height, round(y + height))
    if left >= right or top >= bottom:
        raise DataError(
            f"the box {ref.box} lies outside of the image ({image.width} × {image.height}){_named(ref)}",
            where=str(ref.path),
        )
    return left, top, right, bottom


def _fit(image: Image.Image, geometry: Geometry) -> Image.Image:
    size, resample = geometry.size, _FILTERS[geometry.interpolation]
    if geometry.resize == "squash":
        return image.resize((size, size), resample)
    width, height = image.size
    # torchvision truncates the longer side; and PIL must not see a side of 0 (very wide images).
    if width <= height:
        target = (size, max(size, int(size * height / width)))
    else:
        target = (max(size, int(size * width / height)), size)
    if image.size != target:
        image = image.resize(target, resample)
    left, top = round((target[0] - size) / 2.0), round((target[1] - size) / 2.0)
    return image.crop((left, top, left + size, top + size))


def relative_name(path: Path, root: Path) -> str:
    """`path` below `root`, with forward slashes: how keys and results name an image.

    Links are not followed: a dataset may be put together of links, but no annotation may name a file outside of it.

    Raises
    ------
    DataError
        `path` leaves `root`.
    """
    try:
        return Path(os.path.abspath(path)).relative_to(os.path.abspath(root)).as_posix()  # noqa: PTH100
    except ValueError:
        raise DataError("the path leaves the dataset's folder", where=str(path)) from None
