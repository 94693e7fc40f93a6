"""One run at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qbench.errors import InputError


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of `folder` (made if it is missing).

    Parameters
    ----------
    folder : pathlib.Path
        What is locked.
    wait : bool
        Wait until it is free, for things that two runs share; otherwise a second holder is an error.

    Raises
    ------
    InputError
        Another process holds it and `wait` is false.
    """
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except filelock.Timeout:
        raise InputError(
            "another qbench process is using this folder",
            where=str(folder),
            fix="Wait until it is done, or choose another folder with --out.",
        ) from None
    try:
        yield
    finally:
        lock.release()
