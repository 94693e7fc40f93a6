"""The things that the demo can draw: twenty classes of ImageNet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qbench_demo.palette import COLOURS, between, chance, shade, vary
from qbench_demo.pen import Colour, Pen

_DARK: Colour = (44, 40, 44)
_WOOD: Colour = (168, 112, 62)
_GREEN: Colour = COLOURS["green"]

Painter = Callable[[Pen, np.random.Generator, Colour], None]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A class of things: its ImageNet class, and how it is drawn.

    Attributes
    ----------
    synset : str
        The class's WordNet id in ImageNet.
    colours : tuple of str
        The colours in which it is drawn; if there is one only, captions do not mention it.
    paint : callable
        Draws it within about -1 to 1.
    """

    synset: str
    colours: tuple[str, ...]
    paint: Painter


def _goldfish(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    fin = shade(colour, 0.82)
    pen.polygon([(0.4, 0), (1.0, -0.5), (0.85, 0), (1.0, 0.5)], fin)
    pen.polygon([(-0.25, -0.3), (0.2, -0.72), (0.35, -0.25)], fin)
    pen.ellipse(-0.15, 0, 0.7, 0.44, colour)
    pen.ellipse(-0.1, 0.14, 0.5, 0.24, shade(colour, 1.35))
    pen.polygon([(0, 0.05), (0.32, 0.28), (0.02, 0.3)], fin)
    for x in (0.0, 0.2, 0.4):
        pen.arc(x - 0.12, 0, 0.14, 0.26, -60, 60, fin, 0.04)
    pen.ellipse(-0.52, -0.1, 0.12, 0.12, (250, 250, 250))
    pen.ellipse(-0.54, -0.1, 0.06, 0.06, _DARK)


def _snail(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    body = vary(rng, (206, 178, 128))
    pen.line([(-0.85, 0.6), (0.8, 0.6)], body, 0.3)
    pen.line([(-0.72, 0.55), (-0.75, 0.05)], body, 0.26)
    for x in (-0.95, -0.6):
        pen.line([(-0.75, 0.05), (x, -0.4)], body, 0.07)
        pen.ellipse(x, -0.42, 0.08, 0.08, _DARK)
    pen.ellipse(0.15, 0, 0.62, 0.6, colour)
    for radius in (0.46, 0.3, 0.14):
        pen.arc(0.15, 0, radius, radius, 40, 340, shade(colour, 0.6), 0.08)


def _ladybug(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    for y in (-0.35, 0.05, 0.45):
        pen.line([(-0.85, y + 0.1), (0.85, y + 0.1)], _DARK, 0.07)
    pen.ellipse(0, -0.58, 0.36, 0.3, _DARK)
    for side in (-1, 1):
        pen.line([(side * 0.12, -0.8), (side * 0.35, -1.0)], _DARK, 0.05)
        pen.ellipse(side * 0.18, -0.66, 0.07, 0.07, (245, 245, 245))
    pen.ellipse(0, 0.12, 0.68, 0.72, colour)
    pen.line([(0, -0.58), (0, 0.82)], _DARK, 0.06)
    for x, y in ((0.3, -0.2), (0.4, 0.2), (0.22, 0.52)):
        pen.ellipse(x, y, 0.13, 0.13, _DARK)
        pen.ellipse(-x, y, 0.13, 0.13, _DARK)


def _starfish(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    inner = between(rng, 0.36, 0.46)
    points = []
    for k in range(10):
        reach = 0.98 if k % 2 == 0 else inner
        turn = math.radians(36 * k - 90)
        points.append((reach * math.cos(turn), reach * math.sin(turn)))
    pen.polygon(points, colour)
    for k in range(5):
        turn = math.radians(72 * k - 90)
        for reach in (0.2, 0.42, 0.64):
            pen.ellipse(reach * math.cos(turn), reach * math.sin(turn), 0.06, 0.06, shade(colour, 1.5))


def paint_guitar(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    """Draw a guitar, upright."""
    pen.box(-0.07, -0.85, 0.07, 0.1, (84, 54, 36))
    pen.box(-0.14, -1.0, 0.14, -0.78, (64, 42, 30))
    pen.ellipse(0, 0.08, 0.36, 0.3, colour)
    pen.ellipse(0, 0.55, 0.5, 0.42, colour)
    pen.ellipse(0, 0.3, 0.16, 0.16, _DARK)
    pen.box(-0.2, 0.66, 0.2, 0.74, (64, 42, 30))
    for x in (-0.03, 0.03):
        pen.line([(x, -0.9), (x, 0.68)], (226, 220, 200), 0.015)


def _balloon(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.polygon([(-0.5, 0.12), (0.5, 0.12), (0.16, 0.56), (-0.16, 0.56)], shade(colour, 0.85))
    pen.ellipse(0, -0.25, 0.68, 0.7, colour)
    pen.ellipse(0, -0.25, 0.42, 0.7, shade(colour, 1.55))
    pen.ellipse(0, -0.25, 0.16, 0.7, colour)
    for x in (-0.14, 0.14):
        pen.line([(x, 0.5), (x, 0.78)], _DARK, 0.03)
    pen.box(-0.18, 0.74, 0.18, 1.0, (130, 86, 46))


def _lighthouse(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.ellipse(0, 0.92, 0.7, 0.14, (120, 116, 110))
    pen.polygon([(-0.3, -0.5), (0.3, -0.5), (0.44, 0.9), (-0.44, 0.9)], (238, 236, 230))
    for y in (-0.3, 0.15, 0.6):
        wide = 0.3 + 0.1 * (y + 0.5)
        pen.box(-wide, y, wide, y + 0.2, colour)
    pen.box(-0.38, -0.56, 0.38, -0.48, _DARK)
    pen.box(-0.22, -0.8, 0.22, -0.56, (252, 236, 140))
    pen.polygon([(-0.3, -0.78), (0, -1.0), (0.3, -0.78)], colour)


def _candle(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.ellipse(0, 0.86, 0.5, 0.13, (170, 140, 70))
    pen.box(-0.2, -0.2, 0.2, 0.82, colour)
    pen.box(-0.2, -0.2, -0.08, 0.82, shade(colour, 1.4))
    pen.ellipse(0, -0.2, 0.2, 0.07, shade(colour, 1.3))
    pen.line([(0, -0.2), (0, -0.4)], _DARK, 0.04)
    pen.polygon([(0, -1.0), (0.2, -0.55), (0, -0.32), (-0.2, -0.55)], (250, 160, 40))
    pen.ellipse(0, -0.52, 0.1, 0.17, (255, 240, 150))


def _mug(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.arc(0.48, 0.05, 0.36, 0.34, -100, 100, shade(colour, 0.85), 0.14)
    pen.box(-0.6, -0.5, 0.5, 0.66, colour)
    pen.ellipse(-0.05, 0.66, 0.55, 0.14, colour)
    pen.box(-0.5, -0.4, -0.36, 0.6, shade(colour, 1.4))
    pen.ellipse(-0.05, -0.5, 0.55, 0.16, shade(colour, 0.8))
    pen.ellipse(-0.05, -0.48, 0.46, 0.11, (74, 46, 30))
    if chance(rng, 0.6):
        for x in (-0.25, 0.1):
            pen.line([(x, -0.68), (x + 0.08, -0.8), (x, -0.94)], (236, 236, 236), 0.05)


def _hourglass(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    glass, sand = (206, 228, 236), (232, 194, 110)
    pen.polygon([(-0.45, -0.8), (0.45, -0.8), (0.05, 0), (0.45, 0.8), (-0.45, 0.8), (-0.05, 0)], glass)
    pen.polygon([(-0.26, -0.4), (0.26, -0.4), (0, 0.02)], sand)
    pen.polygon([(-0.42, 0.8), (0.42, 0.8), (0, 0.38)], sand)
    pen.line([(0, 0), (0, 0.5)], sand, 0.04)
    for x in (-0.55, 0.55):
        pen.box(x - 0.05, -0.85, x + 0.05, 0.85, colour)
    for y in (-0.9, 0.9):
        pen.box(-0.68, y - 0.1, 0.68, y + 0.1, colour)


def _bus(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.box(-0.98, -0.5, 0.7, 0.45, colour)
    pen.box(0.65, -0.05, 0.98, 0.45, colour)
    pen.box(-0.98, 0.12, 0.9, 0.2, _DARK)
    for x in (-0.84, -0.5, -0.16, 0.18):
        pen.box(x, -0.36, x + 0.26, -0.04, (156, 204, 230))
    pen.box(0.5, -0.36, 0.68, 0.0, (156, 204, 230))
    for x in (-0.58, 0.52):
        pen.ellipse(x, 0.5, 0.21, 0.21, _DARK)
        pen.ellipse(x, 0.5, 0.09, 0.09, (170, 170, 170))


def _sailboat(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.line([(0, -1.0), (0, 0.5)], (110, 76, 48), 0.06)
    pen.polygon([(0.08, -0.9), (0.08, 0.34), (0.82, 0.34)], colour)
    pen.polygon([(-0.08, -0.65), (-0.08, 0.34), (-0.6, 0.34)], shade(colour, 1.4))
    pen.polygon([(-0.8, 0.46), (0.9, 0.46), (0.58, 0.88), (-0.55, 0.88)], (122, 74, 44))
    pen.line([(-0.95, 0.92), (0.98, 0.92)], (60, 128, 190), 0.1)


def _soccer_ball(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.ellipse(0, 0, 0.88, 0.88, (70, 70, 74))
    pen.ellipse(0, 0, 0.83, 0.83, (244, 244, 242))
    spin = between(rng, 0, 72)
    ring = [math.radians(72 * k + spin) for k in range(5)]
    pen.polygon([(0.28 * math.cos(t), 0.28 * math.sin(t)) for t in ring], _DARK)
    for t in ring:
        x, y = math.cos(t), math.sin(t)
        pen.line([(0.28 * x, 0.28 * y), (0.58 * x, 0.58 * y)], _DARK, 0.04)
        pen.ellipse(0.68 * x, 0.68 * y, 0.13, 0.19, _DARK, math.degrees(t))


def _teapot(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    dark = shade(colour, 0.8)
    pen.arc(0.5, 0.1, 0.38, 0.36, -110, 110, dark, 0.12)
    pen.polygon([(-0.45, 0.35), (-0.98, -0.35), (-0.82, -0.42), (-0.4, 0.0)], dark)
    pen.ellipse(0, 0.18, 0.6, 0.54, colour)
    pen.ellipse(-0.18, 0.0, 0.16, 0.22, shade(colour, 1.5), 30)
    pen.ellipse(0, -0.3, 0.36, 0.12, dark)
    pen.ellipse(0, -0.48, 0.1, 0.1, dark)
    pen.box(-0.32, 0.66, 0.32, 0.74, dark)


def _traffic_light(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.box(-0.07, 0.5, 0.07, 1.0, (92, 92, 96))
    pen.box(-0.34, -0.98, 0.34, 0.6, (40, 44, 42))
    lit = int(rng.integers(3))
    lamps = ((232, 44, 36), (250, 206, 50), (58, 206, 84))
    for k, lamp in enumerate(lamps):
        pen.ellipse(0, -0.7 + 0.5 * k, 0.2, 0.2, lamp if k == lit else shade(lamp, 0.42))


def paint_umbrella(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    """Draw an open umbrella."""
    pen.line([(0, -0.8), (0, 0.75)], (92, 66, 48), 0.07)
    pen.arc(0.14, 0.75, 0.14, 0.16, 0, 180, (92, 66, 48), 0.07)
    rim = [(math.cos(math.radians(t)) * 0.95, math.sin(math.radians(t)) * 0.85) for t in range(180, 361, 15)]
    pen.polygon([*rim, (0.64, -0.12), (0.32, 0), (0, -0.12), (-0.32, 0), (-0.64, -0.12)], colour)
    pen.polygon([(0, -0.86), (0.32, 0), (0, -0.12), (-0.32, 0)], shade(colour, 1.3))
    pen.line([(0, -0.85), (0, -0.98)], (92, 66, 48), 0.05)


def _mushroom(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.polygon([(-0.2, 0), (0.2, 0), (0.3, 0.9), (-0.3, 0.9)], (238, 226, 204))
    pen.ellipse(0, 0.02, 0.6, 0.14, (214, 196, 168))
    cap = [(math.cos(math.radians(t)) * 0.85, math.sin(math.radians(t)) * 0.85) for t in range(180, 361, 15)]
    pen.polygon(cap, colour)
    for x, y, r in (
        (-0.45, -0.25, 0.12),
        (0.05, -0.5, 0.16),
        (0.48, -0.25, 0.13),
        (-0.1, -0.14, 0.08),
    ):
        pen.ellipse(x, y, r, r * 0.85, (246, 242, 232))


def _pineapple(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    for lean in (-40, -20, 0, 20, 40):
        part = pen.at(0, -0.2, 1.0, lean)
        part.polygon([(-0.1, 0), (0, -0.8), (0.1, 0)], shade(_GREEN, 0.8 if lean % 40 else 1.1))
    pen.ellipse(0, 0.35, 0.46, 0.62, colour)
    for k in range(-3, 4):
        shift = 0.22 * k
        pen.line([(-0.32, 0.28 + shift), (0.32, 0.48 + shift * 0.8)], shade(colour, 0.66), 0.03)
        pen.line([(0.32, 0.28 + shift), (-0.32, 0.48 + shift * 0.8)], shade(colour, 0.66), 0.03)


def _banana(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    outer = [(math.cos(math.radians(t)) * 0.95, math.sin(math.radians(t)) * 0.9 - 0.3) for t in range(10, 171, 16)]
    inner = [(math.cos(math.radians(t)) * 0.85, math.sin(math.radians(t)) * 0.42 - 0.3) for t in range(165, 10, -16)]
    pen.polygon([*outer, *inner], colour)
    pen.arc(0, -0.3, 0.88, 0.66, 30, 150, shade(colour, 0.8), 0.04)
    pen.line([(0.9, -0.2), (0.95, -0.42)], (106, 84, 40), 0.12)
    pen.ellipse(-0.92, -0.15, 0.07, 0.07, _DARK)


def _pizza(pen: Pen, rng: np.random.Generator, colour: Colour) -> None:
    pen.ellipse(0, 0, 0.92, 0.92, (196, 136, 72))
    pen.ellipse(0, 0, 0.78, 0.78, (244, 206, 108))
    for k in range(3):
        turn = math.radians(60 * k + 15)
        x, y = math.cos(turn) * 0.78, math.sin(turn) * 0.78
        pen.line([(-x, -y), (x, y)], (206, 150, 74), 0.03)
    for k in range(7):
        turn, reach = between(rng, 0, 6.3), (0.22, 0.52, 0.56)[k % 3]
        pen.ellipse(reach * math.cos(turn), reach * math.sin(turn), 0.14, 0.14, (192, 48, 36))
    for _ in range(4):
        pen.ellipse(between(rng, -0.5, 0.5), between(rng, -0.5, 0.5), 0.08, 0.04, _GREEN, 40)


_MANY = ("red", "yellow", "green", "blue", "purple", "pink")

# The names are those of open_clip's list of ImageNet class names.
THINGS: dict[str, Thing] = {
    "goldfish": Thing(synset="n01443537", colours=("orange",), paint=_goldfish),
    "snail": Thing(synset="n01944390", colours=("brown",), paint=_snail),
    "ladybug": Thing(synset="n02165456", colours=("red",), paint=_ladybug),
    "starfish": Thing(synset="n02317335", colours=("orange", "red", "purple", "yellow"), paint=_starfish),
    "acoustic guitar": Thing(synset="n02676566", colours=("brown", "orange", "red"), paint=paint_guitar),
    "balloon": Thing(synset="n02782093", colours=_MANY, paint=_balloon),
    "lighthouse": Thing(synset="n02814860", colours=("red", "blue", "black"), paint=_lighthouse),
    "candle": Thing(synset="n02948072", colours=(*_MANY, "white"), paint=_candle),
    "coffee mug": Thing(synset="n03063599", colours=(*_MANY, "white"), paint=_mug),
    "hourglass": Thing(synset="n03544143", colours=("brown",), paint=_hourglass),
    "school bus": Thing(synset="n04146614", colours=("yellow",), paint=_bus),
    "sailboat": Thing(synset="n04612504", colours=(*_MANY, "white"), paint=_sailboat),
    "soccer ball": Thing(synset="n04254680", colours=("white",), paint=_soccer_ball),
    "teapot": Thing(synset="n04398044", colours=(*_MANY, "white"), paint=_teapot),
    "traffic light": Thing(synset="n06874185", colours=("black",), paint=_traffic_light),
    "umbrella": Thing(synset="n04507155", colours=(*_MANY, "black"), paint=paint_umbrella),
    "mushroom": Thing(synset="n07734744", colours=("red", "brown", "orange", "purple"), paint=_mushroom),
    "pineapple": Thing(synset="n07753275", colours=("orange",), paint=_pineapple),
    "banana": Thing(synset="n07753592", colours=("yellow", "green"), paint=_banana),
    "pizza": Thing(synset="n07873807", colours=("yellow",), paint=_pizza),
}


def paint_thing(pen: Pen, rng: np.random.Generator, name: str, colour: str | None = None) -> str | None:
    """Draw a thing in one of its colours.

    Parameters
    ----------
    pen : Pen
        Where to draw.
    rng : numpy.random.Generator
        Decides what is not given.
    name : str
        One of `THINGS`.
    colour : str, optional
        One of the thing's colours; any of them by default.

    Returns
    -------
    str or None
        The colour's name, or None for a thing that comes in one colour only.
    """
    thing = THINGS[name]
    chosen = colour or thing.colours[int(rng.integers(len(thing.colours)))]
    thing.paint(pen, rng, vary(rng, COLOURS[chosen]))
    return chosen if len(thing.colours) > 1 else None
