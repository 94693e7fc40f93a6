"""Decoding in the background: one image set after another, while models answer what is decoded already."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

import PIL

from qbench.images.locations import ImageLocation
from qbench.images.pixel_store import FOLDER, pixel_store, store_parts
from qbench.images.pixels import Pixels
from qbench.images.preprocessing import Geometry
from qbench.images.workers import Stop
from qbench.store.cache import Cache
from qbench.store.keys import key_of
from qbench.store.memos import SPEEDS, Memo


class Decoder:
    """Decodes image sets into the cache in a thread of its own, in the order in which they are asked for.

    What cannot be decoded is not tried again: whoever asks for it gets the same error.

    Parameters
    ----------
    cache : Cache
        Where the pixel stores are.
    workers : int
        Processes that decode, at most.
    step : callable
        Called, in that thread, with the number of images that were decoded since the last call.
    """

    def __init__(self, cache: Cache, *, workers: int, step: Callable[[int], None] = lambda n: None) -> None:
        self._cache, self._workers, self._step = cache, workers, step
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        self._asked: dict[str, tuple[Pixels, Future[None]]] = {}
        self._lock, self._stop = threading.Lock(), Stop()

    def pixels(self, images: Sequence[ImageLocation], key: str, geometry: Geometry, digests: Sequence[str]) -> Pixels:
        """The decoded images, which may still be decoded when they are read; see `pixel_store` for the parameters."""
        return self._begun(images, key, geometry, digests)[0]

    def decode(self, images: Sequence[ImageLocation], key: str, geometry: Geometry, digests: Sequence[str]) -> None:
        """Wait until all images are decoded; raises as `qbench.images.pixel_store.pixel_store` does."""
        self._begun(images, key, geometry, digests)[1].result()

    @property
    def waited(self) -> float:
        """Seconds for which readers of images have waited until now."""
        return sum(pixels.waited for pixels, _ in self._asked.values())

    def close(self) -> None:
        """Stop decoding. Shards that are finished stay in the cache."""
        self._stop.set()
        self._thread.shutdown(cancel_futures=True)

    def _begun(
        self, images: Sequence[ImageLocation], key: str, geometry: Geometry, digests: Sequence[str]
    ) -> tuple[Pixels, Future[None]]:
        """The images as they are decoded, and what ends when all are; begun now unless it was before."""
        parts = store_parts(key, geometry)
        name = key_of(parts)
        with self._lock:
            begun = self._asked.get(name)
            if begun is not None and not _has_succeeded(begun[1]):
                return begun
            found = self._cache.sharded(FOLDER, parts).read()
            if found is not None:
                return Pixels.decoded(found), _DONE
            pixels = Pixels(len(images))
            future = self._thread.submit(self._decode, pixels, images, key, geometry, digests)
            self._asked[name] = pixels, future
            return self._asked[name]

    def _decode(
        self,
        pixels: Pixels,
        images: Sequence[ImageLocation],
        key: str,
        geometry: Geometry,
        digests: Sequence[str],
    ) -> None:
        begun, done = 0.0, 0

        def step(count: int) -> None:
            nonlocal begun, done
            if begun:
                done += count
            else:  # the start of the processes does not count
                begun = time.perf_counter()
            self._step(count)

        try:
            found = pixel_store(
                self._cache,
                images,
                key,
                geometry,
                digests=digests,
                workers=self._workers,
                step=step,
                pixels=pixels,
                stop=self._stop,
            )
        except BaseException as error:
            pixels.fail(error)
            raise
        pixels.begin(found, rows_per_shard=1, missing=())
        self._remember_speed(geometry, done, time.perf_counter() - begun)

    def _remember_speed(self, geometry: Geometry, images: int, seconds: float) -> None:
        """Keep how long decoding took, for `qbench plan`, unless it was longer before: the start counts less then."""
        memo = _speed(self._cache, geometry)
        known = memo.read()
        if images and (known is None or images >= known["images"]):
            memo.write({"images": images, "seconds": seconds * self._workers})


def known_decoding_speed(cache: Cache, geometry: Geometry) -> float | None:
    """Seconds of one process for one image, as measured here when most images were decoded; `None` if none were.

    Where models answered meanwhile on the same processor, the time that they took from the decoding counts as well.
    """
    known = _speed(cache, geometry).read()
    return None if known is None else known["seconds"] / known["images"]


def _speed(cache: Cache, geometry: Geometry) -> Memo:
    return cache.memo(SPEEDS, {"decoding": asdict(geometry), "pillow": PIL.__version__})


def _has_succeeded(future: Future[None]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


_DONE: Future[None] = Future()
_DONE.set_result(None)
