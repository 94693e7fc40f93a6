"""The file with the rows of an array: how it is divided into shards, and whether these are what was written."""

from __future__ import annotations

import errno
import hashlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.store.digests import Stamp
from qbench.store.files import write_at

Values = npt.NDArray[Any]

THREADS = 8
"""Most threads that compute digests. Each takes about 1 s per GB, where the processor has instructions for SHA-256."""


@dataclass(frozen=True, kw_only=True)
class ShardFile:
    """Where the rows are and how they are divided; plain data, so that other processes can write shards, too.

    Attributes
    ----------
    path : pathlib.Path
        The file with the rows.
    shape : tuple of int
        Rows first.
    dtype : str
        NumPy's name, such as ``|u1`` or ``<f4``.
    rows : int
        Rows per shard; the last one may have fewer.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: str
    rows: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return self.shape[0] * self.row_bytes

    @property
    def layout(self) -> tuple[tuple[int, ...], str, int]:
        """How the rows are divided."""
        return self.shape, self.dtype, self.rows

    @property
    def count(self) -> int:
        """How many shards there are."""
        return -(-self.shape[0] // self.rows)

    def of_shard(self, number: int) -> range:
        """The rows of a shard."""
        return range(number * self.rows, min((number + 1) * self.rows, self.shape[0]))

    def write(self, number: int, values: Values) -> str:
        """Write the rows of one shard; its SHA-256, for `Filling.finish`.

        Raises
        ------
        ValueError
            `values` has another shape or dtype than the shard.
        MachineError
            The disk is full, or cannot be written for another reason.
        """
        rows = self.of_shard(number)
        if values.shape != (len(rows), *self.shape[1:]) or values.dtype != np.dtype(self.dtype):
            raise ValueError(
                f"a shard of {len(rows)} rows of {self.shape[1:]} {self.dtype} cannot hold an array of "
                f"{values.shape} {values.dtype.str}"
            )
        content = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        write_at(self.path, content, self.offset(rows.start))
        return hashlib.sha256(content).hexdigest()

    def offset(self, row: int) -> int:
        """The byte of the file at which a row begins."""
        return row * self.row_bytes

    def content(self, number: int) -> bytes:
        """The bytes of a shard as they are on the disk; raises `OSError` where they cannot be read."""
        rows = self.of_shard(number)
        with self.path.open("rb") as file:
            file.seek(rows.start * self.row_bytes)
            return file.read(len(rows) * self.row_bytes)

    def digest(self, number: int) -> str:
        """SHA-256 of a shard as it is on the disk; empty where it cannot be read."""
        try:
            return hashlib.sha256(self.content(number)).hexdigest()
        except OSError:
            return ""

    def mapped(self) -> Values:
        """All rows, memory-mapped and read-only."""
        if self.size == 0:
            return np.empty(self.shape, self.dtype)  # an empty file cannot be mapped
        return np.memmap(self.path, dtype=self.dtype, mode="r", shape=self.shape)

    def is_whole(self) -> bool:
        """Whether the file has the size that it should have."""
        with suppress(OSError):
            return self.path.stat().st_size == self.size
        return False


def reserve(path: Path, size: int) -> None:
    """Make a file of this size whose blocks are on the disk already."""
    with path.open("xb") as file:
        try:
            if size:
                os.posix_fallocate(file.fileno(), 0, size)
        except (AttributeError, OSError) as error:  # not on macOS, nor on every file system
            if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
            file.truncate(size)  # then a full disk is seen when a shard is written


def damaged_shards_now(file: ShardFile, digests: tuple[tuple[int, str], ...]) -> frozenset[int]:
    """The shards of which the bytes on the disk do not have the digest; the threads share the work."""
    if not file.is_whole():
        return frozenset(number for number, _ in digests)
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        found = pool.map(file.digest, (number for number, _ in digests))
        return frozenset(number for (number, digest), now in zip(digests, found, strict=True) if digest != now)


@lru_cache(maxsize=1024)
def damaged_shards(file: ShardFile, digests: tuple[tuple[int, str], ...], stamp: Stamp) -> frozenset[int]:
    """The same, once in a process for a file that did not change: a run reads the same images for each variant."""
    return damaged_shards_now(file, digests)
