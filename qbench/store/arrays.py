"""Arrays in the cache that are filled shard by shard, and checked when they are read.

An array is a folder with two files. ``rows`` has the plain bytes of all rows. ``shards.jsonl`` has a first line that
says what the array is, and one line for each finished shard, appended when its bytes are on the disk: its number and
its SHA-256. So a process that is killed loses the shard that it was working on and no other. Several processes may fill
one array: each claims the shards that it works on, see `qbench.store.claims`.

The bytes are written by system calls and never through a memory map, so that a full disk is an error with a message;
through a map, it would end the process. They are read through a map, after they were checked: memory stays bounded
whatever the size of the array, and processes share its pages.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.store.claims import Claims, claims
from qbench.store.digests import Stamp, file_stamp
from qbench.store.files import atomic, check_space, machine_errors, make_folder, sync, write_at
from qbench.store.keys import key_of
from qbench.store.lock import shared
from qbench.store.objects.claims import ObjectClaims
from qbench.store.objects.shards import ObjectArray

log = logging.getLogger(__name__)

Values = npt.NDArray[Any]

SHARD_BYTES = 32 * 2**20
"""Most bytes of a shard: so much of decoded images is lost at most, and so much each thread reads at a time."""
SHARD_ROWS = 1024
"""Most rows of a shard: so many answers of a model are lost at most. A choice of ours."""
THREADS = 8
"""Most threads that compute digests. Each takes about 1 s per GB, where the processor has instructions for SHA-256."""
ROWS, SHARDS = "rows", "shards.jsonl"


def rows_per_shard(row_bytes: int, *, multiple_of: int = 1) -> int:
    """How many rows are in a shard: a multiple of the batch size, so that a batch is in one shard.

    Examples
    --------
    >>> rows_per_shard(224 * 224 * 3), rows_per_shard(512 * 4), rows_per_shard(512 * 4, multiple_of=96)
    (222, 1024, 960)
    """
    most = min(SHARD_ROWS, SHARD_BYTES // max(row_bytes, 1))
    return max(most // multiple_of, 1) * multiple_of


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


class ShardedArray:
    """An array in the cache. Making the object touches nothing on the disk.

    Parameters
    ----------
    folder : pathlib.Path
        Where it is or will be.
    parts : mapping
        All that decides the values; stored with them.
    lock : pathlib.Path
        The file whose lock all writers hold together, and who removes the array alone.
    store : ObjectArray, optional
        The same array in an object store: what is finished there is fetched when it is wanted, and what is finished
        here is put there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     array = ShardedArray(Path(folder) / "a", {"of": "squares"}, Path(folder) / "lock")
    ...     with array.filling(5, rows_per_shard=2) as filling:
    ...         for rows in filling.missing():
    ...             filling.write(rows, np.arange(rows.start, rows.stop, dtype=np.float32) ** 2)
    ...     found = array.read()
    >>> found.tolist()
    [0.0, 1.0, 4.0, 9.0, 16.0]
    """

    def __init__(self, folder: Path, parts: Mapping[str, Any], lock: Path, store: ObjectArray | None = None) -> None:
        self.folder, self.parts, self._lock, self._store = folder, dict(parts), lock, store

    @property
    def complete(self) -> bool:
        """Whether all shards are finished, as far as the names say; whether they are whole is seen when it is read.

        Where there is an object store, they have to be there: others wait for them.
        """
        if self._store is None:
            return self.complete_here
        stored = self._in_store()
        return stored is not None and stored.complete

    @property
    def complete_here(self) -> bool:
        """Whether all shards are finished on this machine."""
        file, digests = self._known()
        return file is not None and len(digests) == file.count and file.is_whole()

    def rows_done(self, wanted: Callable[[int], bool] = lambda number: True) -> int:
        """How many rows are in finished shards (of those that are `wanted`, by their numbers), as far as is listed.

        What is only in the object store counts.
        """
        file, digests = self._known()
        if file is None or not file.is_whole():
            file, digests = None, {}
        stored = self._in_store()
        if stored is not None and (file is None or file.layout == stored.file.layout):
            file, digests = stored.file, {**stored.digests, **digests}
        return sum(len(file.of_shard(number)) for number in digests if wanted(number)) if file is not None else 0

    def read(self) -> Values | None:
        """All rows, checked, memory-mapped and read-only; `None` where some are missing or damaged (which is said).

        What is only in the object store is fetched, and what is missing there is put there.
        """
        self._exchange()
        if not self.complete_here:
            return None
        file, digests = self._sound()
        if file is None or len(digests) < file.count:
            return None
        with suppress(OSError):  # where the cache cannot be written, nothing is removed from it either
            os.utime(self.folder / SHARDS)  # by this, `qbench cache prune` knows when it was used
        return file.mapped()

    def damaged(self) -> list[int]:
        """The finished shards whose bytes are not what was written; all of them are read."""
        file, digests, _ = self._listed()
        if file is None:
            return []
        return sorted(_damaged_now(file, tuple(sorted(digests.items()))))

    def has_damaged_list(self) -> bool:
        """Whether the list of shards is not what was written; the shards that it has lost count as absent."""
        return not self._listed()[2]

    @contextmanager
    def filling(self, count: int, *, rows_per_shard: int) -> Iterator[Filling]:
        """Write what is missing of the array. What was written stays if the block fails.

        Other processes may fill it at the same time: `Filling.rounds` says what each of them works on.

        Parameters
        ----------
        count : int
            How many rows it has.
        rows_per_shard : int
            See the function of that name. Finished shards of another size are not used.

        Raises
        ------
        MachineError
            The cache cannot be written.
        """
        with (
            shared(self._lock, of=self.folder),
            claims(self._lock.with_suffix(".claims"), of=self.folder) as claimed,
            self._store.claims(rows_per_shard) if self._store is not None else nullcontext() as elsewhere,
        ):
            yield Filling(self, count, rows_per_shard, claimed, elsewhere)

    def _in_store(self, layout: tuple[int, int] | None = None) -> Stored | None:
        """What the object store has: of those of `layout` (rows, and rows per shard) the layout with most shards."""
        if self._store is None:
            return None
        best: Stored | None = None
        for head, digests in self._store.look().items():
            said = _read_first_line(head)
            if said is None or key_of(said["parts"]) != key_of(self.parts):
                continue
            file = self._file(said)
            if layout is not None and (file.shape[0], file.rows) != layout:
                continue
            found = Stored(file, head, {number: digests[number] for number in digests if number < file.count})
            if best is None or len(found.digests) > len(best.digests):
                best = found
        if best is not None and best.complete:
            self._store.is_whole()
        return best

    def _exchange(self) -> None:
        """Fetch what is only in the object store, if it has all of the array, and put what is missing there."""
        if self._store is None:
            return
        stored = self._in_store()
        whole = stored is not None and stored.complete
        if whole == self.complete_here:
            return  # there is nothing to do, or nothing that can be read
        file = stored.file if stored is not None and whole else self._known()[0]
        assert file is not None
        with self.filling(file.shape[0], rows_per_shard=file.rows) as filling:
            filling.exchange()

    def _sound(self) -> tuple[ShardFile | None, dict[int, str]]:
        """What is there, without the shards that are damaged."""
        file, digests, bad = self._checked()
        return file, {number: digest for number, digest in digests.items() if number not in bad}

    def _checked(self) -> tuple[ShardFile | None, dict[int, str], frozenset[int]]:
        """What is there, and which of the finished shards are damaged."""
        file, digests = self._known()
        if file is None or not digests:
            return file, {}, frozenset()
        listed, stamp = tuple(sorted(digests.items())), None
        with suppress(OSError):
            stamp = file_stamp(file.path)
        bad = _damaged_now(file, listed) if stamp is None else _damaged(file, listed, stamp)
        if bad:
            log.warning("%s: %d of %d parts are damaged; they are made again", self.folder, len(bad), file.count)
        return file, digests, bad

    def _known(self) -> tuple[ShardFile | None, dict[int, str]]:
        """What the list of shards says; nothing where there is none. A list that is damaged is said."""
        file, digests, sound = self._listed()
        if not sound:
            log.warning("%s: the list of its parts is damaged; what it lacks is made again", self.folder)
        return file, digests

    def _listed(self) -> tuple[ShardFile | None, dict[int, str], bool]:
        """What the list of shards says, and whether all of it can be read."""
        try:
            # After the last line break there is nothing, or what a process wrote of a line before it was killed.
            first, *lines, _ = (self.folder / SHARDS).read_bytes().split(b"\n")
        except FileNotFoundError:
            return None, {}, True
        except (OSError, ValueError):
            return None, {}, False
        said = _read_first_line(first)
        if said is None or key_of(said["parts"]) != key_of(self.parts):
            return None, {}, False
        file = self._file(said)
        finished = [_read_line(line, file.count) for line in lines]
        return file, dict(x for x in finished if x is not None), None not in finished

    def said(self, file: ShardFile) -> dict[str, Any]:
        """What the first line of the list says."""
        return {"parts": self.parts, "shape": list(file.shape), "dtype": file.dtype, "rows": file.rows}

    def _file(self, said: dict[str, Any]) -> ShardFile:
        return ShardFile(path=self.folder / ROWS, shape=tuple(said["shape"]), dtype=said["dtype"], rows=said["rows"])


@dataclass(frozen=True)
class Stored:
    """What an object store has of an array.

    Attributes
    ----------
    file : ShardFile
        How it is divided.
    head : bytes
        The object that says so.
    digests : dict of int to str
        The finished shards.
    """

    file: ShardFile
    head: bytes
    digests: dict[int, str]

    @property
    def complete(self) -> bool:
        """Whether all shards are there."""
        return len(self.digests) == self.file.count


class Filling:
    """Writes the missing shards of an array; see `ShardedArray.filling`."""

    def __init__(
        self, array: ShardedArray, count: int, rows: int, claimed: Claims, elsewhere: ObjectClaims | None = None
    ) -> None:
        self._array, self._count, self._rows, self._claims = array, count, rows, claimed
        self._elsewhere = elsewhere
        self._mine: set[int] = set()
        self._seen: os.stat_result | None = None
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
        store.put(_first_line(self._array.said(file)), number, digest, file.content(number))

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
            with self._claims.listing(), path.open("ab") as shards:
                self._look()
                shards.write(_line(number, digest))
                shards.flush()
                os.fsync(shards.fileno())
                self._seen = os.fstat(shards.fileno())
        self._digests[number] = digest
        self._sound.add(number)

    def _learn(self) -> None:
        """See what other processes have finished."""
        with self._claims.listing():
            self._look()

    def _look(self) -> None:
        """Read the list, where it is new and can be used."""
        with suppress(OSError), (self._array.folder / SHARDS).open("rb") as shards:
            now = os.fstat(shards.fileno())  # of the open file: a network file system then asks its server
            if self._seen is None or not os.path.samestat(now, self._seen) or now.st_size != self._seen.st_size:
                file, digests = self._array._known()
                if self._fits(file):
                    self.file, self._digests, self._seen = file, digests, now

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
                _reserve(file.path, file.size)
            except OSError:
                file.path.unlink(missing_ok=True)
                raise
        self._digests, self._sound = {}, set()
        self._write_list(_first_line(self._array.said(file)), {})
        return file

    def _repair_list(self, damaged: Mapping[int, str]) -> None:
        """Leave out what is damaged, and what a process wrote of a line before it was killed."""
        content = (self._array.folder / SHARDS).read_bytes()
        first, rest = content.split(b"\n", 1)
        _, digests = self._array._known()
        sound = {number: digest for number, digest in digests.items() if damaged.get(number) != digest}
        if rest != b"".join(_line(*x) for x in sound.items()):
            self._write_list(first, sound)

    def _write_list(self, first: bytes, digests: Mapping[int, str]) -> None:
        with atomic(self._array.folder / SHARDS) as temporary:
            temporary.write_bytes(first + b"\n" + b"".join(_line(*x) for x in digests.items()))


def stored_parts(folder: Path) -> dict[str, Any] | None:
    """All that decides the array in a folder; `None` where its list is damaged or not there."""
    try:
        with (folder / SHARDS).open("rb") as lines:
            said = _read_first_line(lines.readline())
    except OSError:
        return None
    return said["parts"] if said is not None else None


def _first_line(said: dict[str, Any]) -> bytes:
    """The line that says what the array is, with a digest of that."""
    return json.dumps({**said, "sha256": key_of(said)}, sort_keys=True).encode()


def _read_first_line(line: bytes) -> dict[str, Any] | None:
    """What it says; `None` where it is damaged."""
    try:
        said: dict[str, Any] = json.loads(line)
        digest = said.pop("sha256")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return said if digest == key_of(said) else None


def _line(number: int, digest: str) -> bytes:
    """The line of a finished shard."""
    return json.dumps([number, digest]).encode() + b"\n"


def _read_line(line: bytes, count: int) -> tuple[int, str] | None:
    """The number and the digest of a shard; `None` where the line is damaged."""
    try:
        number, digest = json.loads(line)
    except (ValueError, TypeError):
        return None
    return (number, digest) if number in range(count) and isinstance(digest, str) else None


def _reserve(path: Path, size: int) -> None:
    """Make a file of this size whose blocks are on the disk already."""
    with path.open("xb") as file:
        try:
            if size:
                os.posix_fallocate(file.fileno(), 0, size)
        except (AttributeError, OSError) as error:  # not on macOS, nor on every file system
            if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
            file.truncate(size)  # then a full disk is seen when a shard is written


def _damaged_now(file: ShardFile, digests: tuple[tuple[int, str], ...]) -> frozenset[int]:
    """The shards of which the bytes on the disk do not have the digest; the threads share the work."""
    if not file.is_whole():
        return frozenset(number for number, _ in digests)
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        found = pool.map(file.digest, (number for number, _ in digests))
        return frozenset(number for (number, digest), now in zip(digests, found, strict=True) if digest != now)


@lru_cache(maxsize=1024)
def _damaged(file: ShardFile, digests: tuple[tuple[int, str], ...], stamp: Stamp) -> frozenset[int]:
    """The same, once in a process for a file that did not change: a run reads the same images for each variant."""
    return _damaged_now(file, digests)
