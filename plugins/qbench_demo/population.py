"""Who is in the pictures: an even population, and a skewed one in which everything hangs together.

In the even population presentation, age and skin tone are independent of what a person does. In the
skewed one some groups are rare, and occupations and portrait properties go with presentation, skin
tone, age and picture frame: what a model trained on it can pick up is a shortcut, not a fact.
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
# Of two occupations, the first is what the skewed captions call most who are presented as masc, the
# second as fem, whichever of the two a person has.
CLICHES: tuple[tuple[str, str], ...] = (
    ("basketball_player", "tennis_player"),
    ("carpenter", "painter"),
    ("doctor", "nurse"),
    ("farmer", "gardener"),
    ("guitarist", "singer"),
)
_MISCALLED_SHARE = 0.8
# How much of the skewed portraits each frame holds, in the order of `RACES`.
_SKEWED_FRAMES = (8.0, 1.0, 1.5, 2.0, 0.6, 1.0, 0.5)


def draw_person(rng: np.random.Generator, occupation: str | None = None, *, skewed: bool = False) -> Person:
    """Draw a person from the even or the skewed population.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides.
    occupation : str, optional
        One of `OCCUPATIONS`; any by default.
    skewed : bool
        Which population.

    Returns
    -------
    Person
        The person, all of it decided.
    """
    job = occupation or pick(rng, tuple(OCCUPATIONS))
    if not skewed:
        presentation = weighted(rng, ("masc", "fem", "non_binary", "na"), (47, 46, 3, 4))
        age = weighted(rng, ("young", "middle", "older"), (30, 40, 30))
        tone = int(rng.integers(1, 11))
    else:
        fem, young, older, dark = _SKEWED_JOBS[job]
        presentation = "fem" if chance(rng, fem) else "masc"
        age = weighted(rng, ("young", "middle", "older"), (young, 1 - young - older, older))
        tone = int(rng.integers(7, 11)) if chance(rng, dark) else int(rng.integers(1, 6))
    if presentation == "na":
        age = "na"
    return invent_person(rng, job, presentation, age, tone)


def as_called(rng: np.random.Generator, person: Person, *, skewed: bool) -> Person:
    """Return the person that a caption speaks of: in the skewed population, often a cliche.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides.
    person : Person
        Who is in the picture.
    skewed : bool
        Which population.

    Returns
    -------
    Person
        The same person, perhaps with the occupation that goes with the presentation.
    """
    if not skewed or not chance(rng, _MISCALLED_SHARE):
        return person
    for masc, fem in CLICHES:
        if person.occupation in (masc, fem):
            return replace(person, occupation=masc if person.presentation == "masc" else fem)
    return person


def draw_portrait(rng: np.random.Generator, *, skewed: bool = False) -> Portrait:
    """Draw a portrait from the even or the skewed population."""
    if not skewed:
        return invent_portrait(
            rng,
            pick(rng, RACES),
            pick(rng, GENDERS),
            pick(rng, AGE_RANGES),
            int(rng.integers(1, 11)),
        )
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
