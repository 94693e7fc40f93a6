"""One writer at a time. The system releases the lock of a process that has ended, however it ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qbench.errors import InputError
from qbench.store.files import machine_errors, make_folder
from qbench.store.flock import take

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
def in_use(file: Path) -> Iterator[None]:
    """Hold the lock `file` as many may at the same time; see `alone`. Where that is not possible, it does nothing."""
    with _opened(file) as handle:
        if handle is not None:
            take(handle, shared=True, wait=True)
        yield


@contextmanager
def alone(file: Path, *, of: Path) -> Iterator[None]:
    """Hold the lock `file` while nobody is in `in_use`.

    Raises
    ------
    InputError
        Somebody is.
    """
    with _opened(file) as handle:
        if handle is None or not take(handle):
            raise InputError("a run is using this folder", where=str(of), fix="Wait until it is done.")
        yield


@contextmanager
def _opened(file: Path) -> Iterator[int | None]:
    try:
        make_folder(file.parent)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:  # such as a cache that cannot be written
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


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
