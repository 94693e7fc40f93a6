"""The captions of the training images, and the text that the tokenizer must cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from qbench_demo.backgrounds import PLACES
from qbench_demo.captions import article, person_phrase, thing_phrase
from qbench_demo.palette import COLOURS, pick
from qbench_demo.people import OCCUPATIONS, Person
from qbench_demo.portraits import MOODS, Portrait
from qbench_demo.things import THINGS

# The queries for the portraits: none of them names a group.
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


@dataclass(frozen=True)
class Caption:
    """A text and its topic: captions of one topic are equally correct for each other's images."""

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


def describe_thing(rng: np.random.Generator, name: str, colour: str | None, place: str | None) -> list[Caption]:
    """Return captions of an image that shows one thing."""
    captions = [Caption(pick(rng, imagenet_prompts(name)), name) for _ in range(3)]
    detail = f"{thing_phrase(name, colour)} {place}" if place else thing_phrase(name, colour)
    if place or colour:
        captions.append(Caption(detail, detail))
    return captions


def describe_person(rng: np.random.Generator, person: Person, place: str | None) -> list[Caption]:
    """Return captions of an image that shows one person at work."""
    plain = Caption(occupation_prompt(person.occupation), person.occupation)
    phrase = person_phrase(rng, person)
    detail = f"a photo of {phrase} {place}" if place else phrase
    return [plain, plain, plain, Caption(detail, detail)]


def describe_portrait(rng: np.random.Generator, portrait: Portrait) -> list[Caption]:
    """Return captions of a portrait; they name properties, but no group."""
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


def vocabulary_text() -> Iterator[str]:
    """Yield texts with every word that the demo uses, the frequent ones more often."""
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
