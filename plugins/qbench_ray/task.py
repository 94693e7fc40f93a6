"""What runs in a process of the cluster: a few units, one after another, and all that they have to say."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging.handlers import QueueHandler
from queue import SimpleQueue

from qbench.api.executors import UnitResult, WorkUnit

Said = logging.LogRecord | UnitResult | Exception
"""What a task sends to the process of the run: a log record, a result, or the error that stops all units."""


def executed(work: Callable[[str], UnitResult], units: Sequence[str]) -> Iterator[list[Said]]:
    """Execute units in their order, but for those that depend on one that failed.

    Parameters
    ----------
    work : callable
        As in `qbench.api.executors.UnitExecutor.execute`.
    units : sequence of str
        The texts of the units.

    Yields
    ------
    list
        What was said since the last one.
    """
    told: SimpleQueue[Said | None] = SimpleQueue()

    def run() -> None:
        try:
            for result in _results(work, units):
                told.put(result)
        except Exception as error:  # noqa: BLE001 - it is raised in the process of the run
            told.put(error)
        told.put(None)

    with _collected(told):
        threading.Thread(target=run, daemon=True).start()
        ended = False
        while not ended:
            said = [told.get()]
            while not told.empty():
                said.append(told.get())
            ended = None in said
            yield [one for one in said if one is not None]


def _results(work: Callable[[str], UnitResult], units: Sequence[str]) -> Iterator[UnitResult]:
    failed: set[str] = set()
    for text in units:
        unit = WorkUnit.from_json(text)
        if failed.isdisjoint(unit.after):
            result = work(text)
            yield result
            if result.problem is None:
                continue
        failed.add(unit.id)


@contextmanager
def _collected(told: SimpleQueue[Said | None]) -> Iterator[None]:
    """Collect all that is logged."""
    root, handler = logging.getLogger(), QueueHandler(told)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
