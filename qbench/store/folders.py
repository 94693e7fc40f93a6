"""Folders that are complete or absent; those in the cache are checked when they are used."""

from __future__ import annotations

import glob
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qbench.errors import DataError
from qbench.store.cache import Cache
from qbench.store.digests import digests_below, file_digest
from qbench.store.files import PART, check_space, machine_errors, make_folder, sync, sync_all
from qbench.store.flock import take
from qbench.store.lock import held
from qbench.store.memos import Memo

log = logging.getLogger(__name__)

LIST = ".files"
"""How the name of a folder's list of files ends; it is beside the folder, with the digest of each file."""


class StoredFolder:
    """A folder in the cache. Making the object touches nothing on the disk.

    Parameters
    ----------
    cache : Cache
        The cache.
    path : pathlib.Path
        Where the folder is or will be.
    decided_by : mapping
        Everything that decides its content.
    """

    def __init__(self, cache: Cache, path: Path, decided_by: Mapping[str, Any]) -> None:
        self.path = path
        self._cache = cache
        self._list = Memo(path.with_name(path.name + LIST), decided_by)

    def find(self) -> Path | None:
        """The folder; `None` where it is not there, or where one of its files is damaged or missing (which is said).

        A file is read again when its size, its times or its inode have changed since it was checked.
        """
        digests = self._list.read()
        if digests is None:
            return None
        files = [self.path / name for name in digests]
        try:
            damaged = [
                name
                for name, now in zip(digests, digests_below(self._cache, self.path, files), strict=True)
                if digests[name] != now
            ]
        except DataError as error:
            damaged = [error.where]
        if damaged:
            log.warning("%s: %s is damaged or missing; the folder is made again", self.path, damaged[0])
            return None
        return self.path

    def get(self, write: Callable[[Path], None], *, size: int = 0) -> Path:
        """The folder; where it is not there or is damaged, `write` is called with an empty folder first.

        Of several processes that need it at the same time, one writes it and the others wait. If `write` raises,
        nothing is kept. `size` is how many bytes it takes, as far as that is known.

        Raises
        ------
        MachineError
            The cache cannot be written, or there is not enough free space.
        """
        found = self.find()
        if found is not None:
            return found
        with held(self._cache.lock(self.path), of=self.path):
            return self.find() or self._made(write, size)

    def _made(self, write: Callable[[Path], None], size: int) -> Path:
        temporary = self.path.with_name(f".{self.path.name}{PART}")
        with machine_errors(self.path):
            remove_tree(temporary)  # of a process that was killed: this one holds the lock
            make_folder(temporary)
            try:
                check_space(temporary, size)
                write(temporary)
                files = sorted(path for path in temporary.rglob("*") if path.is_file())
                digests = {path.relative_to(temporary).as_posix(): file_digest(path) for path in files}
                sync_all(temporary)
                self._list.path.unlink(missing_ok=True)
                remove_tree(self.path)
                temporary.rename(self.path)
                sync(self.path.parent)
            finally:
                remove_tree(temporary)
        self._list.write(digests)
        return self.path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Write into a temporary folder beside `path` that takes its place when the block ends without an error.

    What a process that was killed left of it is removed first. `path` does not exist, or is an empty folder.

    Raises
    ------
    MachineError
        It cannot be written.
    """
    with machine_errors(path):
        path = path.resolve()  # of ".", or of a link to a folder, neither the name nor the place would be its own
        make_folder(path.parent)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*{PART}"):
            _remove_unused(left)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART))
        handle = os.open(temporary, os.O_RDONLY)
        try:
            take(handle)
            whole = temporary / path.name  # a folder of its own: the temporary one is private
            whole.mkdir()
            yield whole
            sync_all(whole)
            whole.replace(path)
            sync(path.parent)
        finally:
            remove_tree(temporary)
            os.close(handle)


def _remove_unused(folder: Path) -> None:
    """Remove a folder of which nobody holds the lock; a link is left alone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if take(handle):
            remove_tree(folder)
    finally:
        os.close(handle)


def remove_tree(path: Path) -> None:
    """Remove a file, a link (not what it leads to), or a folder with all that is in it. There may be nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def cached_folder(kind: str, decided_by: Mapping[str, Any], write: Callable[[Path], None], *, size: int = 0) -> Path:
    """A folder in the cache folder, written at its first use.

    For what takes long to make and is needed as files, such as a checkpoint converted to another format. The folder is
    complete or absent: it is written under a temporary name and then renamed. Its files are checked by their digests; a
    folder with a damaged file is written again. Of several processes that need it at the same time, one writes it and
    the others wait.

    Parameters
    ----------
    kind : str
        The subfolder of the cache, such as ``converted``.
    decided_by : mapping of str to JSON-able values
        Everything that decides the content: digests of the inputs, options, a version of the code that writes. The
        folder is named by a hash of it, so a change of any of these leads to a new folder.
    write : callable
        ``(folder) -> None``: writes the content into an empty folder. If it raises, nothing is kept.
    size : int
        About how many bytes it takes, so that a disk without so much free space is refused before; 0 if not known.

    Returns
    -------
    pathlib.Path
        The folder. Do not change anything in it.

    Raises
    ------
    MachineError
        The cache cannot be written, or there is not enough free space.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> def write(folder):
    ...     _ = (folder / "hello.txt").write_text("hello")
    >>> with TemporaryDirectory() as cache, patch.dict("os.environ", QBENCH_CACHE=cache):
    ...     folder = cached_folder("greetings", {"language": "en", "version": 1}, write)
    ...     print((folder / "hello.txt").read_text())
    hello
    """
    cache = Cache()
    return StoredFolder(cache, cache.path(kind, decided_by, ""), decided_by).get(write, size=size)
