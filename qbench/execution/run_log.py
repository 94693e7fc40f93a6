"""The structured log of a run: one JSON object per line, so that a run that failed can be understood afterwards.

The runner tells what it begins and what it has done (`event`). All other records, such as warnings of libraries, get
the stage and the cell at which they came: those of the last event in their thread, since models are opened beside data.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from typing import Any

from qbench.execution.memory import resident_bytes

RUNNER = "qbench.execution"
"""The logger of the runner."""


class JsonLine(logging.Formatter):
    """Makes the line of a record; docs/run-folder.md describes its fields."""

    def __init__(self) -> None:
        super().__init__()
        self._last = {"stage": "run", "cell": ""}
        self._of_thread = threading.local()
        self._of_process: dict[int | None, dict[str, str]] = {}  # records of other processes, which are handed on

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object, without the end of the line."""
        given, here = record.__dict__, record.process == os.getpid()
        if "stage" in given:
            self._last = at = {name: given[name] for name in self._last}
            if here:
                self._of_thread.at = at  # the number of a thread would not do: the next thread may get it
            else:
                self._of_process[record.process] = at
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **(
                getattr(self._of_thread, "at", self._last) if here else self._of_process.get(record.process, self._last)
            ),
            "what": record.getMessage(),
            "seconds": given.get("seconds"),
            "memory_bytes": resident_bytes() if here else None,
            "process": record.process,
            "logger": record.name,
        }
        return json.dumps(values)


def event(what: str, *, level: int = logging.INFO, stage: str, cell: str = "", seconds: float | None = None) -> None:
    """Tell what the runner does.

    Parameters
    ----------
    what : str
        What begins, is done or failed.
    level : int
        A level of `logging`. From `logging.WARNING` on it also goes to ``run.log``.
    stage : str
        ``run``, ``data``, ``model``, or the kind of a work unit.
    cell : str
        The labels of the cell, or of the model or benchmark, that is concerned.
    seconds : float, optional
        The time that it took.
    """
    rounded = None if seconds is None else round(seconds, 3)
    extra = {"stage": stage, "cell": cell, "seconds": rounded}
    logging.getLogger(RUNNER).log(level, "%s", what, extra=extra)
