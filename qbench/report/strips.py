"""Geometry of the strips in tables: one strip per row, all strips of a table on one axis. A template draws them.

The numbers are in the same row, so a strip adds no information: it shows at a glance what the row says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from qbench.plugins.report_blocks import Axis, Strip

RADIUS = 4.5
"""The radius of a mark, in pixels."""


def axis(values: Iterable[float], *, scale: float = 1.0) -> Axis:
    """Make an axis with round ends that contains zero and all finite `values`.

    Parameters
    ----------
    values : iterable of float
        What is drawn on the axis.
    scale : float
        The factor from the data to the labels: 100 for shares.
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
    """Make the strip of a change (from zero to `end`), or of a value before and after; None if one is undetermined."""
    first = 0.0 if start is None else start
    if not (math.isfinite(end) and math.isfinite(first)):
        return None
    tone = "up" if end > 0 else "down" if end < 0 else ""
    return Strip(scale.zero, scale.at(first), scale.at(end), tone, start is not None)


def outline(mark: Strip) -> str:
    """Write the outline of everything that a strip draws as one path: the line, and the marks at its ends."""
    way = mark.end - mark.start
    first = mark.start + math.copysign(min(RADIUS, abs(way)), way) if mark.open else mark.start
    parts = [f"M{first:.1f} 9H{mark.end:.1f}v2H{first:.1f}z"]
    if mark.open:
        parts += [_disc(mark.start, RADIUS), _disc(mark.start, RADIUS - 1.6, hole=True)]
    side = 2 * RADIUS - 1
    if mark.tone == "down":
        parts.append(f"M{mark.end - side / 2:.1f} {10 - side / 2:g}h{side:g}v{side:g}h-{side:g}z")
    else:
        parts.append(_disc(mark.end, RADIUS))
    return "".join(parts)


def _disc(x: float, radius: float, *, hole: bool = False) -> str:
    turn, r = int(not hole), f"{radius:g}"
    return f"M{x - radius:.1f} 10a{r} {r} 0 1 {turn} {2 * radius:g} 0a{r} {r} 0 1 {turn} -{2 * radius:g} 0z"
