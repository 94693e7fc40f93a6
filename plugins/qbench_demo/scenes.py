"""Complete images: a thing, people at work, or a scene of several parts in a place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from qbench_demo.backgrounds import OVERSAMPLING, PLACES, clutter, develop, pattern, place
from qbench_demo.palette import between, chance, pick
from qbench_demo.pen import Pen
from qbench_demo.people import Person, paint_person
from qbench_demo.population import draw_person
from qbench_demo.things import THINGS, paint_thing

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ThingImage:
    """An image of one thing, its colour (None if it has one colour only) and place (None if there is a pattern)."""

    image: Image.Image
    colour: str | None
    place: str | None


@dataclass(frozen=True)
class PeopleImage:
    """An image of people, the box (left, top, right, bottom) of each, its light and its place."""

    image: Image.Image
    boxes: tuple[Box, ...]
    brightness: float
    place: str | None


@dataclass(frozen=True)
class Scene:
    """An image of up to three parts, from left to right, and its place."""

    image: Image.Image
    parts: tuple[tuple[str, str | None] | Person, ...]
    place: str


def _ground(rng: np.random.Generator, side: int) -> tuple[Image.Image, str | None]:
    if chance(rng, 0.5):
        where = pick(rng, PLACES)
        return place(rng, side, where), where
    return pattern(rng, side), None


def _box(pen: Pen, size: int) -> Box:
    left, top, right, bottom = (edge / OVERSAMPLING for edge in pen.bounds)
    return (
        max(0, int(left)),
        max(0, int(top)),
        min(size, int(right) + 1),
        min(size, int(bottom) + 1),
    )


def thing_image(rng: np.random.Generator, name: str, size: int) -> ThingImage:
    """Draw one thing of the given class, as an image of `size` × `size` pixels."""
    side = size * OVERSAMPLING
    image, where = _ground(rng, side)
    if chance(rng, 0.4):
        clutter(rng, image, int(rng.integers(1, 4)))
    reach = between(rng, 0.24, 0.45)
    pen = Pen(
        image,
        (side * between(rng, reach, 1 - reach), side * between(rng, reach, 1 - reach)),
        side * reach,
        between(rng, -28, 28),
        chance(rng, 0.5),
    )
    colour = paint_thing(pen, rng, name)
    if chance(rng, 0.35):
        clutter(rng, image, int(rng.integers(1, 3)))
    return ThingImage(develop(rng, image, size)[0], colour, where)


def people_image(rng: np.random.Generator, people: Sequence[Person], size: int) -> PeopleImage:
    """Draw one to three people, from left to right, as an image of `size` × `size` pixels."""
    side = size * OVERSAMPLING
    image, where = _ground(rng, side)
    count = len(people)
    pens = []
    for k, person in enumerate(people):
        reach = between(rng, 0.34, 0.46) if count == 1 else between(rng, 0.62, 0.8) * 0.5 / count**0.6
        middle = (k + 0.5 + between(rng, -0.12, 0.12)) / count
        pen = Pen(
            image,
            (side * middle, side * between(rng, 0.48, 0.56)),
            side * reach,
            between(rng, -9, 9),
            chance(rng, 0.5),
        )
        paint_person(pen, rng, person)
        pens.append(pen)
    if chance(rng, 0.35):
        clutter(rng, image, 1)
    small, brightness = develop(rng, image, size)
    return PeopleImage(small, tuple(_box(pen, size) for pen in pens), brightness, where)


def scene_image(
    rng: np.random.Generator, size: int, *, person_of: Callable[[np.random.Generator], Person] = draw_person
) -> Scene:
    """Draw a scene of one to three parts, as an image of `size` × `size` pixels.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of all random choices.
    size : int
        Width and height in pixels.
    person_of : callable
        Draws a person of the scene.

    Returns
    -------
    Scene
        The image and what is in it.
    """
    side = size * OVERSAMPLING
    where = pick(rng, PLACES)
    image = place(rng, side, where)
    count = pick(rng, (1, 1, 2, 2, 2, 3))
    parts: list[tuple[str, str | None] | Person] = []
    for k in range(count):
        reach = side * (0.38, 0.25, 0.18)[count - 1] * between(rng, 0.88, 1.12)
        centre = (
            side * (k + 0.5 + between(rng, -0.06, 0.06)) / count,
            side * between(rng, 0.48, 0.64),
        )
        if chance(rng, 0.4):
            person = person_of(rng)
            pen = Pen(image, centre, reach * 1.12, between(rng, -6, 6), chance(rng, 0.5))
            paint_person(pen, rng, person)
            parts.append(person)
        else:
            name = pick(rng, tuple(THINGS))
            pen = Pen(image, centre, reach, between(rng, -14, 14), chance(rng, 0.5))
            parts.append((name, paint_thing(pen, rng, name)))
    return Scene(develop(rng, image, size)[0], tuple(parts), where)
