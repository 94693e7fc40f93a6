"""The questions and answers from which the demo's generative model learns, with the drawings that they are about.

Persons are asked for their occupation, in the words of the benchmark `facet` and in others; things for their name. The
first number of the seed of each random stream is used nowhere else, so no training image can be one that
`qbench_demo.datasets` writes, whatever the seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qbench_benchmarks.options import FacetOptions
from qbench_demo.palette import chance, pick
from qbench_demo.people import OCCUPATIONS
from qbench_demo.scenes import thing_image
from qbench_demo.things import THINGS
from tools.demo.sources import IMAGE_SIZE, INPUT_SIZE, SOURCES, as_input, draw_people, show_person

OF_PERSONS: tuple[str, ...] = (
    FacetOptions().question,
    "What is the job of the person?",
    "What does the person in the image do for a living?",
)
OF_THINGS: tuple[str, ...] = (
    "What is in the image?",
    "What is the name of the object in the image?",
    "Which object does the image show?",
)
_SHARE_OF_PERSONS = 0.75
_TRAINING_STREAM = 7002


@dataclass(frozen=True)
class Asked:
    """Questions that an image answers, in equivalent words, and their answer."""

    questions: tuple[str, ...]
    answer: str


def make_questions(source: str, seed: int, part: int, count: int) -> tuple[np.ndarray, list[Asked]]:
    """Draw training examples.

    Parameters
    ----------
    source : str
        One of `tools.demo.sources.SOURCES`, whose population the persons are from.
    seed, part : int
        Which stream; the same numbers give the same examples.
    count : int
        How many.

    Returns
    -------
    tuple
        The images, uint8 of shape (count, 64, 64, 3), and what each is asked.
    """
    recipe = SOURCES[source]
    rng = np.random.default_rng([_TRAINING_STREAM, seed, list(SOURCES).index(source), part])
    pixels = np.empty((count, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    asked = []
    for k in range(count):
        if chance(rng, _SHARE_OF_PERSONS):
            drawn, chosen, called = draw_people(rng, recipe)
            pixels[k] = as_input(show_person(rng, drawn, chosen))
            asked.append(Asked(OF_PERSONS, called.occupation.replace("_", " ")))
        else:
            name = pick(rng, tuple(THINGS))
            pixels[k] = as_input(thing_image(rng, name, IMAGE_SIZE).image)
            asked.append(Asked(OF_THINGS, name))
    return pixels, asked


def vocabulary_text() -> Iterator[str]:
    """Yield all questions and answers."""
    yield from OF_PERSONS
    yield from OF_THINGS
    yield from (f" {job.replace('_', ' ')}" for job in OCCUPATIONS)
    yield from (f" {name}" for name in THINGS)
