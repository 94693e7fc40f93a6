"""Small values in the cache, each in a file with its own digest. A damaged one counts as absent."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from qbench.errors import MachineError
from qbench.store.files import atomic

log = logging.getLogger(__name__)

SPEEDS = "speeds"
"""The kind of memo that says how fast a machine is: seconds for one image or text, by the name of what is answered."""


class Memo:
    """A JSON object that is remembered, in a file of two lines: a digest, and what it is the digest of.

    A memo only saves time. So nothing is lost where it cannot be written: that is a warning.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    parts : mapping
        All that decides the value; stored with it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     memo = Memo(Path(folder) / "a", {"of": "a"})
    ...     _ = memo.write({"seconds": 0.5})
    ...     found = memo.read()
    >>> found
    {'seconds': 0.5}
    """

    def __init__(self, path: Path, parts: Mapping[str, Any]) -> None:
        self.path, self.parts = path, dict(parts)

    def read(self) -> dict[str, Any] | None:
        """The value; `None` where there is none, or it is damaged (which is said)."""
        try:
            self.path.stat()
        except OSError:  # it is not there, or nobody may look
            return None
        stored = stored_memo(self.path)
        if stored is None or stored["parts"] != json.loads(json.dumps(self.parts)):
            log.warning("%s: the file is damaged; it is made again", self.path)
            return None
        with suppress(OSError):  # where the cache cannot be written, nothing is removed from it either
            os.utime(self.path)  # by this, `qbench cache prune` knows when it was used
        value: dict[str, Any] = stored["value"]
        return value

    def write(self, value: Mapping[str, Any]) -> bool:
        """Remember a value. Returns whether that was possible; a warning where it was not."""
        content = self.content(value)
        try:
            with atomic(self.path) as temporary:
                temporary.write_bytes(content)
        except (MachineError, OSError) as error:
            why = error.what if isinstance(error, MachineError) else error.strerror
            log.warning("%s: this cannot be remembered (%s), and is made again next time", self.path, why)
            return False
        return True

    def content(self, value: Mapping[str, Any]) -> bytes:
        """What the file of a value has."""
        text = json.dumps({"parts": self.parts, "value": dict(value)}, ensure_ascii=False, allow_nan=False).encode()
        return hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n"


def stored_memo(path: Path) -> dict[str, Any] | None:
    """The ``parts`` and the ``value`` in the file of a memo; `None` where it is damaged or cannot be read."""
    try:
        return memo_in(path.read_bytes())
    except OSError:
        return None


def memo_in(content: bytes) -> dict[str, Any] | None:
    """The ``parts`` and the ``value`` in the content of such a file; `None` where it is damaged."""
    try:
        digest, text, end = content.split(b"\n")
        if end or digest.decode() != hashlib.sha256(text).hexdigest():
            return None
        stored: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return stored
