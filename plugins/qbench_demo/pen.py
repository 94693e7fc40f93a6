"""A pen that draws in its own coordinate system, whatever the size, position and rotation on the image.

Everything in the demo's images is drawn in units of about -1 to 1 (y points down). The pen converts these to pixels and
remembers the area that it has drawn on, from which bounding boxes are computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

_ROUND = [(math.cos(k * math.pi / 12), math.sin(k * math.pi / 12)) for k in range(24)]


class Pen:
    """Draws shapes on an image through a rotation, a scale, a shift and an optional mirror.

    Parameters
    ----------
    image : PIL.Image.Image
        The image to draw on.
    centre : tuple of float
        Position of the origin in pixels.
    scale : float
        Pixels per unit.
    angle : float
        Rotation in degrees.
    mirror : bool
        Whether left and right are exchanged.
    """

    def __init__(
        self,
        image: Image.Image,
        centre: Point,
        scale: float,
        angle: float = 0.0,
        mirror: bool = False,
    ) -> None:
        self._draw = ImageDraw.Draw(image)
        self._touched: list[tuple[list[Point], float]] = []
        turn = math.radians(angle)
        side = -1.0 if mirror else 1.0
        self._a = scale * math.cos(turn) * side
        self._b = -scale * math.sin(turn)
        self._c = scale * math.sin(turn) * side
        self._d = scale * math.cos(turn)
        self._x, self._y = centre
        self._scale = scale

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The area that was drawn on: left, top, right, bottom, in pixels."""
        points = np.array([point for pixels, _ in self._touched for point in pixels])
        margins = np.repeat([margin for _, margin in self._touched], [len(pixels) for pixels, _ in self._touched])
        left, top = (points - margins[:, None]).min(axis=0).tolist()
        right, bottom = (points + margins[:, None]).max(axis=0).tolist()
        return left, top, right, bottom

    def at(self, x: float, y: float, scale: float = 1.0, angle: float = 0.0) -> Pen:
        """Return a pen for a part: its origin at (x, y) of this pen, scaled and turned.

        Both pens remember the area that either has drawn on.
        """
        part = object.__new__(Pen)
        part._draw = self._draw
        part._touched = self._touched
        part._x, part._y = self.pixel(x, y)
        cos, sin = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
        part._a = self._a * cos + self._b * sin
        part._b = -self._a * sin + self._b * cos
        part._c = self._c * cos + self._d * sin
        part._d = -self._c * sin + self._d * cos
        part._scale = self._scale * scale
        return part

    def pixel(self, x: float, y: float) -> Point:
        """Convert a point of this pen's coordinates to pixels."""
        return self._a * x + self._b * y + self._x, self._c * x + self._d * y + self._y

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        """Convert several points; written out, because most of a drawing's time is spent here."""
        a, b, c, d, left, top = self._a, self._b, self._c, self._d, self._x, self._y
        return [(a * x + b * y + left, c * x + d * y + top) for x, y in points]

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill a polygon."""
        pixels = self._pixels(points)
        self._touched.append((pixels, 0.0))
        self._draw.polygon(pixels, fill=fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour, angle: float = 0.0) -> None:
        """Fill an ellipse round (x, y), turned by `angle` degrees."""
        if not angle:
            self.polygon([(x + rx * u, y + ry * v) for u, v in _ROUND], fill)
            return
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        self.polygon(
            [(x + rx * u * cos - ry * v * sin, y + rx * u * sin + ry * v * cos) for u, v in _ROUND],
            fill,
        )

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """Draw a line with round ends through the points."""
        pixels = self._pixels(points)
        thick = max(1.0, width * self._scale)
        self._touched.append((pixels, thick / 2))
        self._draw.line(pixels, fill=fill, width=round(thick), joint="curve")
        if thick > 3:
            for x, y in (pixels[0], pixels[-1]):
                reach = thick / 2
                self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill)

    def arc(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        start: float,
        end: float,
        fill: Colour,
        width: float,
    ) -> None:
        """Draw a part of an ellipse's rim, from `start` to `end` degrees (0 is right, 90 down)."""
        steps = 10
        turns = [math.radians(start + (end - start) * k / steps) for k in range(steps + 1)]
        self.line([(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns], fill, width)
