"""The background of an image, and what makes it look like a photograph: places, patterns, light, blur and noise."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from qbench_demo.palette import COLOURS, between, chance, pick, shade, vary
from qbench_demo.pen import Colour

# Drawn at twice the stored size, then averaged: that smooths the edges.
OVERSAMPLING = 2

_RAMP = Image.linear_gradient("L")

PLACES: tuple[str, ...] = (
    "on the grass",
    "on the beach",
    "in the snow",
    "in a room",
    "on the street",
    "at night",
    "in the desert",
    "by the sea",
)

# The colours of what is above and below the horizon.
_GROUNDS: dict[str, tuple[Colour, Colour]] = {
    "on the grass": ((150, 205, 240), (96, 168, 74)),
    "on the beach": ((120, 190, 235), (230, 208, 150)),
    "in the snow": ((196, 208, 222), (242, 246, 250)),
    "in a room": ((216, 190, 170), (140, 96, 66)),
    "on the street": ((176, 186, 196), (98, 98, 104)),
    "at night": ((20, 24, 58), (34, 40, 52)),
    "in the desert": ((250, 196, 130), (206, 140, 76)),
    "by the sea": ((170, 214, 242), (36, 104, 168)),
}


def gradient(size: int, top: Colour, bottom: Colour, angle: float = 0.0) -> Image.Image:
    """Return a square that changes smoothly from one colour to another."""
    mask = _turned_ramp(angle).resize((size, size), Image.Resampling.BILINEAR) if angle else _upright_ramp(size)
    return Image.composite(Image.new("RGB", (size, size), bottom), Image.new("RGB", (size, size), top), mask)


@lru_cache
def _upright_ramp(size: int) -> Image.Image:
    return _RAMP.resize((size, size), Image.Resampling.BILINEAR)


def _turned_ramp(angle: float) -> Image.Image:
    """The middle of a ramp of 256 pixels that is turned by an angle in degrees; nothing else of it is computed."""
    first, last, middle = 48, 208, 128
    cos, sin = round(math.cos(math.radians(angle)), 15), round(math.sin(math.radians(angle)), 15)
    left, top = (first - middle) * (cos - sin) + middle, (first - middle) * (sin + cos) + middle
    return _RAMP.transform(
        (last - first, last - first),
        Image.Transform.AFFINE,
        (cos, -sin, left, sin, cos, top),
        Image.Resampling.BILINEAR,
    )


def _houses(rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: int, horizon: int) -> None:
    left = -10
    while left < size:
        right = left + int(size * between(rng, 0.14, 0.3))
        roof = int(horizon * between(rng, 0.15, 0.7))
        wall = vary(rng, (142, 120, 112), 26)
        draw.rectangle((left, roof, right, horizon), fill=wall)
        for x in range(left + 8, right - 8, 18):
            for y in range(roof + 8, horizon - 8, 22):
                draw.rectangle((x, y, x + 7, y + 10), fill=shade(wall, 0.7))
        left = right + 2


def place(rng: np.random.Generator, size: int, name: str) -> Image.Image:
    """Draw one of `PLACES` as an empty scene."""
    above, below = (vary(rng, colour, 12) for colour in _GROUNDS[name])
    horizon = int(size * between(rng, 0.45, 0.68))
    image = gradient(size, shade(above, 0.88), shade(above, 1.15))
    draw = ImageDraw.Draw(image)
    if name == "on the street":
        _houses(rng, draw, size, horizon)
    if name == "at night":
        for x, y in (rng.random((22, 2)) * (size, horizon)).tolist():
            draw.ellipse((x, y, x + 3, y + 3), fill=(240, 236, 200))
        if chance(rng, 0.6):
            x, y = size * between(rng, 0.1, 0.8), size * between(rng, 0.04, 0.16)
            draw.ellipse((x, y, x + size * 0.12, y + size * 0.12), fill=(244, 238, 200))
    if name == "on the beach":
        sea = horizon - int(size * between(rng, 0.1, 0.2))
        draw.rectangle((0, sea, size, horizon), fill=vary(rng, (50, 132, 190), 14))
    draw.rectangle((0, horizon, size, size), fill=below)
    if name == "in a room" and chance(rng, 0.7):
        x, y, w = size * between(rng, 0.05, 0.7), size * between(rng, 0.05, 0.15), size * 0.22
        draw.rectangle((x, y, x + w, y + w), fill=(248, 246, 240))
        draw.rectangle((x + 5, y + 5, x + w - 5, y + w - 5), fill=vary(rng, (150, 196, 226), 20))
    if name == "in the desert":
        x = size * between(rng, -0.1, 0.6)
        draw.polygon(
            [(x, horizon + 2), (x + size * 0.22, horizon - size * 0.12), (x + size * 0.5, horizon)],
            fill=shade(below, 0.9),
        )
    flecks = {"on the grass": 0.8, "by the sea": 1.3, "in the snow": 0.93}.get(name)
    if flecks:
        for x, y in (rng.random((26, 2)) * (size, size - horizon)).tolist():
            draw.line((x, y + horizon, x + size * 0.05, y + horizon), fill=shade(below, flecks), width=2)
    return image


def pattern(rng: np.random.Generator, size: int) -> Image.Image:
    """Draw a plain, striped, dotted, chequered or blotchy background."""
    first = vary(rng, pick(rng, tuple(COLOURS.values())), 30)
    first = shade(first, between(rng, 0.6, 1.75))
    second = shade(vary(rng, first, 40), between(rng, 0.75, 1.3))
    image = gradient(size, first, second, between(rng, -90, 90))
    draw = ImageDraw.Draw(image)
    other = shade(vary(rng, second, 30), pick(rng, (0.8, 1.3)))
    step = int(size * between(rng, 0.09, 0.2))
    kind = int(rng.integers(6))
    if kind == 1:
        slant = int(between(rng, -0.5, 0.5) * size)
        for x in range(-size, 2 * size, 2 * step):
            draw.line((x, 0, x + slant, size), fill=other, width=step)
    elif kind == 2:
        for y in range(0, size, 2 * step):
            for x in range(0, size, 2 * step):
                draw.ellipse((x, y, x + step, y + step), fill=other)
    elif kind == 3:
        for row, y in enumerate(range(0, size, step)):
            for x in range((row % 2) * step, size, 2 * step):
                draw.rectangle((x, y, x + step, y + step), fill=other)
    elif kind == 4:
        for x, y, r in (rng.random((9, 3)) * (size, size, size * 0.22)).tolist():
            draw.ellipse((x - r, y - r, x + r, y + r), fill=vary(rng, other, 24))
    return image


def clutter(rng: np.random.Generator, image: Image.Image, count: int) -> None:
    """Draw a few meaningless shapes that hide parts of the image or distract."""
    draw = ImageDraw.Draw(image)
    size = image.width
    for _ in range(count):
        x, y = (rng.random(2) * size).tolist()
        reach = size * between(rng, 0.04, 0.11)
        turn = between(rng, 0, 2 * math.pi)
        corners = int(rng.integers(3, 7))
        points = [
            (
                x + reach * math.cos(turn + 2 * math.pi * k / corners),
                y + reach * math.sin(turn + 2 * math.pi * k / corners),
            )
            for k in range(corners)
        ]
        draw.polygon(points, fill=vary(rng, pick(rng, tuple(COLOURS.values())), 30))


def develop(rng: np.random.Generator, image: Image.Image, size: int) -> tuple[Image.Image, float]:
    """Make a drawing look like a photograph: smaller, with changes of light, blur and noise.

    Returns
    -------
    tuple
        The image (`size` pixels square) and the brightness that was applied (1 is neutral).
    """
    small = image.resize((size, size), Image.Resampling.BOX)
    brightness = between(rng, 0.62, 1.2)
    small = ImageEnhance.Brightness(small).enhance(brightness)
    if chance(rng, 0.4):
        small = ImageEnhance.Contrast(small).enhance(between(rng, 0.65, 1.15))
    if chance(rng, 0.2):
        small = ImageEnhance.Color(small).enhance(between(rng, 0.3, 0.9))
    if chance(rng, 0.3):
        small = small.filter(ImageFilter.GaussianBlur(between(rng, 0.4, 1.3)))
    if chance(rng, 0.5):
        # One strip of noise, tiled: ten times cheaper than a fresh number for every pixel.
        strip = rng.normal(0, between(rng, 4, 15), size * 97).astype(np.int16)
        noise = np.resize(strip, (size, size, 3))
        pixels = np.asarray(small, dtype=np.int16) + noise
        small = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return small, brightness
