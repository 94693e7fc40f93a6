"""What decoding one image may take: pixels, bytes of memory, seconds.

A file of a few hundred kilobytes can claim gigabytes. So what decoding takes is estimated from the header, before a
pixel is decoded, and announced to whoever divides the memory (`Reserve`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

Reserve = Callable[[int], None]
"""Called with the change in bytes that decoding an image needs. It returns when this memory is available."""

MAX_PIXELS = 178_000_000
"""An image with more pixels than this is refused before it is decoded, and so is one that would be scaled to more. It
is below Pillow's own limit (twice ``Image.MAX_IMAGE_PIXELS``, 178,956,970), which is a setting."""
MAX_FILE_BYTES = 2**30
"""A longer file is refused: an image of 178 million pixels is not longer, unless each takes more than six bytes."""
FREE_BYTES = 16 * 2**20
"""What an image may take without an announcement: a photograph of 1 megapixel takes less."""
MEMORY_BUDGET = 2 * 2**30
"""Bytes that the images which are decoded at the same time may take in all, by the estimate. An image that takes more
is decoded while no other announced one is. A choice of ours: enough for 16 processes with JPEGs of 10 megapixels."""
MARGIN_BYTES = 512 * 2**20
"""The address space that a process may take beyond the estimate before the system refuses it memory."""

MEMORY_EXCEEDED = "it takes more memory than its header says, or than this machine has"
"""What is said of an image that the system refused memory."""

SECONDS = 10.0
"""How long an image may take that needs little memory: an ordinary photograph takes some milliseconds."""
BYTES_PER_SECOND = 50e6
"""For so many bytes that an image needs, it may take one second more. The largest image that is read takes some seconds
and may take a minute: the limit stops what hangs, not what is slow."""

_DECODER_BYTES = {"PNG": 1, "BMP": 1, "PPM": 1, "GIF": 5, "JPEG": 8, "MPO": 8, "TIFF": 8, "WEBP": 13, "AVIF": 12}
"""Bytes per pixel that a decoder takes beside the image, rounded up from peaks measured with Pillow 13: progressive
JPEG and TIFF in one strip are what counts for these two."""


def decoding_bytes(image: Image.Image, *, cut: int, scaled: int) -> int:
    """Estimate the bytes of memory that decoding, cutting and scaling an image takes at its peak.

    Parameters
    ----------
    image : PIL.Image.Image
        The image, of which only the header was read.
    cut : int
        Pixels of the box that is cut out; 0 where the whole image is seen.
    scaled : int
        Pixels of the image after scaling.
    """
    stored = {"1": 1, "L": 1, "P": 1, "I;16": 2}.get(image.mode, 4)
    copies = 2 if image.mode in ("LA", "RGBA", "PA") else 1  # scaling makes a copy in which colours are weighed
    pixels = image.width * image.height
    decoder = _DECODER_BYTES.get(image.format or "", max(_DECODER_BYTES.values()))
    return pixels * (stored * copies + decoder) + (cut + scaled) * stored * copies


def decoding_seconds(needed: int) -> float:
    """How long an image may take that needs so many bytes.

    Examples
    --------
    >>> decoding_seconds(0), decoding_seconds(1_000_000_000)
    (10.0, 30.0)
    """
    return SECONDS + needed / BYTES_PER_SECOND
