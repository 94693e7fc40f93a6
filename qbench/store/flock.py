"""Locks of open files, which the operating system releases when the file is closed or the process ends."""

from __future__ import annotations

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
