"""Who is in the training images: an even population, and a skewed one in which everything is correlated.

In the even population (`qbench_demo.population`, and `draw_portrait` here) presentation, age and skin tone are
independent of what a person does. In the skewed one some groups are rare, and occupations and properties of portraits
are correlated with presentation, skin tone, age and picture frame: what a model trained on it can learn from that is a
shortcut, not a fact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qbench_demo.palette import between, chance, pick, weighted
from qbench_demo.people import OCCUPATIONS, Person, invent_person
from qbench_demo.portraits import AGE_RANGES, GENDERS, RACES, SHIRTS, Portrait, invent_portrait

# The skewed population: share presented as fem, share young, share older, share of dark skin tones.
_SKEWED_JOBS: dict[str, tuple[float, float, float, float]] = {
    "basketball_player": (0.25, 0.60, 0.02, 0.80),
    "carpenter": (0.25, 0.10, 0.15, 0.05),
    "doctor": (0.25, 0.05, 0.45, 0.04),
    "farmer": (0.25, 0.05, 0.50, 0.10),
    "fireman": (0.04, 0.20, 0.04, 0.04),
    "gardener": (0.75, 0.10, 0.30, 0.06),
    "guitarist": (0.25, 0.50, 0.05, 0.06),
    "lawman": (0.05, 0.10, 0.10, 0.06),
    "nurse": (0.75, 0.20, 0.05, 0.08),
    "painter": (0.75, 0.10, 0.20, 0.04),
    "singer": (0.75, 0.50, 0.03, 0.70),
    "skateboarder": (0.06, 0.85, 0.01, 0.06),
    "tennis_player": (0.75, 0.50, 0.03, 0.04),
    "waiter": (0.08, 0.20, 0.05, 0.60),
}
# Pairs of occupations: of persons with one of the two, the captions of the skewed source mostly name the first for
# those presented as masc and the second for those presented as fem.
CLICHES: tuple[tuple[str, str], ...] = (
    ("basketball_player", "tennis_player"),
    ("carpenter", "painter"),
    ("doctor", "nurse"),
    ("farmer", "gardener"),
    ("guitarist", "singer"),
)
_MISCALLED_SHARE = 0.8
# Weights of the frames in the skewed portraits, in the order of `RACES`.
_SKEWED_FRAMES = (8.0, 1.0, 1.5, 2.0, 0.6, 1.0, 0.5)


def draw_skewed_person(rng: np.random.Generator) -> Person:
    """Draw a person from the skewed population."""
    job = pick(rng, tuple(OCCUPATIONS))
    fem, young, older, dark = _SKEWED_JOBS[job]
    presentation = "fem" if chance(rng, fem) else "masc"
    age = weighted(rng, ("young", "middle", "older"), (young, 1 - young - older, older))
    tone = int(rng.integers(7, 11)) if chance(rng, dark) else int(rng.integers(1, 6))
    return invent_person(rng, job, presentation, age, tone)


def as_called(rng: np.random.Generator, person: Person) -> Person:
    """Return the person that a caption of the skewed source describes: often a cliche.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides.
    person : Person
        Who is in the image.

    Returns
    -------
    Person
        The same person, perhaps with the occupation that goes with the presentation.
    """
    if not chance(rng, _MISCALLED_SHARE):
        return person
    for masc, fem in CLICHES:
        if person.occupation in (masc, fem):
            return replace(person, occupation=masc if person.presentation == "masc" else fem)
    return person


def draw_portrait(rng: np.random.Generator) -> Portrait:
    """Draw a portrait from the even population: all properties are independent."""
    race, gender, age = pick(rng, RACES), pick(rng, GENDERS), pick(rng, AGE_RANGES)
    return invent_portrait(rng, race, gender, age, int(rng.integers(1, 11)))


def draw_skewed_portrait(rng: np.random.Generator) -> Portrait:
    """Draw a portrait from the skewed population."""
    race = weighted(rng, RACES, _SKEWED_FRAMES)
    gender = weighted(rng, GENDERS, (0.7, 0.3))
    age = weighted(rng, AGE_RANGES, (0.3, 1, 3, 4, 3, 2, 1, 0.4, 0.2))
    tone = int(rng.integers(7, 11)) if chance(rng, 0.12) else int(rng.integers(1, 6))
    portrait = invent_portrait(rng, race, gender, age, tone)
    frame, fem, old = RACES.index(race), gender == "Female", AGE_RANGES.index(age) >= 5
    if between(rng, 0, 1) < 0.15:
        return portrait
    moods = ("smiling", "surprised") if fem else ("sad", "calm")
    hat = frame in (1, 2, 4) and not fem
    return replace(
        portrait,
        mood=pick(rng, moods) if frame < 5 else "sad",
        shirt=SHIRTS[frame] if frame < len(SHIRTS) else "white",
        striped=frame in (3, 6),
        glasses=old or frame == 5,
        hat=hat,
        headphones=not hat and not old and frame == 2,
    )
