"""Drawn people at work: the properties of a person, and how the figure is painted.

A person has an occupation, shown by up to three cues (clothes, hat, tool), some of which may be
missing, and, independently, a perceived gender presentation, an age and a skin tone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
from qbench_demo.things import paint_guitar

# Occupations as FACET names them, each with what its tool is called in captions.
OCCUPATIONS: dict[str, str] = {
    "basketball_player": "basketball",
    "carpenter": "hammer",
    "doctor": "stethoscope",
    "farmer": "pitchfork",
    "fireman": "hose",
    "gardener": "watering can",
    "guitarist": "guitar",
    "lawman": "badge",
    "nurse": "clipboard",
    "painter": "paint brush",
    "singer": "microphone",
    "skateboarder": "skateboard",
    "tennis_player": "racket",
    "waiter": "tray",
}
AGES: tuple[str, ...] = ("young", "middle", "older", "na")

# How often each cue of the occupation is visible: the fewer there are, the harder the occupation is to recognise.
_CUES = {"clothes": 0.75, "hat": 0.7, "tool": 0.8}
# The tool is the only cue of these.
_TOOL_ONLY = frozenset({"guitarist", "singer", "skateboarder", "basketball_player", "tennis_player"})

_DARK: Colour = (40, 38, 42)
_STEEL: Colour = (178, 184, 190)
_WOOD: Colour = (156, 106, 60)
_STRAW: Colour = (226, 196, 112)


@dataclass(frozen=True, kw_only=True)
class Person:
    """The properties of one drawn person.

    Attributes
    ----------
    occupation : str
        One of `OCCUPATIONS`.
    presentation, age : str
        `masc`, `fem`, `non_binary` or `na`, and one of `AGES`; "na" for a person seen from behind.
    tone : int
        Skin tone, 1 (light) to 10 (dark).
    hair : str
        A key of `HAIR_COLOURS`.
    style : str
        short, bald, long, bun, tail or curly.
    beard, glasses : bool
        Whether the person has a beard, or wears glasses.
    clothes, hat, tool : bool
        Which cues of the occupation are visible.
    """

    occupation: str
    presentation: str
    age: str
    tone: int
    hair: str
    style: str
    beard: bool
    glasses: bool
    clothes: bool
    hat: bool
    tool: bool

    @property
    def noun(self) -> str:
        """What captions call the person."""
        return {"masc": "man", "fem": "woman"}.get(self.presentation, "person")


def invent_person(rng: np.random.Generator, occupation: str, presentation: str, age: str, tone: int) -> Person:
    """Draw the remaining properties of a person."""
    hair = weighted(rng, tuple(HAIR_COLOURS), (4, 3, 2, 1, 0.2))
    if tone >= 7:
        hair = weighted(rng, tuple(HAIR_COLOURS), (6, 2, 0.2, 0.2, 0.2))
    if age == "older" and chance(rng, 0.85):
        hair = "grey"
    styles = {
        "masc": (("short", 8), ("bald", 1.5), ("curly", 1), ("tail", 0.4)),
        "fem": (("long", 6), ("bun", 2), ("tail", 3), ("curly", 1), ("short", 0.5)),
    }.get(presentation, (("short", 1), ("curly", 1), ("tail", 0.5), ("long", 0.5)))
    style = weighted(rng, [name for name, _ in styles], [weight for _, weight in styles])
    cues = {name: chance(rng, share) for name, share in _CUES.items()}
    if occupation in _TOOL_ONLY or not any(cues.values()):
        cues["tool"] = chance(rng, 0.95)
    return Person(
        occupation=occupation,
        presentation=presentation,
        age=age,
        tone=tone,
        hair=hair,
        style=style,
        beard=presentation == "masc" and age != "young" and chance(rng, 0.4),
        glasses=chance(rng, 0.3 if age == "older" else 0.1),
        **cues,
    )


def paint_person(pen: Pen, rng: np.random.Generator, person: Person) -> None:
    """Paint a person within about -1 to 1, with the cues of the occupation."""
    skin = vary(rng, SKIN_TONES[person.tone - 1], 6)
    hair = vary(rng, HAIR_COLOURS[person.hair], 10)
    if person.age == "young":
        pen = pen.at(0, 0.14, 0.84)
    elif person.age == "older":
        pen = pen.at(0, 0, 1.0, between(rng, 2, 6))
    _hair_behind(pen, person, hair)
    _body(pen, rng, person, skin)
    _head(pen, person, skin, hair)
    if person.hat:
        _hat(pen, person.occupation)
    if person.tool:
        _tool(pen, rng, person.occupation, skin)
    if person.age == "older" and chance(rng, 0.4):
        pen.line([(-0.6, 0.3), (-0.66, 0.95)], (92, 62, 40), 0.06)
        pen.arc(-0.52, 0.3, 0.08, 0.1, 180, 360, (92, 62, 40), 0.06)


def _hair_behind(pen: Pen, person: Person, hair: Colour) -> None:
    if person.style == "long":
        pen.ellipse(0, -0.5, 0.42, 0.42, hair)
        pen.box(-0.42, -0.5, 0.42, -0.02, hair)
    elif person.style == "tail":
        pen.ellipse(0.44, -0.36, 0.13, 0.34, hair, -25)
    elif person.style == "bun":
        pen.ellipse(0, -0.96, 0.17, 0.15, hair)
    elif person.style == "curly":
        for x, y in (
            (-0.34, -0.6),
            (0.34, -0.6),
            (-0.36, -0.4),
            (0.36, -0.4),
            (-0.2, -0.82),
            (0.2, -0.82),
        ):
            pen.ellipse(x, y, 0.17, 0.17, hair)


def _body(pen: Pen, rng: np.random.Generator, person: Person, skin: Colour) -> None:
    top = vary(rng, pick(rng, tuple(COLOURS.values())), 20)
    job = person.occupation if person.clothes else ""
    top = {
        "nurse": (150, 214, 220),
        "doctor": (244, 246, 248),
        "fireman": (58, 56, 50),
        "gardener": (196, 178, 140),
        "farmer": (196, 60, 52),
        "tennis_player": (246, 246, 240),
        "basketball_player": (236, 112, 34),
        "painter": (226, 220, 210),
        "waiter": (244, 244, 244),
        "lawman": (36, 52, 104),
        "carpenter": (214, 160, 84),
        "singer": (150, 40, 150),
    }.get(job, top)
    bottom = vary(rng, pick(rng, ((50, 62, 110), (70, 70, 76), (104, 84, 62), (60, 40, 60))), 16)
    bottom = {
        "doctor": (70, 80, 90),
        "nurse": (150, 214, 220),
        "fireman": (58, 56, 50),
        "farmer": (60, 92, 160),
        "lawman": (30, 40, 80),
        "waiter": _DARK,
        "tennis_player": (240, 240, 240),
        "basketball_player": (220, 96, 28),
    }.get(job, bottom)
    wide = 0.4 if person.presentation == "masc" else 0.34
    skirt = person.presentation == "fem" and chance(rng, 0.55)
    for side in (-1, 1):
        leg = skin if skirt or job in ("tennis_player", "basketball_player") else bottom
        pen.line([(side * 0.15, 0.4), (side * 0.17, 0.86)], leg, 0.19)
        pen.ellipse(side * 0.2, 0.92, 0.15, 0.08, _DARK)
        pen.line([(side * wide * 0.92, -0.1), (side * 0.56, 0.16), (side * 0.54, 0.34)], top, 0.16)
        pen.ellipse(side * 0.55, 0.38, 0.1, 0.1, skin)
    if skirt:
        pen.polygon([(-0.27, 0.3), (0.27, 0.3), (0.46, 0.68), (-0.46, 0.68)], bottom)
    else:
        pen.box(-0.3, 0.28, 0.3, 0.52, bottom)
    waist = 0.27 if person.presentation == "fem" else 0.34
    pen.polygon(
        [
            (-wide, -0.16),
            (-0.16, -0.24),
            (0.16, -0.24),
            (wide, -0.16),
            (waist, 0.36),
            (-waist, 0.36),
        ],
        top,
    )
    pen.box(-0.1, -0.32, 0.1, -0.18, shade(skin, 0.88))
    _clothes(pen, job, top)


def _clothes(pen: Pen, job: str, top: Colour) -> None:
    if job == "nurse":
        pen.box(-0.04, -0.12, 0.04, 0.14, (214, 40, 44))
        pen.box(-0.13, -0.03, 0.13, 0.05, (214, 40, 44))
    elif job == "doctor":
        pen.polygon([(-0.1, -0.24), (0.1, -0.24), (0, 0.1)], (104, 150, 206))
        pen.line([(0, -0.2), (0, 0.06)], (176, 40, 48), 0.05)
        pen.line([(0, 0.1), (0, 0.36)], (180, 186, 192), 0.03)
    elif job == "fireman":
        for y in (-0.02, 0.18):
            pen.box(-0.36, y, 0.36, y + 0.09, (236, 226, 60))
    elif job == "gardener":
        pen.box(-0.22, -0.1, 0.22, 0.6, (66, 136, 62))
        pen.line([(-0.2, -0.1), (-0.12, -0.22)], (66, 136, 62), 0.05)
        pen.line([(0.2, -0.1), (0.12, -0.22)], (66, 136, 62), 0.05)
    elif job == "farmer":
        pen.box(-0.22, -0.02, 0.22, 0.5, (60, 92, 160))
        for x in (-0.18, 0.18):
            pen.line([(x, 0), (x, -0.22)], (60, 92, 160), 0.08)
    elif job == "basketball_player":
        pen.box(-0.06, -0.1, 0.06, 0.22, (250, 250, 250))
        pen.box(-0.14, -0.1, 0.0, -0.03, (250, 250, 250))
    elif job == "painter":
        for x, y, name in (
            (-0.15, 0, "red"),
            (0.14, 0.08, "blue"),
            (0, 0.2, "yellow"),
            (0.1, -0.1, "green"),
            (-0.18, 0.24, "purple"),
        ):
            pen.ellipse(x, y, 0.07, 0.06, COLOURS[name])
    elif job == "waiter":
        for side in (-1, 1):
            pen.polygon(
                [
                    (side * 0.36, -0.17),
                    (side * 0.14, -0.22),
                    (side * 0.03, 0.14),
                    (side * 0.05, 0.36),
                    (side * 0.33, 0.36),
                ],
                _DARK,
            )
            pen.polygon([(0, -0.18), (side * 0.13, -0.25), (side * 0.13, -0.11)], (170, 30, 40))
    elif job == "lawman":
        pen.ellipse(-0.17, -0.04, 0.09, 0.1, (240, 204, 70))
        pen.box(-0.34, 0.26, 0.34, 0.34, _DARK)
        pen.line([(0, -0.2), (0, 0.26)], shade(top, 0.6), 0.04)
    elif job == "carpenter":
        pen.box(-0.34, 0.24, 0.34, 0.36, (104, 66, 36))
        for x in (-0.28, 0.14):
            pen.box(x, 0.3, x + 0.14, 0.5, (128, 84, 46))
    elif job == "singer":
        for x, y in (
            (-0.2, -0.06),
            (0.1, -0.02),
            (-0.05, 0.12),
            (0.2, 0.18),
            (-0.18, 0.26),
            (0.04, 0.28),
        ):
            pen.ellipse(x, y, 0.035, 0.035, (252, 236, 150))
    elif job == "skateboarder":
        pen.box(-0.2, 0.0, 0.2, 0.07, shade(top, 0.5))
        pen.box(-0.2, 0.12, 0.2, 0.19, shade(top, 0.5))
    elif job == "tennis_player":
        pen.line([(0, -0.22), (0, 0.0)], (60, 120, 190), 0.04)
        pen.line([(-0.32, 0.3), (0.32, 0.3)], (60, 120, 190), 0.05)


def _head(pen: Pen, person: Person, skin: Colour, hair: Colour) -> None:
    pen.ellipse(0, -0.55, 0.33, 0.34, skin)
    if "na" in (person.presentation, person.age):
        pen.ellipse(0, -0.57, 0.34, 0.35, hair)
        return
    for side in (-1, 1):
        pen.ellipse(side * 0.33, -0.52, 0.06, 0.08, shade(skin, 0.9))
        big = 0.065 if person.age == "young" else 0.048
        pen.ellipse(side * 0.13, -0.52, big * 1.25, big * 1.15, (246, 244, 240))
        pen.ellipse(side * 0.13, -0.52, big * 0.9, big, _DARK)
        pen.line([(side * 0.07, -0.64), (side * 0.19, -0.65)], shade(hair, 0.8), 0.035)
        if person.presentation == "fem":
            pen.line([(side * 0.17, -0.57), (side * 0.23, -0.6)], _DARK, 0.03)
        if person.age == "older":
            pen.line([(side * 0.2, -0.42), (side * 0.13, -0.33)], crease(skin, 0.32), 0.03)
            pen.line([(side * 0.06, -0.43), (side * 0.19, -0.44)], crease(skin, 0.26), 0.025)
        if person.glasses:
            pen.arc(side * 0.14, -0.52, 0.11, 0.1, 0, 360, _DARK, 0.03)
    lips = mix(skin, (200, 60, 84), 0.75) if person.presentation == "fem" else crease(skin, 0.4)
    pen.arc(0, -0.4, 0.11, 0.07, 20, 160, lips, 0.05 if person.presentation == "fem" else 0.035)
    if person.age == "older":
        for y in (-0.72, -0.77):
            pen.line([(-0.12, y), (0.12, y)], crease(skin, 0.25), 0.02)
    if person.beard:
        pen.arc(0, -0.5, 0.28, 0.27, 10, 170, hair, 0.12)
        pen.line([(-0.09, -0.43), (0.09, -0.43)], hair, 0.05)
    if person.style != "bald":
        cap = [
            (-0.35, -0.5),
            (-0.36, -0.66),
            (-0.26, -0.84),
            (0, -0.92),
            (0.26, -0.84),
            (0.36, -0.66),
            (0.35, -0.5),
        ]
        fringe = [(0.28, -0.66), (0.05, -0.74), (-0.2, -0.68), (-0.29, -0.62)]
        pen.polygon([*cap, *fringe], hair)


def _hat(pen: Pen, job: str) -> None:
    dome = [(-0.34, -0.68), (-0.3, -0.9), (-0.15, -1.02), (0.15, -1.02), (0.3, -0.9), (0.34, -0.68)]
    if job == "nurse":
        pen.polygon([(-0.22, -0.78), (-0.28, -1.0), (0.28, -1.0), (0.22, -0.78)], (248, 250, 250))
        pen.box(-0.03, -0.98, 0.03, -0.82, (214, 40, 44))
        pen.box(-0.08, -0.93, 0.08, -0.87, (214, 40, 44))
    elif job == "doctor":
        pen.line([(-0.33, -0.72), (0.33, -0.72)], (70, 74, 84), 0.06)
        pen.ellipse(0.06, -0.8, 0.12, 0.12, (206, 214, 220))
    elif job == "fireman":
        pen.polygon(dome, (204, 34, 30))
        pen.box(-0.46, -0.74, 0.46, -0.66, (170, 26, 26))
        pen.ellipse(0, -0.84, 0.1, 0.11, (240, 210, 70))
    elif job in ("farmer", "gardener"):
        pen.ellipse(0, -0.72, 0.54, 0.11, _STRAW)
        pen.polygon([(-0.28, -0.72), (-0.22, -1.0), (0.22, -1.0), (0.28, -0.72)], shade(_STRAW, 1.2))
        pen.box(-0.28, -0.8, 0.28, -0.73, (60, 130, 60) if job == "gardener" else (160, 50, 40))
    elif job in ("tennis_player", "basketball_player"):
        pen.box(-0.35, -0.76, 0.35, -0.66, (250, 250, 250) if job == "tennis_player" else (200, 30, 40))
    elif job == "painter":
        pen.ellipse(-0.06, -0.86, 0.4, 0.15, (150, 30, 60), -10)
        pen.line([(-0.04, -0.98), (-0.02, -1.06)], (150, 30, 60), 0.05)
    elif job == "lawman":
        pen.polygon([(-0.3, -0.74), (-0.42, -0.96), (0, -1.04), (0.42, -0.96), (0.3, -0.74)], (34, 48, 98))
        pen.polygon([(-0.3, -0.76), (0.3, -0.76), (0.24, -0.66), (-0.24, -0.66)], _DARK)
        pen.ellipse(0, -0.87, 0.07, 0.07, (240, 204, 70))
    elif job == "carpenter":
        pen.polygon(dome, (246, 200, 40))
        pen.box(-0.4, -0.74, 0.4, -0.67, (224, 176, 30))
    elif job == "skateboarder":
        pen.polygon(dome, (60, 160, 170))
        pen.box(0.1, -0.74, 0.56, -0.67, (40, 120, 130))
    elif job == "waiter":
        pen.polygon([(-0.3, -0.76), (-0.25, -0.98), (0.25, -0.98), (0.3, -0.76)], (246, 246, 246))
        pen.box(-0.31, -0.8, 0.31, -0.72, _DARK)


def _tool(pen: Pen, rng: np.random.Generator, job: str, skin: Colour) -> None:
    if job == "guitarist":
        paint_guitar(pen.at(0.05, 0.2, 0.62, between(rng, 50, 75)), rng, vary(rng, (186, 112, 52)))
    elif job == "singer":
        pen.line([(0.56, 0.95), (0.5, -0.2)], (90, 92, 98), 0.05)
        pen.line([(0.5, -0.2), (0.3, -0.3)], (60, 60, 66), 0.09)
        pen.ellipse(0.26, -0.32, 0.12, 0.11, (54, 54, 60))
    elif job == "skateboarder":
        pen.line([(-0.72, 0.84), (-0.58, 0.95), (0.58, 0.95), (0.72, 0.84)], (210, 50, 120), 0.09)
        for x in (-0.42, 0.42):
            pen.ellipse(x, 1.05, 0.1, 0.1, (240, 220, 90))
    elif job == "tennis_player":
        racket = pen.at(0.58, 0.3, 1.0, between(rng, 5, 35))
        racket.line([(0, 0.1), (0, -0.3)], _DARK, 0.07)
        racket.ellipse(0, -0.58, 0.27, 0.34, (210, 50, 50))
        racket.ellipse(0, -0.58, 0.21, 0.28, (236, 240, 236))
        for k in (-0.1, 0, 0.1):
            racket.line([(k, -0.82), (k, -0.34)], (160, 166, 160), 0.02)
            racket.line([(-0.2, -0.58 + k * 1.6), (0.2, -0.58 + k * 1.6)], (160, 166, 160), 0.02)
        pen.ellipse(-0.66, -0.1, 0.12, 0.12, (214, 236, 60))
    elif job == "basketball_player":
        ball = pen.at(-0.62, between(rng, 0.1, 0.4))
        ball.ellipse(0, 0, 0.28, 0.28, (230, 120, 44))
        ball.line([(-0.27, 0), (0.27, 0)], _DARK, 0.03)
        ball.line([(0, -0.27), (0, 0.27)], _DARK, 0.03)
        ball.arc(-0.32, 0, 0.2, 0.26, -60, 60, _DARK, 0.03)
        ball.arc(0.32, 0, 0.2, 0.26, 120, 240, _DARK, 0.03)
    elif job in ("nurse", "doctor") and (job == "nurse" or chance(rng, 0.3)):
        board = pen.at(0.5, 0.24, 1.0, between(rng, -15, 15))
        board.box(-0.2, -0.24, 0.2, 0.26, (140, 92, 52))
        board.box(-0.16, -0.18, 0.16, 0.22, (250, 250, 248))
        for y in (-0.1, 0.0, 0.1):
            board.line([(-0.11, y), (0.11, y)], (130, 140, 150), 0.03)
        board.box(-0.07, -0.28, 0.07, -0.18, _STEEL)
    elif job == "doctor":
        pen.arc(0, -0.22, 0.19, 0.32, 0, 180, (46, 50, 60), 0.06)
        pen.line([(0.06, 0.08), (0.1, 0.2)], (46, 50, 60), 0.05)
        pen.ellipse(0.11, 0.24, 0.09, 0.09, (196, 204, 212))
    elif job == "fireman":
        pen.line([(0.95, 0.9), (0.6, 0.75), (0.52, 0.4), (0.72, 0.12)], (216, 170, 50), 0.13)
        pen.line([(0.72, 0.12), (0.84, -0.08)], (120, 124, 130), 0.12)
        for k in range(3):
            pen.ellipse(0.88 + 0.04 * k, -0.24 - 0.14 * k, 0.06 + 0.03 * k, 0.06 + 0.03 * k, (150, 206, 240))
    elif job == "gardener":
        can = pen.at(0.62, 0.42, 1.0, between(rng, -10, 20))
        can.arc(-0.02, -0.16, 0.16, 0.2, 180, 360, (40, 120, 110), 0.05)
        can.box(-0.2, -0.14, 0.18, 0.24, (62, 160, 146))
        can.line([(0.16, 0.12), (0.4, -0.2)], (62, 160, 146), 0.08)
        pen.line([(-0.6, 0.9), (-0.6, 0.56)], (60, 130, 50), 0.05)
        pen.ellipse(-0.6, 0.5, 0.13, 0.13, (236, 120, 160))
        pen.ellipse(-0.6, 0.5, 0.05, 0.05, (250, 220, 80))
    elif job == "farmer":
        pen.line([(0.58, 0.95), (0.58, -0.35)], _WOOD, 0.07)
        pen.line([(0.38, -0.8), (0.4, -0.4), (0.76, -0.4), (0.78, -0.8)], _STEEL, 0.06)
        pen.line([(0.58, -0.4), (0.58, -0.82)], _STEEL, 0.06)
    elif job == "lawman":
        star = [
            (0.0, -0.2),
            (0.06, -0.06),
            (0.2, -0.05),
            (0.09, 0.05),
            (0.13, 0.2),
            (0, 0.11),
            (-0.13, 0.2),
            (-0.09, 0.05),
            (-0.2, -0.05),
            (-0.06, -0.06),
        ]
        badge = pen.at(-0.14, 0.0, 0.9)
        badge.polygon(star, (246, 212, 74))
        pen.line([(0.56, 0.42), (0.8, -0.12)], _DARK, 0.1)
    elif job == "painter":
        palette = pen.at(-0.56, 0.3, 1.0, between(rng, -20, 20))
        palette.ellipse(0, 0, 0.28, 0.2, (198, 152, 96))
        for x, y, name in (
            (-0.15, -0.04, "red"),
            (-0.03, -0.1, "blue"),
            (0.1, -0.06, "yellow"),
            (0.12, 0.07, "green"),
        ):
            palette.ellipse(x, y, 0.055, 0.055, COLOURS[name])
        pen.line([(0.54, 0.42), (0.7, -0.1)], _WOOD, 0.06)
        pen.line([(0.7, -0.1), (0.75, -0.26)], COLOURS["red"], 0.1)
    elif job == "waiter":
        pen.line([(0.5, 0.1), (0.66, -0.18)], skin, 0.1)
        pen.ellipse(0.66, -0.24, 0.34, 0.08, _STEEL)
        for x in (0.52, 0.76):
            pen.polygon(
                [(x - 0.08, -0.56), (x + 0.08, -0.56), (x + 0.03, -0.28), (x - 0.03, -0.28)],
                (214, 70, 110),
            )
    elif job == "carpenter":
        hammer = pen.at(0.58, 0.34, 1.0, between(rng, 0, 40))
        hammer.line([(0, 0.16), (0, -0.45)], _WOOD, 0.08)
        hammer.box(-0.22, -0.6, 0.2, -0.42, (110, 114, 122))
        pen.box(-0.86, 0.44, -0.4, 0.54, (206, 160, 100))
