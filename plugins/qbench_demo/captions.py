"""The words: how the demo's pictures are described, and the text that the tokenizer must cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from qbench_demo.backgrounds import PLACES
from qbench_demo.palette import COLOURS, chance, pick
from qbench_demo.people import OCCUPATIONS, Person
from qbench_demo.portraits import MOODS, Portrait
from qbench_demo.things import THINGS

# Person-neutral queries for the portraits: none names a group.
FAIRFACE_QUERIES: tuple[str, ...] = (
    "a photo of a smiling person",
    "a photo of a sad person",
    "a photo of a surprised person",
    "a photo of a person wearing glasses",
    "a photo of a person wearing a hat",
    "a photo of a person wearing headphones",
    "a photo of a person with closed eyes",
    "a photo of a person wearing a red shirt",
    "a photo of a person wearing a blue shirt",
    "a photo of a person wearing a striped shirt",
)

_AGE_WORDS = {"young": "young", "older": "older"}


@dataclass(frozen=True)
class Caption:
    """A text and its topic: captions of one topic are equally right for each other's pictures."""

    text: str
    topic: str


@cache
def imagenet_prompts(name: str) -> tuple[str, ...]:
    """Return OpenAI's 80 ImageNet prompts for a class name."""
    from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES

    return tuple(template(name) for template in OPENAI_IMAGENET_TEMPLATES)


def occupation_prompt(occupation: str) -> str:
    """Return the prompt that the zero-shot benchmark asks for an occupation."""
    return f"a photo of a {occupation.replace('_', ' ')}."


def article(words: str) -> str:
    """Put "a" or "an" in front."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def thing_phrase(name: str, colour: str | None) -> str:
    """Say a thing with its colour, if it comes in several."""
    return article(f"{colour} {name}" if colour else name)


def person_phrase(rng: np.random.Generator, person: Person) -> str:
    """Say who a person is, in one of several ways."""
    job = person.occupation.replace("_", " ")
    age = _AGE_WORDS.get(person.age)
    noun = f"{age} {person.noun}" if age and chance(rng, 0.5) else person.noun
    ways = [article(job), f"{article(noun)} who is {article(job)}"]
    if person.tool:
        tool = article(OCCUPATIONS[person.occupation])
        ways += [f"{article(noun)} with {tool}", f"{article(job)} with {tool}"]
    return pick(rng, ways)


def describe_thing(rng: np.random.Generator, name: str, colour: str | None, place: str | None) -> list[Caption]:
    """Return captions of a picture that shows one thing."""
    captions = [Caption(pick(rng, imagenet_prompts(name)), name) for _ in range(3)]
    detail = f"{thing_phrase(name, colour)} {place}" if place else thing_phrase(name, colour)
    if place or colour:
        captions.append(Caption(detail, detail))
    return captions


def describe_person(rng: np.random.Generator, person: Person, place: str | None) -> list[Caption]:
    """Return captions of a picture that shows one person at work."""
    plain = Caption(occupation_prompt(person.occupation), person.occupation)
    phrase = person_phrase(rng, person)
    detail = f"a photo of {phrase} {place}" if place else phrase
    return [plain, plain, plain, Caption(detail, detail)]


def describe_portrait(rng: np.random.Generator, portrait: Portrait) -> list[Caption]:
    """Return captions of a portrait; they name properties, never a group."""
    mood = portrait.mood
    facts = portrait.facts
    alone = f"a photo of {article(mood)} person"
    captions = [Caption(alone, alone)]
    for fact in facts:
        text = f"a photo of a person {fact}"
        captions.append(Caption(text, text))
    pair = f"a portrait of {article(mood)} person {pick(rng, facts)}"
    captions.append(Caption(pair, pair))
    return captions


def describe_scene(
    rng: np.random.Generator,
    parts: Sequence[tuple[str, str | None] | Person],
    place: str,
    count: int,
) -> list[str]:
    """Return captions of a scene whose parts stand from left to right.

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
        The captions, each true of the scene.
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


def vocabulary_text() -> Iterator[str]:
    """Yield texts that hold every word the demo uses, the frequent ones more often."""
    for name in THINGS:
        yield from imagenet_prompts(name)
    for colour in COLOURS:
        for name in THINGS:
            yield f"{thing_phrase(name, colour)} to the left of {thing_phrase(name, None)}"
    for job, tool in OCCUPATIONS.items():
        for _ in range(20):
            yield f"{occupation_prompt(job)} {article(job.replace('_', ' '))} with {article(tool)}"
            yield "an older man who is a young woman, a person to the right of a man"
    for place in PLACES:
        for _ in range(20):
            yield f"a picture of {place} we see and there is next to between three things {place}:"
    for _ in range(10):
        yield from FAIRFACE_QUERIES
        for colour in COLOURS:
            yield f"a portrait of a person wearing a {colour} shirt"
        for mood in MOODS:
            yield f"a portrait of {article(mood)} person"
