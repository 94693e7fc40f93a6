"""Decoding: from a stored image to the square of pixels that a model sees.

Every model gets its images from Pillow by the same steps: open → cut to the box → resize → centre crop → convert to
RGB. Order and rounding are those of open_clip's transform, which are OpenAI's. Two properties of it look like
mistakes and are kept, because the published numbers were computed with them:

- The image is converted to RGB *last*. So an image with a palette is resized by nearest neighbour, transparency weighs
  the colours while resizing and is then dropped, and CMYK is blended as ink.
- The EXIF orientation is not applied: a rotated photograph is seen as the sensor saw it.

One is refused: greyscale with more than 8 bits would be clipped rather than scaled, and come out nearly white or black,
whatever it shows.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, UnidentifiedImageError

from qbench.errors import DataError, QbenchError
from qbench.images.formats import FORMATS, no_image
from qbench.images.limits import FREE_BYTES, MAX_FILE_BYTES, MAX_PIXELS, MEMORY_EXCEEDED, Reserve, decoding_bytes
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry
from qbench.store.files import write_at

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_MORE_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Pillow's names of the kinds of greyscale with more than 8 bits."""
_LOOKED_AT = 512
"""Bytes at the start of a file that cannot be decoded; they show what the file is instead of an image."""


def unlimited(needed: int) -> None:
    """The `qbench.images.limits.Reserve` for decoding one image at a time."""


def decode_image(
    location: ImageLocation, geometry: Geometry, *, digest: str = "", reserve: Reserve = unlimited
) -> npt.NDArray[np.uint8]:
    """Decode an image as a model with `geometry` sees it.

    Parameters
    ----------
    location : ImageLocation
        The image and, where given, the box to cut out.
    geometry : Geometry
        Size, resize mode and filter.
    digest : str
        SHA-256 (hexadecimal) that the stored image has to have; it is not checked if empty.
    reserve : callable
        Called with the number of bytes that decoding will need; see `qbench.images.limits.Reserve`.

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
    import numpy as np  # not at the top, because the worker processes need none of it: see `DecodeTask`

    with _decoded(location, geometry, digest, reserve) as image:
        return np.asarray(image, dtype=np.uint8)


@contextmanager
def _decoded(location: ImageLocation, geometry: Geometry, digest: str, reserve: Reserve) -> Iterator[Image.Image]:
    """The image as a model sees it, in RGB; errors of Pillow within the block become a `DataError` too."""
    with open_image(location, digest=digest, reserve=reserve) as image:
        left, top, right, bottom = _corners(image, location)
        width, height = _scaled(right - left, bottom - top, geometry)
        if width * height > MAX_PIXELS:
            raise _too_large(location, f"is scaled to {width} × {height} pixels")
        cut = 0 if location.box is None else (right - left) * (bottom - top)
        reserve(decoding_bytes(image, cut=cut, scaled=width * height))
        yield _fit(_cut(image, location), geometry).convert("RGB")


@dataclass(frozen=True)
class DecodeTask:
    """Decode an image as `decode_image` does and write its pixels into a file, for a worker process.

    It imports no NumPy, which takes a third of the processor time of starting a process; neither does this module.

    Attributes
    ----------
    location : ImageLocation
        The image and, where given, the box to cut out.
    geometry : Geometry
        Size, resize mode and filter.
    digest : str
        SHA-256 (hexadecimal) that the stored image has to have.
    file : pathlib.Path
        The file that gets the ``size × size × 3`` bytes.
    offset : int
        The byte of the file at which they begin.
    """

    location: ImageLocation
    geometry: Geometry
    digest: str
    file: Path
    offset: int

    def run(self, reserve: Reserve) -> None:
        """Decode and write; raises as `decode_image` does, and `MachineError` where the file cannot be written."""
        with _decoded(self.location, self.geometry, self.digest, reserve) as image:
            pixels = image.tobytes()
        write_at(self.file, pixels, self.offset)


def check_image(location: ImageLocation, *, decode: bool = False, reserve: Reserve = unlimited) -> None:
    """Check the header of an image, whether its box lies in it, and with `decode` its pixels.

    Raises
    ------
    DataError
        As `decode_image` does; without `decode` an image that is truncated after its header goes unnoticed.
    """
    with open_image(location, reserve=reserve) as image:
        _corners(image, location)
        if decode:
            reserve(decoding_bytes(image, cut=0, scaled=0))
            image.load()


@dataclass(frozen=True)
class CheckTask:
    """`check_image`, for a worker process."""

    location: ImageLocation
    decode: bool

    def run(self, reserve: Reserve) -> None:
        """Check the image; raises as `check_image` does."""
        check_image(self.location, decode=self.decode, reserve=reserve)


@contextmanager
def open_image(location: ImageLocation, *, digest: str = "", reserve: Reserve = unlimited) -> Iterator[Image.Image]:
    """Open the whole stored image, without decoding it; errors of Pillow within the block become a `DataError` too.

    With a `digest`, the stored bytes are read at once, and those that were hashed are those that are decoded.

    Raises
    ------
    DataError
        The image is missing, truncated, not an image at all, too large or of a kind that no model sees, or has another
        digest.
    """
    try:
        with (
            location.source.open(location.key) as stored,
            # Pillow warns of what it can repair (odd EXIF, palettes with transparency); the pixels are correct.
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            stream = _with_digest(stored, digest, location, reserve) if digest else stored
            with _recognised(stream, location) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large(location, f"claims more than {MAX_PIXELS // 10**6} million pixels")
                if image.mode in _MORE_BITS:
                    raise _error(
                        location,
                        "the image is greyscale with more than 8 bits: a model would see it nearly white or black",
                        fix="Scale its values to 0 to 255, and save it with 8 bits.",
                    )
                yield image
    except QbenchError:
        raise
    except FileNotFoundError:
        raise _error(location, "the image is missing") from None
    except Image.DecompressionBombError:
        raise _too_large(location, f"claims more than {MAX_PIXELS // 10**6} million pixels") from None
    except MemoryError:
        raise _error(
            location,
            f"the image cannot be read ({MEMORY_EXCEEDED})",
            fix=_DAMAGED,
        ) from None
    except Exception as error:  # noqa: BLE001 - a damaged image makes decoders and sources raise anything
        reason = str(error) if isinstance(error, OSError | SyntaxError | ValueError) else repr(error)
        raise _error(location, f"the image cannot be read ({reason})", fix=_DAMAGED) from None


_DAMAGED = "The image is truncated or damaged: get it again."


def _recognised(stream: BinaryIO, location: ImageLocation) -> Image.Image:
    """The image of a stream, if it has one of the formats that are read."""
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        stream.seek(0)
        what, fix = no_image(stream.read(_LOOKED_AT))
        raise _error(location, f"the image cannot be read ({what})", fix=fix) from None


def _with_digest(stream: BinaryIO, digest: str, location: ImageLocation, reserve: Reserve) -> BinaryIO:
    content = stream.read(FREE_BYTES)
    if len(content) == FREE_BYTES:
        reserve(MAX_FILE_BYTES)
        content += stream.read(MAX_FILE_BYTES)
        reserve(len(content) - MAX_FILE_BYTES)
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(location, f"is a file of more than {MAX_FILE_BYTES // 2**20} MiB")
    if hashlib.sha256(content).hexdigest() != digest:
        raise _error(
            location,
            "the image was changed while the run was going on",
            fix="Run again, and leave the data as it is until the run is done.",
        )
    return io.BytesIO(content)


def _too_large(location: ImageLocation, what: str) -> DataError:
    return _error(location, f"the image {what}", fix="Remove it, or replace it with a smaller one.")


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
    size, target = geometry.size, _scaled(*image.size, geometry)
    if image.size != target:
        image = image.resize(target, _FILTERS[geometry.interpolation])
    left, top = round((target[0] - size) / 2.0), round((target[1] - size) / 2.0)
    return image.crop((left, top, left + size, top + size))


def _scaled(width: int, height: int, geometry: Geometry) -> tuple[int, int]:
    """The size of an image after scaling and before its centre is cut out."""
    size = geometry.size
    if geometry.resize == "squash":
        return size, size
    # torchvision rounds the longer side down; Pillow must not get a side of 0 (very wide images).
    if width <= height:
        return size, max(size, int(size * height / width))
    return max(size, int(size * width / height)), size
