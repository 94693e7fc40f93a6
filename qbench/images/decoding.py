"""Decoding: from a stored image to the square of pixels that a model sees.

Every model gets its images from Pillow by the same steps: open → cut to the box → resize → centre crop → convert to
RGB. Order and rounding are those of open_clip's transform, which are OpenAI's. Three properties of it look like
mistakes and are kept, because the published numbers were computed with them:

- The image is converted to RGB *last*. So an image with a palette is resized by nearest neighbour, transparency weighs
  the colours while resizing and is then dropped, and CMYK is blended as ink.
- 16-bit greyscale is clipped to 8 bits rather than scaled: it comes out nearly white, whatever it shows.
- The EXIF orientation is not applied: a rotated photograph is seen as the sensor saw it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from qbench.errors import DataError
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry

MAX_PIXELS = 200_000_000
"""An image with more pixels than this is refused before it is decoded, because a file of a few kilobytes can claim
gigabytes. It is close to Pillow's own limit (twice ``Image.MAX_IMAGE_PIXELS``, 179 million), which is a setting."""

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def decode_image(location: ImageLocation, geometry: Geometry, *, digest: str = "") -> npt.NDArray[np.uint8]:
    """Decode an image as a model with `geometry` sees it.

    Parameters
    ----------
    location : ImageLocation
        The image and, where given, the box to cut out.
    geometry : Geometry
        Size, resize mode and filter.
    digest : str
        SHA-256 (hexadecimal) that the stored image has to have; it is not checked if empty.

    Returns
    -------
    numpy.ndarray
        ``(size, size, 3)`` uint8, RGB.

    Raises
    ------
    DataError
        The image is missing, truncated, not an image at all or too large, the box lies outside it, or it has another
        digest.
    """
    with open_image(location, digest=digest) as image:
        return np.asarray(_fit(_cut(image, location), geometry).convert("RGB"), dtype=np.uint8)


def check_image(location: ImageLocation, *, decode: bool = False) -> None:
    """Check the header of an image, whether its box lies in it, and with `decode` its pixels.

    Raises
    ------
    DataError
        As `decode_image` does; without `decode` an image that is truncated after its header goes unnoticed.
    """
    with open_image(location) as image:
        cut = _corners(image, location)
        if decode:
            image.crop(cut).convert("RGB")


@contextmanager
def open_image(location: ImageLocation, *, digest: str = "") -> Iterator[Image.Image]:
    """Open the whole stored image, without decoding it; errors of Pillow within the block become a `DataError` too.

    With a `digest`, the stored bytes are read at once, and those that were hashed are those that are decoded.

    Raises
    ------
    DataError
        The image is missing, truncated, not an image at all or too large, or has another digest.
    """
    try:
        with (
            location.source.open(location.key) as stream,
            # Pillow warns of what it can repair (odd EXIF, palettes with transparency); the pixels are correct.
            warnings.catch_warnings(),
            Image.open(_with_digest(stream, digest, location) if digest else stream) as image,
        ):
            warnings.simplefilter("ignore")
            if image.width * image.height > MAX_PIXELS:
                raise _too_large(location)
            yield image
    except FileNotFoundError:
        raise _error(location, "the image is missing") from None
    except Image.DecompressionBombError:
        raise _too_large(location) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        unknown = isinstance(error, UnidentifiedImageError)  # its text names a Python object
        raise _error(
            location,
            f"the image cannot be read ({'it has no known image format' if unknown else error})",
            fix="The image is truncated or damaged: get it again.",
        ) from None


def _with_digest(stream: BinaryIO, digest: str, location: ImageLocation) -> BinaryIO:
    content = stream.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise _error(
            location,
            "the image was changed while the run was going on",
            fix="Run again, and leave the data as it is until the run is done.",
        )
    return io.BytesIO(content)


def _too_large(location: ImageLocation) -> DataError:
    return _error(
        location,
        f"the image claims more than {MAX_PIXELS // 10**6} million pixels",
        fix="Remove it, or replace it with a smaller one.",
    )


def _error(location: ImageLocation, what: str, fix: str = "") -> DataError:
    named = f"; it is named in {location.row}" if location.row else ""
    return DataError(what + named, where=location.where, fix=fix)


def _cut(image: Image.Image, location: ImageLocation) -> Image.Image:
    return image if location.box is None else image.crop(_corners(image, location))


def _corners(image: Image.Image, location: ImageLocation) -> tuple[int, int, int, int]:
    if location.box is None:
        return 0, 0, image.width, image.height
    x, y, width, height = location.box
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = min(image.width, round(x + width)), min(image.height, round(y + height))
    if left >= right or top >= bottom:
        raise _error(location, f"the box {location.box} lies outside the image ({image.width} × {image.height})")
    return left, top, right, bottom


def _fit(image: Image.Image, geometry: Geometry) -> Image.Image:
    size, resample = geometry.size, _FILTERS[geometry.interpolation]
    if geometry.resize == "squash":
        return image.resize((size, size), resample)
    width, height = image.size
    # torchvision rounds the longer side down; Pillow must not get a side of 0 (very wide images).
    if width <= height:
        target = (size, max(size, int(size * height / width)))
    else:
        target = (max(size, int(size * width / height)), size)
    if image.size != target:
        image = image.resize(target, resample)
    left, top = round((target[0] - size) / 2.0), round((target[1] - size) / 2.0)
    return image.crop((left, top, left + size, top + size))
