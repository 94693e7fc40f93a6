"""The captions of the demo's scenes, and the phrases that they consist of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qbench_demo.palette import chance, pick
from qbench_demo.people import OCCUPATIONS, Person

_AGE_WORDS = {"young": "young", "older": "older"}


def article(words: str) -> str:
    """Put "a" or "an" in front."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def thing_phrase(name: str, colour: str | None) -> str:
    """Name a thing, with its colour if it comes in several colours."""
    return article(f"{colour} {name}" if colour else name)


def person_phrase(rng: np.random.Generator, person: Person) -> str:
    """Describe a person in one of several ways."""
    job = person.occupation.replace("_", " ")
    age = _AGE_WORDS.get(person.age)
    noun = f"{age} {person.noun}" if age and chance(rng, 0.5) else person.noun
    ways = [article(job), f"{article(noun)} who is {article(job)}"]
    if person.tool:
        tool = article(OCCUPATIONS[person.occupation])
        ways += [f"{article(noun)} with {tool}", f"{article(job)} with {tool}"]
    return pick(rng, ways)


def describe_scene(
    rng: np.random.Generator,
    parts: Sequence[tuple[str, str | None] | Person],
    place: str,
    count: int,
) -> list[str]:
    """Return captions of a scene whose parts are ordered from left to right.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides the wording.
    parts : sequence
        A thing as (name, colour), or a person.
    place : str
        One of `PLACES`.
    count : int
        How many captions.

    Returns
    -------
    list of str
        The captions; each of them describes the scene correctly.
    """
    texts = []
    for k in range(count):
        said = [person_phrase(rng, part) if isinstance(part, Person) else thing_phrase(*part) for part in parts]
        first, last = said[0], said[-1]
        if len(said) == 1:
            ways = [
                f"{first} {place}",
                f"a photo of {first} {place}",
                f"there is {first} {place}",
                f"a picture of {first} {place}",
                f"{place} we see {first}",
            ]
        elif len(said) == 2:
            ways = [
                f"{first} and {last} {place}",
                f"{first} to the left of {last}",
                f"{last} to the right of {first} {place}",
                f"a photo of {first} next to {last} {place}",
                f"{place} we see {first} and {last}",
            ]
        else:
            ways = [
                f"{first}, {said[1]} and {last}",
                f"{said[1]} between {first} and {last}",
                f"three things {place}: {first}, {said[1]} and {last}",
                f"{first} to the left of {said[1]} {place}",
                f"{last} to the right of {said[1]} {place}",
            ]
        texts.append(ways[k % len(ways)])
    return texts
