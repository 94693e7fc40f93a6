"""Standard output and standard error on which control characters have no effect. Light: without rich."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from qbench.text import clean


class InertStream:
    """A stream of text on which control characters are visible and have no effect.

    Parameters
    ----------
    stream : file
        Where the text goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text; returns its number of characters."""
        self.stream.write(clean(text, isolates=True))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Everything else is as on the stream itself, such as its encoding and its bytes."""
        return getattr(self.stream, name)


@contextmanager
def inert_streams() -> Iterator[None]:
    """Make standard output and standard error inert while the block runs."""
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, InertStream(stream)) for stream in kept)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept
