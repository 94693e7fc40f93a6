"""Who works on which part of something that several processes make together."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from qbench.store.files import machine_errors
from qbench.store.flock import release_place, take_place
from qbench.store.lock import WAITING, opened

log = logging.getLogger(__name__)

POLL = 0.05
"""Seconds between two attempts to claim a part that somebody else holds."""
LIST, FIRST = 0, 1
"""The places of the lock of the list of what is finished, and of the first part."""


class Claims:
    """The parts of `of`, each of which one process at a time works on: a lock per part, in one empty file.

    The system releases the locks of a process that has ended, however it ended.
    """

    def __init__(self, handle: int, of: Path) -> None:
        self._handle, self._of = handle, of
        self._threads = Lock()

    def take(self, part: int) -> bool:
        """Claim a part; whether nobody else holds it."""
        with machine_errors(self._of):
            return take_place(self._handle, FIRST + part)

    def release(self, part: int) -> None:
        """Give up a part, finished or not."""
        release_place(self._handle, FIRST + part)

    def wait(self, part: int, idle: Callable[[], None]) -> None:
        """Wait until nobody holds a part. Hold none meanwhile, as two processes would wait for each other.

        `idle` is called several times per second; what it raises ends the waiting.
        """
        if not self.take(part):
            log.warning(WAITING, self._of)
            while not self.take(part):
                idle()
                time.sleep(POLL)
        self.release(part)

    @contextmanager
    def listing(self) -> Iterator[None]:
        """Read or change the list of finished parts, which takes no time: nobody else does meanwhile."""
        with self._threads:
            with machine_errors(self._of):
                take_place(self._handle, LIST, wait=True)
            try:
                yield
            finally:
                release_place(self._handle, LIST)


@contextmanager
def claims(file: Path, *, of: Path) -> Iterator[Claims]:
    """The claims whose locks are in `file`. All are released when the block ends.

    Raises
    ------
    MachineError
        The file cannot be written.
    """
    with opened(file, of=of) as handle:
        yield Claims(handle, of)
