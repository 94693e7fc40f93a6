"""Third-party noise goes to the run's log, not to the user: warnings, log lines, loaders' bars."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Set unless the user has set them; they are read when the libraries are imported."""

LOUD = ("torch.utils._pytree",)
"""Loggers that write to the terminal through handlers of their own library. Where torchao is installed, importing
transformers' quantizers imports it, and this one then tells of a deprecation inside of torch."""


@contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Send Python's warnings and log records to the file `log` while the block runs."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log, encoding="utf-8", delay=True)
    handler.addFilter(_Once())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(), *map(logging.getLogger, LOUD)]
    kept = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [handler]
        logger.propagate = False
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for logger, handlers, propagate in kept:
            logger.handlers[:], logger.propagate = handlers, propagate
        handler.close()


class _Once(logging.Filter):
    """Lets a message through once: bitsandbytes says the same for every layer of every batch."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        said = (record.name, record.getMessage())
        new = said not in self._said
        self._said.add(said)
        return new
