"""One writer at a time. The system releases the lock of a process that has ended, however it ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from qbench.errors import InputError, MachineError
from qbench.store.files import machine_errors, make_folder
from qbench.store.flock import take

log = logging.getLogger(__name__)

WAITING = "%s: waiting for another qbench process that is writing it"
"""Is said where a lock is not free, with what it is the lock of."""


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


def locked_together(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock of `folder` together with other processes that do so; who holds it by `locked` is waited for.

    Raises
    ------
    MachineError
        The folder cannot be written.
    """
    return shared(folder / ".lock", of=folder)


@contextmanager
def in_use(file: Path) -> Iterator[None]:
    """Hold the lock `file`, shared with others; see `alone`. If the folder cannot be written, no lock is needed."""
    with ExitStack() as held_open:
        with suppress(MachineError):
            held_open.enter_context(shared(file, of=file))
        yield


@contextmanager
def shared(file: Path, *, of: Path) -> Iterator[None]:
    """Hold the lock `file` together with others who do so, and while nobody holds it alone (`held`, `alone`).

    Raises
    ------
    MachineError
        The lock cannot be written.
    """
    with opened(file, of=of) as handle:
        if not take(handle, shared=True):
            log.warning(WAITING, of)
            take(handle, shared=True, wait=True)
        yield


@contextmanager
def alone(file: Path, *, of: Path) -> Iterator[None]:
    """Hold the lock `file` while nobody is in `in_use`.

    Raises
    ------
    InputError
        Somebody is.
    MachineError
        The lock cannot be written.
    """
    with opened(file, of=of) as handle:
        if not take(handle):
            raise InputError("a run is using this folder", where=str(of), fix="Wait until it is done.")
        yield


@contextmanager
def opened(file: Path, *, of: Path) -> Iterator[int]:
    """Open a file whose locks say that a process writes `of`; it is made if it is missing, and stays."""
    with machine_errors(of):
        make_folder(file.parent)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def held(file: Path, *, of: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock `file`, which says that a process writes `of`; see `locked`. The file stays: it is empty."""
    import filelock

    lock = filelock.FileLock(file)
    with machine_errors(of):
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
            log.warning(WAITING, of)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
