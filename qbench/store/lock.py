"""One writer at a time. The system releases the lock of a process that has ended, however it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qbench.errors import InputError
from qbench.store.files import machine_errors, make_folder

log = logging.getLogger(__name__)


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
    MachineError
        The folder cannot be written.
    """
    with held(folder / ".lock", of=folder, wait=wait):
        yield


@contextmanager
def held(file: Path, *, of: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock `file`, which says that a process writes `of`; see `locked`. The file stays: it is empty."""
    import filelock

    lock = filelock.FileLock(file)
    with machine_errors(file):
        make_folder(file.parent)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            if not wait:
                raise InputError(
                    "another qbench process is using this folder",
                    where=str(of),
                    fix="Wait until it is done, or choose another folder with --out.",
                ) from None
            log.warning("%s: waiting for another qbench process that is writing it", of)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
