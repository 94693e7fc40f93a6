"""Work on many images in several processes: within limits of memory and time, and none of them fails the others.

The processes are started as programs of their own rather than by `multiprocessing`: a forked copy of a process with
threads may hang, and a spawned one would execute the user's script again.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count, islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from qbench.errors import DataError, MachineError, QbenchError
from qbench.images.limits import MEMORY_BUDGET
from qbench.images.worker_process import GRANTED, Done, ImageTask, Needs, Ready

AHEAD = 2
"""Tasks that a process has at most, so that it need not wait for the next one."""
TASKS_PER_PROCESS = 16
"""A process is started for at least so many images: starting one takes as long as decoding some of them."""
MOST_DEATHS = 20
"""After so many processes have ended over images, no further image is tried: it is not the images."""

_PROGRAM = "import sys; sys.path[:] = {path!r}; from qbench.images.worker_process import main; main({handle})"
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""Libraries that reserve memory for each of many threads would use up what an image may take."""
DAMAGED_OR_SLOW = "The image is damaged, or where it is kept does not answer: get it again, or run again."


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Stopped(QbenchError):
    """Working on images was stopped before its end."""


class Stop:
    """Stops `worked_on` from another thread, also while it waits for a process."""

    def __init__(self) -> None:
        self.heard, self._said = Pipe(duplex=False)

    def set(self) -> None:
        """Stop it now, or as soon as it begins."""
        self._said.close()

    def check(self) -> None:
        """Raise `Stopped` if it was stopped."""
        if self.heard.poll():
            raise Stopped("working on the images was stopped")


@contextmanager
def worked_on(
    tasks: Iterable[ImageTask], workers: int, stop: Stop | None = None
) -> Iterator[Iterator[tuple[int, DataError | None]]]:
    """Do all tasks in worker processes, which have ended when the block does, however it does.

    Parameters
    ----------
    tasks : iterable of ImageTask
        What is done. A task is taken from it when a process is ready for it.
    workers : int
        Processes at most.
    stop : Stop, optional
        What may stop it.

    Yields
    ------
    iterator of (int, DataError or None)
        The number of each task that is done, and what is wrong with its image: in the order in which they are done.

    Raises
    ------
    QbenchError
        A task failed for another reason than its image, such as a full disk.
    Stopped
        `stop` was used.

    Examples
    --------
    >>> with worked_on([], workers=8) as results:
    ...     list(results)
    []
    """
    coming = iter(tasks)
    first = list(islice(coming, workers * TASKS_PER_PROCESS))
    pool = _Pool(chain(first, coming), stop or Stop())
    try:
        pool.start(-(-len(first) // TASKS_PER_PROCESS))
        yield pool.results()
    finally:
        pool.close()


class _Process:
    """One worker process, seen from outside."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            handle = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM.format(path=sys.path, handle=handle)],
                pass_fds=[handle],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                process_group=0,  # Ctrl-C is for the process that started it, which then ends it
            )
        self.ready = False
        self.tasks: deque[int] = deque()
        self.holds = self.waits_for = 0

    def send(self, message: bytes) -> None:
        """Send it something; a process that has ended is noticed when it is listened to."""
        with suppress(OSError):
            self.connection.send_bytes(message)

    def end(self) -> int:
        """End it at once; its exit code."""
        self.connection.close()
        self._process.kill()
        return self._process.wait()

    def exit_code(self) -> int:
        """Its exit code, after it has closed the connection."""
        self.connection.close()
        return self._process.wait()


class _Pool:
    def __init__(self, tasks: Iterator[ImageTask], stop: Stop) -> None:
        self._coming, self._stop = tasks, stop
        self._numbers, self._deaths = count(), 0
        self._tasks: dict[int, ImageTask] = {}
        self._again: deque[int] = deque()
        self._processes: list[_Process] = []

    def start(self, count: int) -> None:
        for _ in range(count):
            try:
                self._processes.append(_Process())
            except OSError as error:
                raise _not_started(str(error.strerror)) from error

    def close(self) -> None:
        for process in self._processes:
            process.end()
        self._processes = []

    def results(self) -> Iterator[tuple[int, DataError | None]]:
        self._hand_out()
        while any(process.tasks for process in self._processes):
            for process in self._heard():
                message = _received(process.connection)
                match message:
                    case Ready():
                        process.ready = True
                    case Needs():
                        process.waits_for = message.bytes
                    case Done():
                        process.holds = 0
                        yield self._result(process.tasks.popleft(), message.error)
                    case None:
                        yield from self._after_death(process)
            self._grant()
            self._hand_out()

    def _heard(self) -> list[_Process]:
        by_connection: dict[Any, _Process] = {process.connection: process for process in self._processes}
        heard = wait([self._stop.heard, *by_connection])
        self._stop.check()
        return [by_connection[connection] for connection in heard]

    def _hand_out(self) -> None:
        """Give each process its next tasks: first one to each, then the ones that wait."""
        for most in range(1, AHEAD + 1):
            for process in self._processes:
                if len(process.tasks) < most and (number := self._next()) is not None:
                    process.tasks.append(number)
                    process.send(pickle.dumps(self._tasks[number]))

    def _next(self) -> int | None:
        """The number of the next task; `None` where there is none."""
        if self._again:
            return self._again.popleft()
        for task in self._coming:
            number = next(self._numbers)
            self._tasks[number] = task
            return number
        return None

    def _grant(self) -> None:
        """Let those go on whose memory is free now; and one, if otherwise all would wait."""
        for process in [process for process in self._processes if process.waits_for]:
            others = [other for other in self._processes if other is not process]
            fits = sum(other.holds for other in others) + process.waits_for <= MEMORY_BUDGET
            if fits or all(other.waits_for or not other.holds for other in others):
                process.holds, process.waits_for = process.waits_for, 0
                process.send(GRANTED)

    def _result(self, number: int, error: QbenchError | None) -> tuple[int, DataError | None]:
        location = self._tasks.pop(number).location
        if error is None:
            return number, None
        if not isinstance(error, DataError):
            raise error
        return number, DataError(error.what, where=error.where or location.where, fix=error.fix)

    def _after_death(self, process: _Process) -> Iterator[tuple[int, DataError | None]]:
        """What becomes of the tasks of a process that has ended: the first has ended it, the others are done anew."""
        code = process.exit_code()
        self._processes.remove(process)
        if not process.ready:
            raise _not_started(_in_words(code))
        self._deaths += 1
        if process.tasks:
            yield self._result(process.tasks.popleft(), _cause(code))
        self._again.extendleft(reversed(process.tasks))
        if self._deaths < MOST_DEATHS:
            self.start(1)
        else:
            untried = DataError("it was not tried, after too many others had failed")
            while (number := self._next()) is not None:
                yield self._result(number, untried)


def _received(connection: Connection) -> Any:
    """A message; `None` where the other end is closed."""
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None


def _cause(code: int) -> DataError:
    """What is wrong with an image whose process has ended with an exit code."""
    if code == -signal.SIGALRM:
        return DataError("the image takes too long to read or to decode", fix=DAMAGED_OR_SLOW)
    return DataError(
        f"the process that decoded the image has ended ({_in_words(code)})",
        fix="The image is damaged, or this machine has too little memory: get it again, or set `workers` to less.",
    )


def _not_started(why: str) -> MachineError:
    return MachineError(
        f"a process that works on images could not be started ({why})",
        fix="Look at what is printed above. Where memory or the number of processes is limited, set `workers` to 1.",
    )


def _in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"by the signal {signal.Signals(-code).name}"
