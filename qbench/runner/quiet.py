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


@contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Send Python's warnings and log records to the file `log` while the block runs."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log, encoding="utf-8", delay=True)
    handler.addFilter(_Once())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    kept = root.handlers[:]
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = kept
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
