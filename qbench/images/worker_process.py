"""A worker process: works on images that it is sent, one after the other, within the limits of `qbench.images.limits`.

It is a process of its own, so that an image that crashes its decoder, hangs it or takes too much memory ends this
process and no other. It imports nothing that images do not need, and it ends when the process that started it does.
"""

from __future__ import annotations

import pickle
import resource
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from qbench.errors import DataError, MachineError, QbenchError
from qbench.images.limits import FREE_BYTES, MARGIN_BYTES, MEMORY_EXCEEDED, Reserve, decoding_seconds
from qbench.images.locations import ImageLocation

MEMORY = Path("/proc/self/statm")


class ImageTask(Protocol):
    """What is done with one image; it can be pickled."""

    @property
    def location(self) -> ImageLocation:
        """The image, for messages."""
        ...

    def run(self, reserve: Reserve) -> None:
        """Do it, and announce to `reserve` what memory it takes.

        Raises
        ------
        QbenchError
            It cannot be done.
        """


@dataclass(frozen=True)
class Ready:
    """The process has started."""


@dataclass(frozen=True)
class Needs:
    """Reserve this many bytes of memory for the current task; wait until they are available."""

    bytes: int


@dataclass(frozen=True)
class Done:
    """The current task is done, or has failed."""

    error: QbenchError | None


GRANTED = b""
"""What a process is sent when the memory that it needs is free; all else that it is sent are pickled tasks."""


def main(handle: int) -> None:
    """Work until the other end of a connection is closed.

    Parameters
    ----------
    handle : int
        The file descriptor of the connection.
    """
    with Connection(handle) as connection, suppress(EOFError, OSError):
        _Worker(connection).work()


class _Worker:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._needed = 0
        self._own: int | None = None

    def work(self) -> None:
        self._connection.send(Ready())
        while True:
            task = self._waiting.popleft() if self._waiting else self._connection.recv_bytes()
            error = self._run(task)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._connection.send(Done(error))

    def _run(self, pickled: bytes) -> QbenchError | None:
        try:
            task: ImageTask = pickle.loads(pickled)
        except Exception as error:  # noqa: BLE001 - importing the module of a source may raise anything
            return DataError(
                f"its source cannot be used in another process ({error!r})",
                fix="The class of an image source is defined in a module that can be imported, and can be pickled.",
            )
        self._own = _virtual_bytes()
        self._limit(0)
        try:
            task.run(self._reserve)
        except QbenchError as error:
            return error
        except MemoryError:
            return DataError(f"the image cannot be read ({MEMORY_EXCEEDED})", where=task.location.where)
        except OSError as error:
            return MachineError.of(error) or MachineError(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is said in the process that started this one
            return QbenchError(f"working on the image failed ({error!r})", where=task.location.where)
        return None

    def _reserve(self, more: int) -> None:
        self._needed += more
        if self._needed > FREE_BYTES:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._connection.send(Needs(self._needed))
            while (message := self._connection.recv_bytes()) != GRANTED:
                self._waiting.append(message)
        self._limit(self._needed)

    def _limit(self, needed: int) -> None:
        """Have the system end this process after a while, and refuse it more memory than is needed."""
        self._needed = needed
        signal.setitimer(signal.ITIMER_REAL, decoding_seconds(needed))
        if self._own is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            wanted = self._own + max(needed, FREE_BYTES) + MARGIN_BYTES
            resource.setrlimit(
                resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )


def _virtual_bytes() -> int | None:
    """The address space of this process; `None` where the system does not tell, and then it is not limited."""
    try:
        return int(MEMORY.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:
        return None
