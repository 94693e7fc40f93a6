"""The pixel store: every image is decoded once for all models that share a geometry.

It is a memory-mapped uint8 array ``(images, size, size, 3)`` in the cache. So memory stays bounded whatever the size of
the dataset, and processes that read it share its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import PIL

from qbench.images.decoding import decode_image
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry
from qbench.store.cache import Cache

FOLDER = "pixels"
"""The folder of the cache that holds pixel stores."""
AHEAD = 256
"""Images that are decoded ahead: it bounds what is in memory beside the mapped array (at 224 pixels 38 MB)."""


def store_parts(images: str, geometry: Geometry) -> dict[str, object]:
    """What decides a pixel store: the image set's key, the geometry, the decoder's version."""
    return {"images": images, "geometry": asdict(geometry), "pillow": PIL.__version__, "path": 2}


def pixel_store(
    cache: Cache,
    images: Sequence[ImageLocation],
    key: str,
    geometry: Geometry,
    *,
    digests: Sequence[str],
    workers: int = 2,
    step: Callable[[int], None] = lambda n: None,
) -> npt.NDArray[np.uint8]:
    """The decoded images, from the cache or decoded now.

    Parameters
    ----------
    cache : Cache
        Where the store is kept.
    images : sequence of ImageLocation
        The images, in order.
    key : str
        Their key (`qbench.data.fingerprint.images_key`).
    geometry : Geometry
        How they are scaled and cropped.
    digests : sequence of str
        The digest of each image, from which `key` was made. What is decoded has to have it.
    workers : int
        Threads that decode. The result does not depend on it.
    step : callable
        Is told how many images were done.

    Returns
    -------
    numpy.ndarray
        ``(len(images), size, size, 3)`` uint8, memory-mapped, read-only.

    Raises
    ------
    DataError
        An image cannot be read, or has another digest by now; the message says where it is.
    """
    parts = store_parts(key, geometry)
    path = cache.path(FOLDER, parts, ".npy")
    if not path.exists():
        shape = (len(images), geometry.size, geometry.size, 3)
        with (
            cache.new_array(FOLDER, parts, shape, np.uint8) as filled,
            ThreadPoolExecutor(workers) as pool,
        ):
            for start in range(0, len(images), AHEAD):
                chunk = slice(start, start + AHEAD)
                decoded = pool.map(
                    lambda location, digest: decode_image(location, geometry, digest=digest),
                    images[chunk],
                    digests[chunk],
                )
                for offset, image in enumerate(decoded):
                    filled[start + offset] = image
                    step(1)
    pixels: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return pixels
