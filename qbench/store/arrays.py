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

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbench.store.claims import claims
from qbench.store.digests import file_stamp
from qbench.store.filling import Filling
from qbench.store.keys import key_of
from qbench.store.lock import shared
from qbench.store.objects.shards import ObjectArray
from qbench.store.shard_file import ShardFile, Values, damaged_shards, damaged_shards_now
from qbench.store.shard_list import ROWS, SHARDS, read_first_line, read_shard_line

log = logging.getLogger(__name__)

SHARD_BYTES = 32 * 2**20
"""Most bytes of a shard: so much of decoded images is lost at most, and so much each thread reads at a time."""
SHARD_ROWS = 1024
"""Most rows of a shard: so many answers of a model are lost at most. A choice of ours."""


def rows_per_shard(row_bytes: int, *, multiple_of: int = 1) -> int:
    """How many rows are in a shard: a multiple of the batch size, so that a batch is in one shard.

    Examples
    --------
    >>> rows_per_shard(224 * 224 * 3), rows_per_shard(512 * 4), rows_per_shard(512 * 4, multiple_of=96)
    (222, 1024, 960)
    """
    most = min(SHARD_ROWS, SHARD_BYTES // max(row_bytes, 1))
    return max(most // multiple_of, 1) * multiple_of


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
    >>> import numpy as np
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
        return sorted(damaged_shards_now(file, tuple(sorted(digests.items()))))

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
            said = read_first_line(head)
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
        bad = damaged_shards_now(file, listed) if stamp is None else damaged_shards(file, listed, stamp)
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
        said = read_first_line(first)
        if said is None or key_of(said["parts"]) != key_of(self.parts):
            return None, {}, False
        file = self._file(said)
        finished = [read_shard_line(line, file.count) for line in lines]
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
