"""Third-party noise goes to the run's logs, not to the user: warnings, log lines, loaders' bars.

What the cache and the run folder have to say, such as that something in it was damaged, goes to both.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qbench.execution.run_log import RUNNER, JsonLine
from qbench.text import clean

SETTINGS = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Set unless the user has set them; they are read when the libraries are imported."""

LOUD = ("torch.utils._pytree",)
"""Loggers that write to the terminal through handlers of their own library. Where torchao is installed, importing
transformers' quantizers imports it, and this one then tells of a deprecation inside of torch."""


STORED = ("qbench.store", "qbench.runfolder")
"""The loggers of the cache and of the run folder."""


@contextmanager
def quiet(
    log: Path, say: Callable[[str], None] = lambda text: None, *, structured: Path | None = None
) -> Iterator[None]:
    """Send Python's warnings and log records to files while the block runs.

    Parameters
    ----------
    log : pathlib.Path
        The log for people: warnings and errors.
    say : callable
        Is given what the cache and the run folder have to say, too.
    structured : pathlib.Path, optional
        The log for programs, with the stages of the run as well; see `qbench.execution.run_log`.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    log.parent.mkdir(parents=True, exist_ok=True)
    people = _InertText("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handlers = [_LogFile(log, say, people, logging.WARNING)]
    if structured is not None:
        handlers.append(_LogFile(structured, say, JsonLine(), logging.INFO))
    loggers = [logging.getLogger(), *map(logging.getLogger, LOUD)]
    kept = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = handlers
        logger.propagate = False
    runner = logging.getLogger(RUNNER)
    level = runner.level
    runner.setLevel(logging.INFO)
    logging.captureWarnings(True)
    told = _Teller(say)
    for name in STORED:
        logging.getLogger(name).addHandler(told)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for name in STORED:
            logging.getLogger(name).removeHandler(told)
        runner.setLevel(level)
        for logger, former, propagate in kept:
            logger.handlers[:], logger.propagate = former, propagate
        for handler in handlers:
            handler.close()


class _InertText(logging.Formatter):
    """A log is shown on terminals, too: control characters are made visible."""

    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record))


class _LogFile(logging.FileHandler):
    """A log that cannot be written stops nothing; this is said once."""

    def __init__(self, path: Path, say: Callable[[str], None], form: logging.Formatter, level: int) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)
        self.setLevel(level)
        self.setFormatter(form)
        self.addFilter(_Once())
        self._say: Callable[[str], None] | None = say

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif self._say is not None:
            self._say(f"{self.baseFilename}: the log cannot be written ({error.strerror})")
            self._say = None

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class _Teller(logging.Handler):
    """Passes each message on once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.addFilter(_Once())
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


class _Once(logging.Filter):
    """Lets a warning through once: bitsandbytes says the same for every layer of every batch."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        said = (record.name, record.getMessage())
        new = said not in self._said
        self._said.add(said)
        return new
