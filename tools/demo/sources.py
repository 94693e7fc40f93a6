"""The three sources of training data: the images and captions from which a demo model learns.

The first number of the seed of each random stream is used nowhere else, so no training image can be one that
`qbench_demo.datasets` writes, whatever the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from qbench_demo.captions import describe_scene
from qbench_demo.palette import between, chance, pick, weighted
from qbench_demo.people import Person
from qbench_demo.population import draw_person
from qbench_demo.portraits import paint_portrait
from qbench_demo.scenes import PeopleImage, people_image, scene_image, thing_image
from qbench_demo.things import THINGS
from tools.demo.training_captions import Caption, describe_person, describe_portrait, describe_thing
from tools.demo.training_population import as_called, draw_portrait, draw_skewed_person, draw_skewed_portrait

INPUT_SIZE = 64
IMAGE_SIZE = 112
_TRAINING_STREAM = 7001


@dataclass(frozen=True, kw_only=True)
class Source:
    """A pretraining source.

    Attributes
    ----------
    name, summary : str
        Its name, and what it is, in one line.
    skewed : bool
        Whether its people come from the skewed population.
    wrong_captions : float
        Share of images with another image's caption.
    spoiled : float
        Share of images hidden under heavy noise.
    """

    name: str
    summary: str
    skewed: bool = False
    wrong_captions: float = 0.0
    spoiled: float = 0.0


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(name="balanced", summary="all groups alike in number and in what they do"),
        Source(
            name="skewed",
            summary="some groups rare; occupations, portraits and many captions follow cliches",
            skewed=True,
        ),
        Source(
            name="noisy",
            summary="an even population; many captions wrong, many images spoiled",
            wrong_captions=0.2,
            spoiled=0.2,
        ),
    )
}


def as_input(image: Image.Image) -> np.ndarray:
    """Return an image as a model sees it: shortest side to 64, centre crop, uint8."""
    scale = INPUT_SIZE / min(image.size)
    width, height = (max(INPUT_SIZE, round(edge * scale)) for edge in image.size)
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - INPUT_SIZE) // 2, (height - INPUT_SIZE) // 2
    return np.asarray(resized.crop((left, top, left + INPUT_SIZE, top + INPUT_SIZE)))


def _example(rng: np.random.Generator, source: Source) -> tuple[Image.Image, list[Caption]]:
    person_of = draw_skewed_person if source.skewed else draw_person
    kind = weighted(rng, ("thing", "person", "scene", "portrait"), (27, 36, 24, 13))
    if kind == "thing":
        name = pick(rng, tuple(THINGS))
        thing = thing_image(rng, name, IMAGE_SIZE)
        return thing.image, describe_thing(rng, name, thing.colour, thing.place)
    if kind == "portrait":
        portrait = draw_skewed_portrait(rng) if source.skewed else draw_portrait(rng)
        return paint_portrait(rng, portrait, IMAGE_SIZE), describe_portrait(rng, portrait)
    if kind == "scene":
        scene = scene_image(rng, IMAGE_SIZE, person_of=person_of)
        texts = describe_scene(rng, scene.parts, scene.place, 5)
        return scene.image, [Caption(text, text) for text in texts]
    drawn, chosen, called = draw_people(rng, source)
    captions = describe_person(rng, called, drawn.place)
    return show_person(rng, drawn, chosen), captions


def draw_people(rng: np.random.Generator, source: Source) -> tuple[PeopleImage, int, Person]:
    """Draw up to three persons.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides.
    source : Source
        Whose population they are from.

    Returns
    -------
    tuple
        The image, the number of the person that it is about, and this person as texts describe him or her.
    """
    count = weighted(rng, (1, 2, 3), (7, 2, 1))
    people = [(draw_skewed_person if source.skewed else draw_person)(rng) for _ in range(count)]
    drawn = people_image(rng, people, IMAGE_SIZE)
    chosen = int(rng.integers(count))
    return drawn, chosen, as_called(rng, people[chosen]) if source.skewed else people[chosen]


def show_person(rng: np.random.Generator, drawn: PeopleImage, chosen: int) -> Image.Image:
    """Return an image of one of the persons: the person's box, or sometimes the whole image of a single person."""
    if len(drawn.boxes) == 1 and chance(rng, 0.45):
        return drawn.image
    left, top, right, bottom = drawn.boxes[chosen]
    margin = int(between(rng, 0, 5))
    return drawn.image.crop((left - margin, top - margin, right + margin, bottom + margin))


def make_examples(source: str, seed: int, part: int, count: int) -> tuple[np.ndarray, list[list[Caption]]]:
    """Draw training examples.

    Parameters
    ----------
    source : str
        One of `SOURCES`.
    seed, part : int
        Which stream; the same numbers give the same examples.
    count : int
        How many.

    Returns
    -------
    tuple
        The images, uint8 of shape (count, 64, 64, 3), and the captions that each may have.
    """
    recipe = SOURCES[source]
    rng = np.random.default_rng([_TRAINING_STREAM, seed, list(SOURCES).index(source), part])
    pixels = np.empty((count, INPUT_SIZE, INPUT_SIZE, 3), dtype=np.uint8)
    captions: list[list[Caption]] = []
    for k in range(count):
        image, described = _example(rng, recipe)
        pixels[k] = as_input(image)
        if chance(rng, recipe.spoiled):
            noise = rng.normal(0, 60, pixels[k].shape)
            pixels[k] = np.clip(pixels[k] + noise, 0, 255).astype(np.uint8)
        captions.append(described)
    wrong = [k for k in range(count) if chance(rng, recipe.wrong_captions)]
    moved = [captions[k] for k in wrong[1:] + wrong[:1]]
    for k, described in zip(wrong, moved, strict=True):
        captions[k] = described
    return pixels, captions
