"""Splitting rows into blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK_BYTES = 16 * 2**20
"""Size of one block of similarities. Smaller blocks take longer (2 MiB: twice as long on COCO), and larger ones need
more memory and save no time."""


QUERIES = 128
"""Queries that are compared with a gallery at a time, at least: it is read and scaled once for all of them."""


def gallery_bytes(items: int) -> int:
    """Size of one block of similarities of queries with a whole gallery."""
    return max(BLOCK_BYTES, 8 * QUERIES * items)


def blocks(rows: int, columns: int, size: int = BLOCK_BYTES) -> Iterator[tuple[int, int]]:
    """``(start, stop)`` of blocks that cover `rows`: each has one row, or more rows in at most `size` bytes of float64.

    Examples
    --------
    >>> list(blocks(5, 1000, size=16_000))
    [(0, 2), (2, 4), (4, 5)]
    """
    step = max(1, size // (8 * max(1, columns)))
    for start in range(0, rows, step):
        yield start, min(rows, start + step)
