"""Decoded images that are read while others of them are still decoded: whoever reads rows waits for these rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt


class Pixels:
    """The decoded images of a set, ``(images, size, size, 3)`` uint8: one thread makes them, and others read rows.

    It is indexed as an array is, and it has a length. It has no other methods of an array, because each of them would
    wait for all images.

    Parameters
    ----------
    images : int
        How many there are.

    Attributes
    ----------
    waited : float
        Seconds for which readers have waited.

    Examples
    --------
    >>> pixels = Pixels(3)
    >>> pixels.begin(np.zeros((3, 8, 8, 3), np.uint8), rows_per_shard=2, missing=[1])
    >>> len(pixels), pixels[:2].shape
    (3, (2, 8, 8, 3))
    >>> pixels.miss([])
    >>> pixels[[0, 2]].shape
    (2, 8, 8, 3)
    """

    def __init__(self, images: int) -> None:
        self._numbers = np.arange(images)
        self._changed = threading.Condition()
        self._rows: npt.NDArray[np.uint8] | None = None
        self._rows_per_shard = 1
        self._missing: set[int] = set()
        self._error: BaseException | None = None
        self.waited = 0.0

    @classmethod
    def decoded(cls, rows: npt.NDArray[np.uint8]) -> Pixels:
        """Images that are all decoded already."""
        made = cls(len(rows))
        made.begin(rows, rows_per_shard=1, missing=())
        return made

    def __len__(self) -> int:
        """How many images there are."""
        return len(self._numbers)

    def __getitem__(self, rows: Any) -> npt.NDArray[np.uint8]:
        """Some images, as soon as they are decoded.

        Parameters
        ----------
        rows
            Numbers, a slice, or another index of the first axis of an array.

        Raises
        ------
        DataError
            One of them, or another one in its shard, cannot be used. The message names all in the set that cannot.
        QbenchError
            Decoding ended for another reason, such as a full disk.
        """
        numbers, begun = np.unique(self._numbers[rows]), time.perf_counter()
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or self._ready(numbers))
            self.waited += time.perf_counter() - begun
            if self._rows is None or not self._ready(numbers):
                assert self._error is not None
                raise self._error
            found: npt.NDArray[np.uint8] = self._rows[rows]
            return found

    def _ready(self, numbers: npt.NDArray[np.int64]) -> bool:
        shards = (numbers // self._rows_per_shard).tolist()
        return self._rows is not None and self._missing.isdisjoint(shards)

    # --- for the thread that makes them

    def begin(self, rows: npt.NDArray[np.uint8], *, rows_per_shard: int, missing: Iterable[int]) -> None:
        """Say where the images will be, how many are in a shard, and the numbers of the shards that are missing."""
        with self._changed:
            self._rows, self._rows_per_shard, self._missing = rows, rows_per_shard, set(missing)
            self._changed.notify_all()

    def miss(self, shards: Iterable[int]) -> None:
        """Say which shards are missing now: others are there."""
        with self._changed:
            self._missing = set(shards)
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Say that nothing more will come, and why: who waits for what is missing gets the error."""
        with self._changed:
            self._error = error
            self._changed.notify_all()
