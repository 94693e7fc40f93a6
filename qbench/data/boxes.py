"""Boxes in annotation files: a dict as text, or four numbers."""

from __future__ import annotations

import ast
import json
import math

from qbench.errors import DataError

Box = tuple[float, float, float, float]


def parse_box(text: str, where: str) -> Box:
    """Parse a box that is written as a dict, in JSON or as Python prints it, and clip it (see `clip_box`).

    Parameters
    ----------
    text : str
        The dict, with the keys ``x``, ``y``, ``width`` and ``height``.
    where : str
        Its place, such as ``labels.csv:row 3``, for the message.

    Returns
    -------
    tuple of float
        ``(x, y, width, height)`` in pixels.

    Raises
    ------
    DataError
        It is not such a dict, or the box is empty.

    Examples
    --------
    >>> parse_box("{'x': 10, 'y': -5, 'width': 20, 'height': 30}", "labels.csv:row 3")
    (10.0, 0.0, 20.0, 25.0)
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
            f"the bounding box {text[:80]!r} is not a dict with the numbers x, y, width and height", where=where
        ) from None
    return clip_box(x, y, width, height, text=text, where=where)


def clip_box(x: float, y: float, width: float, height: float, *, text: str, where: str) -> Box:
    """Cut off the part of a box with negative coordinates: ``(x, y, width, height)`` in pixels.

    Raises
    ------
    DataError
        The rest is empty, or a number is not finite; the message quotes `text` and names `where`.
    """
    left, top = max(x, 0.0), max(y, 0.0)
    box = (left, top, x + width - left, y + height - top)
    if not all(math.isfinite(v) for v in box) or box[2] <= 0 or box[3] <= 0:
        raise DataError(f"the bounding box {text[:80]!r} is empty", where=where)
    return box
