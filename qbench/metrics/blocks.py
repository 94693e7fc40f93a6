"""Walking over items in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK_BYTES = 16 * 2**20
"""Of one block of similarities. Smaller ones cost time (2 MiB: twice as long on COCO), larger ones only memory."""


def blocks(rows: int, columns: int, size: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
    """``(start, stop)`` pairs that cover `rows`: at least one row each, else at most `size` bytes of float64."""
    step = max(1, size // (8 * max(1, columns)))
    for start in range(0, rows, step):
        yield start, min(rows, start + step)
