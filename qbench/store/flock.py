"""Locks of open files, which the operating system releases when the file is closed or the process ends."""

from __future__ import annotations

import os
import struct
import sys


def take(handle: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Take the lock of an open file.

    Parameters
    ----------
    handle : int
        The file.
    shared : bool
        Whether others may hold it at the same time in the same way.
    wait : bool
        Whether to wait until it is free.

    Returns
    -------
    bool
        Whether it is held now. It is not where somebody else holds it, and where the system has no such locks.
    """
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def take_place(handle: int, place: int, *, wait: bool = False) -> bool:
    """Take the lock of one place (byte) of an open file, which need not have so many bytes.

    So one file has as many locks as are needed. They are not those of `take`: use another file for them.

    Parameters
    ----------
    handle : int
        The file, open to be written.
    place : int
        Which lock, from 0.
    wait : bool
        Whether to wait until it is free.

    Returns
    -------
    bool
        Whether it is held now. It is not where somebody else holds it. On Windows it counts as held.

    Raises
    ------
    OSError
        The file system has no such locks.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        _lock_place(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), place)
    except (BlockingIOError, PermissionError):
        return False
    return True


def release_place(handle: int, place: int) -> None:
    """Release the lock of one place."""
    if sys.platform != "win32":
        import fcntl

        _lock_place(handle, fcntl.LOCK_UN, place)


def _lock_place(handle: int, operation: int, place: int) -> None:
    """As `fcntl.lockf`; on Linux the lock is that of the open file, so that two threads do not share it."""
    import fcntl

    if sys.platform != "linux":
        fcntl.lockf(handle, operation, 1, place)
        return
    kind = fcntl.F_UNLCK if operation & fcntl.LOCK_UN else fcntl.F_WRLCK
    command = fcntl.F_OFD_SETLK if operation & fcntl.LOCK_NB else fcntl.F_OFD_SETLKW
    fcntl.fcntl(handle, command, struct.pack("hhqqi0q", kind, os.SEEK_SET, place, 1, 0))
