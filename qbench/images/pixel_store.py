"""The pixel store: every image is decoded once for all models that share a geometry.

It is a memory-mapped uint8 array ``(images, size, size, 3)`` in the cache, decoded shard by shard. So memory stays
bounded whatever the size of the dataset, processes that read it share its pages, and several runs share the work.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import PIL

from qbench.errors import DataError
from qbench.images.decoding import DecodeTask
from qbench.images.locations import ImageLocation
from qbench.images.pixels import Pixels
from qbench.images.preprocessing import Geometry
from qbench.images.workers import Stop, worked_on
from qbench.store.arrays import rows_per_shard
from qbench.store.cache import Cache
from qbench.store.filling import Filling
from qbench.store.shard_file import ShardFile
from qbench.text import counted

log = logging.getLogger(__name__)

FOLDER = "pixels"
"""The folder of the cache that holds pixel stores."""
SHOWN = 10
"""Images that a message names."""


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
    pixels: Pixels | None = None,
    stop: Stop | None = None,
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
        Processes that decode, at most. The result does not depend on it.
    step : callable
        Called with the number of images that were done since the last call.
    pixels : Pixels, optional
        Is told of each shard that is decoded, so that others can read it while this function works on the next ones.
    stop : Stop, optional
        Ends the function from another thread.

    Returns
    -------
    numpy.ndarray
        ``(len(images), size, size, 3)`` uint8, memory-mapped, read-only.

    Raises
    ------
    DataError
        Images cannot be read, or have another digest by now; the message names the first of them. All others are
        decoded and kept, but for those that are in a shard with one of these.
    MachineError
        The cache cannot be written.
    Stopped
        `stop` was used.
    """
    stored, shape = cache.sharded(FOLDER, store_parts(key, geometry)), (geometry.size, geometry.size, 3)
    found = stored.read()
    if found is not None:
        return found
    with stored.filling(len(images), rows_per_shard=rows_per_shard(math.prod(shape))) as filling:
        file, told, stopper = filling.prepare(shape, np.uint8), pixels or Pixels(len(images)), stop or Stop()
        told.begin(file.mapped(), rows_per_shard=file.rows, missing=_missing(filling, file))
        errors: dict[int, DataError] = {}

        def task(row: int) -> DecodeTask:
            return DecodeTask(images[row], geometry, digests[row], file.path, file.offset(row))

        # Shards with an image that cannot be read are tried once: by each process that wants all images.
        for claimed in filling.rounds(lambda shard: errors.keys().isdisjoint(file.of_shard(shard)), idle=stopper.check):
            told.miss(_missing(filling, file))
            wanted = (row for rows in claimed for row in rows)
            errors.update(_decode(wanted, task, file, filling, told, workers, step, stopper))
    if errors:
        raise together([errors[row] for row in sorted(errors)])
    found = stored.read()
    assert found is not None, f"{stored.folder} was damaged while it was read"
    return found


def _missing(filling: Filling, file: ShardFile) -> set[int]:
    """The numbers of the shards that are not finished, or not as they were written."""
    missing = {rows.start // file.rows for rows in filling.missing() if len(rows)}
    return missing | {shard for shard in range(file.count) if shard not in missing and not filling.is_sound(shard)}


def _decode(
    rows: Iterator[int],
    task: Callable[[int], DecodeTask],
    file: ShardFile,
    filling: Filling,
    pixels: Pixels,
    workers: int,
    step: Callable[[int], None],
    stop: Stop,
) -> dict[int, DataError]:
    """Decode the images of whole shards, and finish each shard when all its rows are written.

    Returns
    -------
    dict of int to DataError
        The rows whose images cannot be read, and what is wrong with them.
    """
    given: dict[int, int] = {}
    done: Counter[int] = Counter()
    errors: dict[int, DataError] = {}
    finished: list[Future[None]] = []
    tasks = (task(row) for row in _noted(rows, given))
    with ThreadPoolExecutor(1) as finisher, worked_on(tasks, workers, stop) as results:
        for number, error in results:
            row = given.pop(number)
            if error is None:
                shard = row // file.rows
                done[shard] += 1
                if done[shard] == len(file.of_shard(shard)):
                    finished.append(finisher.submit(_finish, filling, pixels, file, shard))
            else:
                errors[row] = error
            step(1)
    for one in finished:
        one.result()
    return errors


def _noted(rows: Iterator[int], given: dict[int, int]) -> Iterator[int]:
    """The same rows; `given` gets them by the numbers of their tasks."""
    for number, row in enumerate(rows):
        given[number] = row
        yield row


def _finish(filling: Filling, pixels: Pixels, file: ShardFile, shard: int) -> None:
    filling.finish(shard, file.digest(shard))
    pixels.miss(_missing(filling, file))


def together(errors: Sequence[DataError]) -> DataError:
    """One error for several images: the first of them, and how many more there are; the log has all of them."""
    if len(errors) == 1:
        return errors[0]
    lines = [f"  {error.where}: {error.what}" for error in errors[:SHOWN]]
    more = []
    if len(errors) > SHOWN:
        where = "the log of the run and `qbench data check --decode --all` name all of them"
        more = [f"  and {len(errors) - SHOWN:,} more; {where}"]
        for error in errors:
            log.warning("%s: %s", error.where, error.what)
    fixes = dict.fromkeys(error.fix for error in errors[:SHOWN] if error.fix)
    return DataError(
        "\n".join([f"{counted(len(errors), 'image')} cannot be used:", *lines, *more]), fix="\n".join(fixes)
    )
