"""Folders in the cache that are complete or absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qbench.store.cache import Cache
from qbench.store.lock import locked


def cached_folder(kind: str, decided_by: Mapping[str, Any], write: Callable[[Path], None]) -> Path:
    """A folder in the cache folder, written at its first use.

    For what takes long to make and is needed as files, such as a checkpoint converted to another format. The folder is
    complete or absent: it is written under a temporary name and then renamed. Of several processes that need it at the
    same time, one writes it and the others wait.

    Parameters
    ----------
    kind : str
        The subfolder of the cache, such as ``converted``.
    decided_by : mapping of str to JSON-able values
        Everything that decides the content: digests of the inputs, options, a version of the code that writes. The
        folder is named by a hash of it, so a change of any of these leads to a new folder.
    write : callable
        ``(folder) -> None``: writes the content into an empty folder. If it raises, nothing is kept.

    Returns
    -------
    pathlib.Path
        The folder. Do not change anything in it.

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
    folder = Cache().path(kind, decided_by, "")
    if folder.is_dir():
        return folder
    with locked(folder.parent, wait=True):
        if not folder.is_dir():
            temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
            try:
                write(temporary)
                _follow_umask(temporary)
                temporary.rename(folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _follow_umask(folder: Path) -> None:
    """Give a folder the user's usual permissions: mkdtemp makes it private."""
    mask = os.umask(0)
    os.umask(mask)
    folder.chmod(0o777 & ~mask)
