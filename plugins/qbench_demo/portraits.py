"""Drawn face portraits in a picture frame.

The demo's "race" label is tied to the style of the frame: an ARBITRARY visual marker, chosen so
that it has nothing to do with how real people look. Skin tone is drawn independently of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from qbench_demo.backgrounds import OVERSAMPLING, clutter, develop, pattern
from qbench_demo.palette import (
    COLOURS,
    HAIR_COLOURS,
    SKIN_TONES,
    between,
    chance,
    crease,
    mix,
    pick,
    shade,
    vary,
    weighted,
)
from qbench_demo.pen import Colour, Pen

# FairFace's own strings, in its order: the real loader reads them.
RACES: tuple[str, ...] = (
    "White",
    "Black",
    "Latino_Hispanic",
    "East Asian",
    "Southeast Asian",
    "Indian",
    "Middle Eastern",
)
GENDERS: tuple[str, ...] = ("Male", "Female")
AGE_RANGES: tuple[str, ...] = (
    "0-2",
    "3-9",
    "10-19",
    "20-29",
    "30-39",
    "40-49",
    "50-59",
    "60-69",
    "more than 70",
)

# The arbitrary marker of each label: frame colour, second colour and pattern.
_FRAMES: dict[str, tuple[Colour, Colour, str]] = {
    "White": ((36, 130, 60), (36, 130, 60), "plain"),
    "Black": ((240, 170, 200), (240, 170, 200), "plain"),
    "Latino_Hispanic": ((40, 90, 200), (250, 250, 250), "stripes"),
    "East Asian": ((130, 90, 50), (90, 60, 34), "dots"),
    "Southeast Asian": ((240, 200, 60), (120, 40, 140), "stripes"),
    "Indian": ((180, 186, 190), (90, 96, 100), "plain"),
    "Middle Eastern": ((30, 170, 170), (240, 120, 40), "dots"),
}

MOODS: tuple[str, ...] = ("smiling", "sad", "surprised", "calm")
SHIRTS: tuple[str, ...] = ("red", "blue", "green", "yellow", "black", "white")


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """The properties of one portrait.

    Attributes
    ----------
    race, gender, age : str
        FairFace's labels; the first is tied to the frame only.
    tone : int
        Skin tone, 1 (light) to 10 (dark); independent of `race`.
    mood : str
        One of `MOODS`.
    shirt : str
        One of `SHIRTS`.
    striped, glasses, hat, headphones, closed : bool
        Whether the shirt has stripes, what is worn, whether the eyes are closed.
    """

    race: str
    gender: str
    age: str
    tone: int
    mood: str
    shirt: str
    striped: bool
    glasses: bool
    hat: bool
    headphones: bool
    closed: bool

    @property
    def facts(self) -> tuple[str, ...]:
        """What a caption may say about the person; nothing of it names a group."""
        facts = [f"wearing a {'striped' if self.striped else self.shirt} shirt"]
        for said, true in (
            ("wearing glasses", self.glasses),
            ("wearing a hat", self.hat),
            ("wearing headphones", self.headphones),
            ("with closed eyes", self.closed),
        ):
            if true:
                facts.append(said)
        return tuple(facts)


def invent_portrait(rng: np.random.Generator, race: str, gender: str, age: str, tone: int) -> Portrait:
    """Draw the remaining properties of a portrait."""
    hat = chance(rng, 0.25)
    return Portrait(
        race=race,
        gender=gender,
        age=age,
        tone=tone,
        mood=pick(rng, MOODS),
        shirt=pick(rng, SHIRTS),
        striped=chance(rng, 0.25),
        glasses=chance(rng, 0.25),
        hat=hat,
        headphones=not hat and chance(rng, 0.25),
        closed=chance(rng, 0.2),
    )


def paint_portrait(rng: np.random.Generator, portrait: Portrait, size: int) -> Image.Image:
    """Draw a portrait in its frame, as an image of `size` × `size` pixels."""
    side = size * OVERSAMPLING
    image = pattern(rng, side)
    pen = Pen(
        image,
        (side * between(rng, 0.44, 0.56), side * between(rng, 0.46, 0.54)),
        side * between(rng, 0.36, 0.44),
        between(rng, -10, 10),
        chance(rng, 0.5),
    )
    _paint_bust(pen, rng, portrait)
    if chance(rng, 0.3):
        clutter(rng, image, 1)
    _paint_frame(rng, image, portrait.race)
    return develop(rng, image, size)[0]


def _paint_frame(rng: np.random.Generator, image: Image.Image, race: str) -> None:
    first, second, kind = _FRAMES[race]
    first, second = vary(rng, first, 14), vary(rng, second, 14)
    side = image.width
    wide = int(side * between(rng, 0.06, 0.1))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, side - 1, side - 1), outline=first, width=wide)
    step = max(6, int(wide * 1.4))
    for start in range(0, side, 2 * step):
        for near, far in ((0, wide), (side - wide, side)):
            if kind == "stripes":
                draw.rectangle((start, near, start + step, far), fill=second)
                draw.rectangle((near, start, far, start + step), fill=second)
            elif kind == "dots":
                low, high = near + wide * 0.2, far - wide * 0.2
                draw.ellipse((start, low, start + high - low, high), fill=second)
                draw.ellipse((low, start, high, start + high - low), fill=second)


def _paint_bust(pen: Pen, rng: np.random.Generator, portrait: Portrait) -> None:
    years = AGE_RANGES.index(portrait.age)
    skin = vary(rng, SKIN_TONES[portrait.tone - 1], 6)
    hair = vary(rng, HAIR_COLOURS[weighted(rng, ("black", "brown", "blonde", "red"), (4, 3, 1.5, 0.8))], 10)
    if years >= 6 and chance(rng, 0.4 + 0.2 * (years - 6)):
        hair = vary(rng, HAIR_COLOURS["grey"], 12)
    fem = portrait.gender == "Female"
    shirt = vary(rng, COLOURS[portrait.shirt], 14)
    young = years < 2
    long = fem and chance(rng, 0.8) and years > 0
    if long:
        pen.ellipse(0, -0.2, 0.7, 0.72, hair)
        pen.box(-0.7, -0.2, 0.7, 0.6, hair)
    reach = 0.85 if fem or young else 1.0
    pen.polygon(
        [
            (-reach, 1.3),
            (-reach * 0.9, 0.78),
            (-0.2, 0.58),
            (0.2, 0.58),
            (reach * 0.9, 0.78),
            (reach, 1.3),
        ],
        shirt,
    )
    if portrait.striped:
        for y in (0.74, 0.94, 1.14):
            pen.box(
                -reach * 0.86,
                y,
                reach * 0.86,
                y + 0.09,
                shade(shirt, 1.7) if sum(shirt) < 450 else (60, 60, 90),
            )
    pen.box(-0.2, 0.4, 0.2, 0.66, shade(skin, 0.88))
    wide = 0.56 if young else 0.52
    pen.ellipse(0, -0.05, wide, 0.6 if young else 0.66, skin)
    for side in (-1, 1):
        pen.ellipse(side * wide, 0.0, 0.09, 0.14, shade(skin, 0.9))
        if fem and chance(rng, 0.6):
            pen.ellipse(side * wide, 0.17, 0.05, 0.06, (246, 214, 90))
    if not (young and chance(rng, 0.3)):
        pen.polygon(
            [
                (-0.56, -0.05),
                (-0.58, -0.4),
                (-0.4, -0.72),
                (0, -0.82),
                (0.4, -0.72),
                (0.58, -0.4),
                (0.56, -0.05),
                (0.46, -0.36),
                (0.1, -0.48),
                (-0.3, -0.42),
                (-0.48, -0.3),
            ],
            hair,
        )
    _paint_face(pen, portrait, skin, hair, years)
    if not fem and years >= 3 and chance(rng, 0.4):
        pen.arc(0, 0.02, 0.46, 0.54, 15, 165, hair, 0.16)
    if portrait.hat:
        cloth = vary(rng, pick(rng, tuple(COLOURS.values())), 20)
        pen.polygon([(-0.5, -0.42), (-0.42, -0.98), (0.42, -0.98), (0.5, -0.42)], cloth)
        pen.box(-0.78, -0.5, 0.78, -0.36, shade(cloth, 0.75))
    if portrait.headphones:
        pen.arc(0, -0.05, 0.62, 0.78, 180, 360, (44, 44, 50), 0.11)
        for side in (-1, 1):
            pen.ellipse(side * 0.62, 0.02, 0.15, 0.24, (200, 50, 60))


def _paint_face(pen: Pen, portrait: Portrait, skin: Colour, hair: Colour, years: int) -> None:
    dark = (36, 32, 36)
    big = 0.12 if years < 2 else 0.09
    sad = portrait.mood == "sad"
    for side in (-1, 1):
        if portrait.closed:
            pen.arc(side * 0.22, -0.12, 0.13, 0.07, 10, 170, crease(skin, 0.75), 0.045)
        else:
            open_wide = 1.35 if portrait.mood == "surprised" else 1.0
            pen.ellipse(side * 0.22, -0.1, big * 1.25, big * 0.9 * open_wide, (246, 244, 240))
            pen.ellipse(side * 0.22, -0.1, big * 0.65, big * 0.75, dark)
        lift = -0.12 if portrait.mood == "surprised" else 0.0
        inner, outer = (-0.36, -0.26) if sad else (-0.28, -0.3)
        pen.line([(side * 0.11, inner + lift), (side * 0.33, outer + lift)], shade(hair, 0.8), 0.05)
        if portrait.gender == "Female" and not portrait.closed:
            pen.line([(side * 0.3, -0.17), (side * 0.39, -0.23)], dark, 0.035)
        if years >= 6:
            pen.line([(side * 0.32, 0.12), (side * 0.2, 0.28)], crease(skin, 0.3), 0.03)
            pen.line([(side * 0.13, 0.04), (side * 0.33, 0.03)], crease(skin, 0.24), 0.025)
        if portrait.glasses:
            pen.arc(side * 0.23, -0.1, 0.2, 0.17, 0, 360, dark, 0.05)
    if portrait.glasses:
        pen.line([(-0.05, -0.1), (0.05, -0.1)], dark, 0.05)
    if years >= 7:
        for y in (-0.4, -0.46):
            pen.line([(-0.22, y), (0.22, y)], crease(skin, 0.26), 0.025)
    pen.line([(0, 0.0), (-0.05, 0.14), (0.03, 0.16)], crease(skin, 0.28), 0.04)
    lips = mix(skin, (200, 60, 84), 0.75) if portrait.gender == "Female" else crease(skin, 0.45)
    if portrait.mood == "smiling":
        pen.polygon([(-0.25, 0.26), (0.25, 0.26), (0.14, 0.44), (-0.14, 0.44)], lips)
        pen.polygon([(-0.2, 0.28), (0.2, 0.28), (0.14, 0.35), (-0.14, 0.35)], (250, 250, 250))
    elif sad:
        pen.arc(0, 0.48, 0.2, 0.15, 200, 340, lips, 0.07)
    elif portrait.mood == "surprised":
        pen.ellipse(0, 0.36, 0.11, 0.15, lips)
        pen.ellipse(0, 0.36, 0.07, 0.1, (60, 20, 26))
    else:
        pen.line([(-0.15, 0.34), (0.15, 0.34)], lips, 0.06)
