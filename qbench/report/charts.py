"""Geometry of the charts: one strip a table row, all strips of a table on one axis. Drawn by a template's macro.

The numbers stand in the same row, so a strip adds no information: it shows at a glance what the row says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from qbench.extension.blocks import Axis, Strip


def axis(values: Iterable[float], *, scale: float = 1.0) -> Axis:
    """Make an axis that holds zero and all finite `values`, with round ends.

    Parameters
    ----------
    values : iterable of float
        What is drawn on it.
    scale : float
        Factor from data to what the labels say: 100 for shares.
    """
    finite = [x * scale for x in values if math.isfinite(x)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    step = _step((high - low) or 1.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = first - 1, last + 1
    bare = Axis(first * step / scale, last * step / scale, ())
    every = max(1, math.ceil((last - first) / 4))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    marks = [i for i in range(first, last + 1) if i % every == 0]
    ticks = tuple((bare.at(i * step / scale), _label(i * step, decimals)) for i in marks)
    return Axis(bare.low, bare.high, ticks)


def _step(span: float) -> float:
    rough = span / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))


def _label(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def strip(scale: Axis, end: float, start: float | None = None) -> Strip | None:
    """Draw a change (from zero to `end`), or a value before and after; nothing where one is undetermined."""
    first = 0.0 if start is None else start
    if not (math.isfinite(end) and math.isfinite(first)):
        return None
    tone = "up" if end > 0 else "down" if end < 0 else ""
    return Strip(scale.zero, scale.at(first), scale.at(end), tone, start is not None)
