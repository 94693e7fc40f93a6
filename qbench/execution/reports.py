"""What a process that executes units tells the process of the run: log records, which the executor passes on.

So progress takes the way of all other messages (`qbench.executors.interface.ParallelExecutor`), and an executor need
not know of it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qbench.execution.progress import Silent
from qbench.execution.quiet import SETTINGS
from qbench.execution.run_log import RUNNER
from qbench.executors.work_units import WorkUnit

log = logging.getLogger("qbench.progress")
EVERY = 0.5
"""Seconds between two records of steps."""


class Reporter(Silent):
    """Tells by log records how far the units of this process are. Libraries that would print tell by them, too."""

    def __init__(self) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        logging.captureWarnings(True)
        for name in (log.name, RUNNER):
            logging.getLogger(name).setLevel(logging.INFO)
        self._steps, self._told, self._lock = 0, time.monotonic(), threading.Lock()

    def begins(self, unit: WorkUnit) -> None:
        """A unit begins."""
        self._tell()
        log.info("a unit begins", extra={"unit": unit.to_json()})

    def step(self, n: int = 1) -> None:
        """`n` steps are done."""
        with self._lock:
            self._steps += n
        if time.monotonic() - self._told > EVERY:
            self._tell()

    def ends(self) -> None:
        """A unit ends."""
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            steps, self._steps, self._told = self._steps, 0, time.monotonic()
        if steps:
            log.info("steps are done", extra={"steps": steps})


class _Listener(logging.Handler):
    def __init__(self, progress: Silent, begins: Callable[[WorkUnit], None]) -> None:
        super().__init__(logging.INFO)
        self._progress, self._begins = progress, begins

    def emit(self, record: logging.LogRecord) -> None:
        given = record.__dict__
        if "steps" in given:
            self._progress.step(given["steps"])
        else:
            self._begins(WorkUnit.from_json(given["unit"]))


@contextmanager
def listening(progress: Silent, begins: Callable[[WorkUnit], None]) -> Iterator[None]:
    """Pass on what `Reporter` tells in other processes.

    Parameters
    ----------
    progress : Silent
        Receives the number of steps that were done.
    begins : callable
        Called with each unit that another process begins.
    """
    listener = _Listener(progress, begins)
    log.addHandler(listener)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(listener)
        log.propagate = True
