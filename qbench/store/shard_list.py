"""The list of the finished shards of an array: its lines, and how they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qbench.store.keys import key_of

ROWS, SHARDS = "rows", "shards.jsonl"
"""The two files of an array."""


def stored_parts(folder: Path) -> dict[str, Any] | None:
    """All that decides the array in a folder; `None` where its list is damaged or not there."""
    try:
        with (folder / SHARDS).open("rb") as lines:
            said = read_first_line(lines.readline())
    except OSError:
        return None
    return said["parts"] if said is not None else None


def first_line(said: dict[str, Any]) -> bytes:
    """The line that says what the array is, with a digest of that."""
    return json.dumps({**said, "sha256": key_of(said)}, sort_keys=True).encode()


def read_first_line(line: bytes) -> dict[str, Any] | None:
    """What it says; `None` where it is damaged."""
    try:
        said: dict[str, Any] = json.loads(line)
        digest = said.pop("sha256")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return said if digest == key_of(said) else None


def shard_line(number: int, digest: str) -> bytes:
    """The line of a finished shard."""
    return json.dumps([number, digest]).encode() + b"\n"


def read_shard_line(line: bytes, count: int) -> tuple[int, str] | None:
    """The number and the digest of a shard; `None` where the line is damaged."""
    try:
        number, digest = json.loads(line)
    except (ValueError, TypeError):
        return None
    return (number, digest) if number in range(count) and isinstance(digest, str) else None
