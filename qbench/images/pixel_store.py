"""The pixel store: every image is decoded once for all models that share a geometry.

It is a memory-mapped uint8 array ``(images, size, size, 3)`` in the cache, decoded shard by shard. So memory stays
bounded whatever the size of the dataset, and processes that read it share its pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import PIL

from qbench.images.decoding import decode_image
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry
from qbench.store.arrays import rows_per_shard
from qbench.store.cache import Cache

FOLDER = "pixels"
"""The folder of the cache that holds pixel stores."""


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
    stored, shape = cache.sharded(FOLDER, store_parts(key, geometry)), (geometry.size, geometry.size, 3)
    found = stored.read()
    if found is not None:
        return found
    size = rows_per_shard(math.prod(shape))
    with stored.filling(len(images), rows_per_shard=size) as filling, ThreadPoolExecutor(workers) as pool:
        filling.prepare(shape, np.uint8)
        for rows in filling.missing():
            shard = np.empty((len(rows), *shape), np.uint8)
            decoded = pool.map(
                lambda row: decode_image(images[row], geometry, digest=digests[row]),
                rows,
            )
            for place, image in enumerate(decoded):
                shard[place] = image
                step(1)
            filling.write(rows, shard)
    pixels = stored.read()
    assert pixels is not None, f"{stored.folder} was damaged while it was read"
    return pixels
