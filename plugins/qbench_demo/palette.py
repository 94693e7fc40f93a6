"""Named colours, skin tones and random choices that all drawing modules share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from qbench_demo.pen import Colour

T = TypeVar("T")

COLOURS: dict[str, Colour] = {
    "red": (208, 42, 40),
    "orange": (240, 138, 32),
    "yellow": (246, 210, 50),
    "green": (48, 150, 66),
    "blue": (44, 92, 200),
    "purple": (128, 60, 168),
    "pink": (240, 134, 176),
    "brown": (124, 78, 44),
    "black": (38, 38, 42),
    "white": (240, 240, 236),
}

# Ten tones from light to dark, in the manner of the Monk scale.
SKIN_TONES: tuple[Colour, ...] = (
    (250, 226, 208),
    (246, 214, 190),
    (240, 200, 168),
    (226, 180, 142),
    (204, 154, 114),
    (176, 126, 88),
    (148, 102, 70),
    (124, 84, 58),
    (102, 68, 50),
    (82, 56, 44),
)

HAIR_COLOURS: dict[str, Colour] = {
    "black": (34, 28, 28),
    "brown": (96, 60, 36),
    "blonde": (222, 184, 96),
    "red": (172, 76, 36),
    "grey": (176, 176, 178),
}


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Return one of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def weighted(rng: np.random.Generator, options: Sequence[T], weights: Sequence[float]) -> T:
    """Return one of the options with the given (unnormalised) weights."""
    left = float(rng.random()) * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        left -= weight
        if left < 0:
            return option
    return options[-1]


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < share)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between low and high."""
    return low + (high - low) * float(rng.random())


def shade(colour: Colour, factor: float) -> Colour:
    """Make a colour darker (factor below 1) or lighter (above 1: towards white)."""
    if factor <= 1:
        return mix(colour, (0, 0, 0), 1 - factor)
    return mix(colour, (255, 255, 255), min(1.0, factor - 1))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour between two: the first at share 0, the second at share 1."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def crease(skin: Colour, strength: float) -> Colour:
    """Return the colour of a line on skin: darker on light skin, lighter on dark skin, so that it is always visible."""
    return mix(skin, (30, 20, 20), strength) if sum(skin) > 330 else mix(skin, (240, 200, 170), strength)


def vary(rng: np.random.Generator, colour: Colour, spread: int = 16) -> Colour:
    """Return a colour close to the given one."""
    red, green, blue = (
        max(0, min(255, c + int(d))) for c, d in zip(colour, rng.integers(-spread, spread + 1, 3), strict=True)
    )
    return red, green, blue
