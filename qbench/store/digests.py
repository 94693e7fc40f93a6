"""Digests of contents, remembered in the cache.

Reading 50,000 files again for every run would cost as much as decoding them. So a digest is remembered together with
something cheap that changes whenever the content does (a file's size, times and inode), as build tools do.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qbench.errors import DataError
from qbench.store.files import open_file, relative_name
from qbench.text import counted

if TYPE_CHECKING:
    from qbench.store.cache import Cache

Stamp = tuple[int | str, ...]
"""What changes whenever a content changes."""


TOGETHER = 64
"""The most contents that a thread looks at one after another."""
SHOWN = 10
"""Contents that a message names."""
RECENT = 50_000_000
"""Nanoseconds after its last change for which a file has no stamp. The clock of a file system advances in steps (of up
to 10 ms on Linux), so that a second change may not be seen in the times."""


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file's content; raises `OSError` as `qbench.store.files.open_file` does."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_stamp(path: Path) -> Stamp | None:
    """A file's size in bytes, inode, and the times of its last changes (of content, and of anything) in nanoseconds.

    Size and modification time alone do not show that a file was replaced by a copy that keeps its time (``cp -p``,
    ``rsync -t``, ``tar``); nobody can set the other time. `None` for a file that was changed just now.
    """
    found = path.stat()
    if time.time_ns() - found.st_ctime_ns < RECENT:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


class Contents(Protocol):
    """Named contents that lie in one place, such as the files in a folder."""

    def stamp(self, key: str, /) -> Stamp | None:
        """What changes whenever the content changes; `None` where there is no such thing. May raise `OSError`."""

    def digest(self, key: str, /) -> str:
        """SHA-256 (hexadecimal) of the content. May raise `OSError`."""
        ...

    def where(self, key: str, /) -> str:
        """Where the content is, for messages."""
        ...


class DigestMemo:
    """The digests of the contents of one place.

    Parameters
    ----------
    cache : Cache
        Where they are remembered.
    place : str
        What tells the place from all others on this machine.
    """

    def __init__(self, cache: Cache, place: str) -> None:
        self._memo = cache.memo("digests", {"root": place})
        self._known: dict[str, list[str | int]] = self._memo.read() or {}

    def of(
        self,
        keys: Sequence[str],
        contents: Contents,
        *,
        workers: int = 2,
        done: Callable[[str], None] = lambda key: None,
    ) -> dict[str, str]:
        """Key → digest. A content is read where its stamp is not the one remembered, or is `None`.

        Parameters
        ----------
        keys : sequence of str
            All different.
        contents : Contents
            What the keys name.
        workers : int
            Threads.
        done : callable
            Called with each key when its digest is known.

        Raises
        ------
        DataError
            Contents cannot be read; the message names the first of them.
        """
        unreadable: dict[str, str] = {}

        def one(key: str) -> tuple[str, str, Stamp | None]:
            try:
                stamp = contents.stamp(key)
                known = self._known.get(key)
                unchanged = known is not None and stamp is not None and known[:-1] == [*stamp]
                digest = str(known[-1]) if known and unchanged else contents.digest(key)
            except OSError as error:
                unreadable[key] = error.strerror or str(error)
                return key, "", None
            done(key)
            return key, digest, stamp

        # Of most contents only the stamp is asked for, which takes less time than to hand over a task of its own.
        size = max(1, min(TOGETHER, len(keys) // (4 * workers)))
        parts = [keys[start : start + size] for start in range(0, len(keys), size)]
        with ThreadPoolExecutor(workers) as pool:
            found = [answer for part in pool.map(lambda part: [one(key) for key in part], parts) for answer in part]
        fresh: dict[str, list[str | int]] = {key: [*stamp, digest] for key, digest, stamp in found if stamp is not None}
        if any(self._known.get(key) != value for key, value in fresh.items()):
            self._known = {**self._known, **fresh}
            self._memo.write(self._known)
        if unreadable:
            raise _unreadable({contents.where(key): unreadable[key] for key in keys if key in unreadable})
        return {key: digest for key, digest, _ in found}


def _unreadable(reasons: Mapping[str, str]) -> DataError:
    """One error for the contents that cannot be read: where each is, and why."""
    (where, reason), *others = reasons.items()
    if not others:
        return DataError(f"this cannot be read ({reason})", where=where)
    lines = [f"  {where}: {reason}" for where, reason in list(reasons.items())[:SHOWN]]
    more = [f"  and {len(reasons) - SHOWN:,} more"] if len(reasons) > SHOWN else []
    return DataError("\n".join([f"{counted(len(reasons), 'file')} cannot be read:", *lines, *more]))


def digests_below(cache: Cache, root: Path, files: Sequence[Path]) -> list[str]:
    """The digest of each of some files below a folder, in their order.

    Raises
    ------
    DataError
        A file cannot be read or is not below the folder.
    """
    names = [relative_name(path, root) for path in files]
    found = DigestMemo(cache, str(root.absolute())).of(list(dict.fromkeys(names)), _Files(root))
    return [found[name] for name in names]


@dataclass(frozen=True)
class _Files:
    root: Path

    def stamp(self, key: str) -> Stamp | None:
        return file_stamp(self.root / key)

    def digest(self, key: str) -> str:
        return file_digest(self.root / key)

    def where(self, key: str) -> str:
        return str(self.root / key)
