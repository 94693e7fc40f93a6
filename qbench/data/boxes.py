"""Boxes from annotation files: a dict in text, or four numbers."""

from __future__ import annotations

import ast
import json
import math

from qbench.errors import DataError

Box = tuple[float, float, float, float]


def parse_box(text: str, where: str) -> Box:
    """Parse a box that is a dict in text, quoted as JSON or as Python does: ``x``, ``y``, ``width``, ``height``.

    Raises
    ------
    DataError
        It is no such dict, or empty.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        try:
            content = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            content = None
    try:
        x, y, width, height = (float(content[name]) for name in ("x", "y", "width", "height"))
    except (TypeError, KeyError, ValueError):
        raise DataError(
            f"the bounding box {text[:80]!r} is no dict with the numbers x, y, width and height", where=where
        ) from None
    return clip_box(x, y, width, height, text=text, where=where)


def clip_box(x: float, y: float, width: float, height: float, *, text: str, where: str) -> Box:
    """A box, cut to what lies right of and below 0: ``(x, y, width, height)`` in pixels.

    Raises
    ------
    DataError
        Nothing of it is left, or a number is not finite.
    """
    left, top = max(x, 0.0), max(y, 0.0)
    box = (left, top, x + width - left, y + height - top)
    if not all(math.isfinite(v) for v in box) or box[2] <= 0 or box[3] <= 0:
        raise DataError(f"the bounding box {text[:80]!r} is empty", where=where)
    return box
