"""Writing what is missing of an array, while other processes and machines may fill it, too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qbench.store.claims import Claims
from qbench.store.files import atomic, check_space, machine_errors, make_folder, sync
from qbench.store.objects.claims import ObjectClaims
from qbench.store.shard_file import THREADS, ShardFile, Values, reserve
from qbench.store.shard_list import ROWS, SHARDS, first_line, read_shard_line, shard_line

if TYPE_CHECKING:
    from qbench.store.arrays import ShardedArray, Stored


class Filling:
    """Writes the missing shards of an array; see `ShardedArray.filling`."""

    def __init__(
        self, array: ShardedArray, count: int, rows: int, claimed: Claims, elsewhere: ObjectClaims | None = None
    ) -> None:
        self._array, self._count, self._rows, self._claims = array, count, rows, claimed
        self._elsewhere = elsewhere
        self._mine: set[int] = set()
        self._seen: os.stat_result | None = None  # of the list, and how many of its bytes were read
        self._read = 0
        file, digests, bad = array._checked()
        damaged = {number: digests[number] for number in bad}
        self._sound = digests.keys() - bad
        self.file: ShardFile | None = None
        self._digests: dict[int, str] = {}
        with claimed.listing():
            if self._fits(file):
                self._repair_list(damaged)
            self._look()

    def missing(self) -> list[range]:
        """The rows of each shard that is missing, in order; of an array without rows, one empty range."""
        starts = range(0, self._count, self._rows) if self._count else [0]
        done = self._digests if self.file is not None else {}
        return [
            range(start, min(start + self._rows, self._count))
            for number, start in enumerate(starts)
            if number not in done and (self._count or self.file is None)
        ]

    def rounds(
        self, wanted: Callable[[int], bool] = lambda number: True, *, idle: Callable[[], None] = lambda: None
    ) -> Iterator[Iterator[range]]:
        """What this process has to write until nothing is missing, where other processes may fill the array, too.

        Parameters
        ----------
        wanted : callable
            Whether a shard, given by its number, has to be there in the end; all if not given. Asked in each round.
        idle : callable
            Called several times per second while others are waited for; what it raises ends the waiting.

        Yields
        ------
        iterator of range
            The rows of shards that nobody else works on. Each is claimed when it is taken from the iterator, and has to
            be written before the next round begins. In the first round, there are those that are missing now; in
            the next ones, those whose process has ended without writing them. Before it, the others are waited for.
        """
        self.exchange(wanted)
        while todo := [rows for rows in self.missing() if wanted(self._number(rows))]:
            yield self._claimed(todo)
            while self._mine:
                self._claims.release(self._mine.pop())
            self._learn()
            busy = [number for rows in todo if (number := self._number(rows)) not in self._digests]
            if busy and self._count:
                self._claims.wait(busy[0], idle)
                self._learn()
                self._wait_elsewhere(busy[0], idle)
            self.exchange(wanted)

    def _claimed(self, todo: list[range]) -> Iterator[range]:
        for rows in todo:
            number = self._number(rows)
            if self._claims.take(number):
                self._learn()  # another process may have finished it before
                if number in self._digests or not self._claimed_elsewhere(number):
                    self._claims.release(number)
                else:
                    self._mine.add(number)
                    yield rows

    # --- the object store

    def exchange(self, wanted: Callable[[int], bool] = lambda number: True) -> None:
        """Fetch shards that are only in the object store, as far as they are `wanted`, and put there what it lacks."""
        if self._array._store is None:
            return
        stored = self._array._in_store((self._count, self._rows))
        there = stored.digests if stored is not None else {}
        if stored is not None:
            todo = [n for rows in self.missing() if (n := self._number(rows)) in there and wanted(n)]
            with ThreadPoolExecutor(THREADS) as pool:
                for start in range(0, len(todo), THREADS):
                    self._fetch(stored, todo[start : start + THREADS], pool)
        for number, digest in sorted(self._digests.items()):
            if number not in there and self.is_sound(number):
                self._put(number, digest)

    def _fetch(self, stored: Stored, numbers: Sequence[int], pool: ThreadPoolExecutor) -> None:
        """Fetch shards that no other process of this machine works on."""
        store, file = self._array._store, self.prepare(stored.file.shape[1:], stored.file.dtype)
        assert store is not None
        mine = [number for number in numbers if self._claims.take(number)]
        self._learn()
        todo = [number for number in mine if number not in self._digests]
        size = {number: len(file.of_shard(number)) * file.row_bytes for number in todo}
        found = pool.map(lambda number: store.get(stored.head, number, stored.digests[number], size[number]), todo)
        for number, content in zip(todo, found, strict=True):
            if content is not None:
                values = np.frombuffer(content, file.dtype).reshape(len(file.of_shard(number)), *file.shape[1:])
                self._record(number, file.write(number, values))
        for number in mine:
            self._claims.release(number)

    def _put(self, number: int, digest: str) -> None:
        """Put a finished shard into the object store."""
        store, file = self._array._store, self.file
        assert store is not None
        assert file is not None
        store.put(first_line(self._array.said(file)), number, digest, file.content(number))

    def _claimed_elsewhere(self, number: int) -> bool:
        """Claim a shard in the object store; whether no other machine works on it or has finished it."""
        return self._elsewhere is None or self._elsewhere.take(number, lambda: number in self._finished_elsewhere())

    def _wait_elsewhere(self, number: int, idle: Callable[[], None]) -> None:
        """Wait until no other machine works on a shard."""
        if self._elsewhere is not None and number not in self._digests:
            self._elsewhere.wait(number, lambda: number in self._finished_elsewhere(), idle)

    def _finished_elsewhere(self) -> dict[int, str]:
        stored = self._array._in_store((self._count, self._rows))
        return stored.digests if stored is not None else {}

    # --- writing

    def _number(self, rows: range) -> int:
        return rows.start // self._rows

    def write(self, rows: range, values: Values) -> None:
        """Write the rows of one shard, as `missing` names them. The first call decides the shape and dtype of rows.

        Raises
        ------
        ValueError
            `values` does not have the shape or dtype of the others.
        MachineError
            The disk is full, or cannot be written for another reason.
        """
        file = self.prepare(values.shape[1:], values.dtype)
        if len(rows):
            number = rows.start // self._rows
            self.finish(number, file.write(number, values))
        elif len(values):
            raise ValueError(f"an array without rows cannot hold an array of {values.shape}")

    def prepare(self, row_shape: Sequence[int], dtype: npt.DTypeLike) -> ShardFile:
        """Reserve the space on the disk. Shards may then be written by other processes with what this gives.

        Raises
        ------
        ValueError
            Finished shards have rows of another shape or dtype.
        MachineError
            There is not enough free space, or it cannot be written for another reason.
        """
        shape, name = (self._count, *row_shape), np.dtype(dtype).str
        if self.file is None:
            with self._claims.listing():
                self._look()
                if self.file is None:
                    self.file = self._made(shape, name)
        if (self.file.shape, self.file.dtype) != (shape, name):
            raise ValueError(
                f"rows of {tuple(row_shape)} {name} cannot follow rows of {self.file.shape[1:]} {self.file.dtype}"
            )
        return self.file

    def is_sound(self, number: int) -> bool:
        """Whether the bytes of a finished shard are what was written.

        They are read once, if another process wrote them: on a network file system, the rows that this process has
        mapped are then those of the server.
        """
        known = self._digests.get(number)
        if number not in self._sound and self.file is not None and self.file.digest(number) == known:
            self._sound.add(number)
        return number in self._sound

    def finish(self, number: int, digest: str) -> None:
        """Record that a shard is written: first its bytes are put on the disk, then its line in the list.

        Then it is put into the object store, where there is one.

        Raises
        ------
        MachineError
            The disk is full, or cannot be written for another reason.
        """
        self._record(number, digest)
        if self._array._store is not None:
            self._put(number, digest)
        if number in self._mine:
            self._mine.discard(number)
            self._claims.release(number)

    def _record(self, number: int, digest: str) -> None:
        """Record that a shard is written here."""
        assert self.file is not None
        path = self._array.folder / SHARDS
        with machine_errors(path):
            sync(self.file.path)
            with ExitStack() as opened:
                with self._claims.listing():  # meanwhile, nobody puts another list in its place
                    shards = opened.enter_context(path.open("ab"))
                    shards.write(shard_line(number, digest))
                    shards.flush()
                os.fsync(shards.fileno())  # others need not wait for the disk
        self._digests[number] = digest
        self._sound.add(number)

    def _learn(self) -> None:
        """See what other processes have finished."""
        if not self._read_on():
            with self._claims.listing():
                self._look()

    def _read_on(self) -> bool:
        """Read the lines that were added to the list; whether that is all there is to read.

        Nobody is kept from adding lines: one that has no end yet is read the next time. So the time of many processes
        that fill an array does not grow with the square of the number of its shards.
        """
        if self.file is None or self._seen is None:
            return False
        try:
            with (self._array.folder / SHARDS).open("rb") as shards:
                now = os.fstat(shards.fileno())  # of the open file: a network file system then asks its server
                if not os.path.samestat(now, self._seen) or now.st_size < self._read:
                    return False
                shards.seek(self._read)
                added = shards.read()
        except OSError:
            return False
        added = added[: added.rfind(b"\n") + 1]
        lines = [read_shard_line(line, self.file.count) for line in added.splitlines()]
        if None in lines:
            return False
        self._digests.update(line for line in lines if line is not None)
        self._read += len(added)
        return True

    def _look(self) -> None:
        """Read all of the list, if it can be used."""
        with suppress(OSError):
            seen = (self._array.folder / SHARDS).stat()
            file, digests = self._array._known()
            if self._fits(file):
                self.file, self._digests, self._seen, self._read = file, digests, seen, seen.st_size

    def _fits(self, file: ShardFile | None) -> bool:
        return file is not None and (file.shape[0], file.rows, file.is_whole()) == (self._count, self._rows, True)

    def _made(self, shape: tuple[int, ...], dtype: str) -> ShardFile:
        folder = self._array.folder
        file = ShardFile(path=folder / ROWS, shape=shape, dtype=dtype, rows=self._rows)
        with machine_errors(folder):
            make_folder(folder)
            for name in (SHARDS, ROWS):
                (folder / name).unlink(missing_ok=True)  # another process may still read the old file
            check_space(folder, file.size)
            try:
                reserve(file.path, file.size)
            except OSError:
                file.path.unlink(missing_ok=True)
                raise
        self._digests, self._sound = {}, set()
        self._write_list(first_line(self._array.said(file)), {})
        return file

    def _repair_list(self, damaged: Mapping[int, str]) -> None:
        """Leave out what is damaged, and what a process wrote of a line before it was killed."""
        content = (self._array.folder / SHARDS).read_bytes()
        first, rest = content.split(b"\n", 1)
        _, digests = self._array._known()
        sound = {number: digest for number, digest in digests.items() if damaged.get(number) != digest}
        if rest != b"".join(shard_line(*x) for x in sound.items()):
            self._write_list(first, sound)

    def _write_list(self, first: bytes, digests: Mapping[int, str]) -> None:
        with atomic(self._array.folder / SHARDS) as temporary:
            temporary.write_bytes(first + b"\n" + b"".join(shard_line(*x) for x in digests.items()))
