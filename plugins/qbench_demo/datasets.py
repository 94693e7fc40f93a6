"""Write the demo's four datasets as drawings, in the layouts that the real ones have on disk.

The images are drawings, and the labels describe the drawings only. In particular, FairFace's `race` strings are used
because the real loader reads them: each is tied to an ARBITRARY visual marker, the style of the picture frame, which
has nothing to do with how people look; skin tone is drawn independently of it. Nothing measured on these images says
anything about people.

The same seed and size give the same files each time. A dataset is drawn in parts of equal size, each from a random
stream of its own, so a dataset of more parts contains the items of one of fewer, and the parts are drawn in parallel.
The models in `checkpoints` were not trained on these images: training uses random streams of its own
(`tools/demo/sources.py` in the repository).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from qbench_demo.captions import describe_scene
from qbench_demo.palette import chance, pick, weighted
from qbench_demo.parallel import call_all
from qbench_demo.people import OCCUPATIONS, Person
from qbench_demo.population import draw_person
from qbench_demo.portraits import (
    AGE_RANGES,
    GENDERS,
    RACES,
    Portrait,
    invent_portrait,
    paint_portrait,
)
from qbench_demo.scenes import Box, people_image, scene_image, thing_image
from qbench_demo.things import THINGS

T = TypeVar("T")

DEFAULT_SIZE = 112
# The items of one part.
IMAGENET_PER_CLASS = 16
COCO_IMAGES = 160
FACET_PERSONS = 448
FAIRFACE_IMAGES = 504

# The first number of the seed of each dataset, so that their random streams differ.
_IMAGENET, _COCO, _FACET, _FAIRFACE = 101, 102, 103, 104
_JPEG_QUALITY = 90
_IMAGENET_VALIDATION = 50_000
_COCO_IDS = 580_000
_FIRST_FACET_ID = 1_800_000
# More than one part can use: three persons share an image at most, and the next image's number is up to 39 higher.
_FACET_IDS = 40 * FACET_PERSONS

FACET_COLUMNS: tuple[str, ...] = (
    "person_id",
    "filename",
    "bounding_box",
    "class1",
    "class2",
    "gender_presentation_masc",
    "gender_presentation_fem",
    "gender_presentation_non_binary",
    "gender_presentation_na",
    *(f"skin_tone_{tone}" for tone in range(1, 11)),
    "skin_tone_na",
    "age_presentation_young",
    "age_presentation_older",
    "age_presentation_middle",
    "age_presentation_na",
    "hair_color_brown",
    "hair_color_blonde",
    "hair_color_grey",
    "hair_color_na",
    "hair_color_black",
    "hair_color_colored",
    "hair_color_red",
    "hairtype_coily",
    "hairtype_dreadlocks",
    "hairtype_bald",
    "hairtype_straight",
    "hairtype_curly",
    "hairtype_wavy",
    "hairtype_na",
    "has_facial_hair",
    "has_tattoo",
    "has_cap",
    "has_mask",
    "has_headscarf",
    "has_eyeware",
    "visible_torso",
    "visible_face",
    "visible_minimal",
    "lighting_underexposed",
    "lighting_dimly_lit",
    "lighting_well_lit",
    "lighting_na",
    "lighting_overexposed",
)

# Occupations that one person may have at the same time.
_SECOND_CLASS = {
    "farmer": "gardener",
    "gardener": "farmer",
    "guitarist": "singer",
    "singer": "guitarist",
    "doctor": "nurse",
    "painter": "carpenter",
}
_HAIR_TYPES = {"short": "straight", "long": "straight", "bun": "straight", "tail": "wavy"}


def _save(image: Image.Image, path: Path) -> None:
    image.save(path, "JPEG", quality=_JPEG_QUALITY)


def _spread(rng: np.random.Generator, options: Sequence[T], count: int) -> list[T]:
    """Return `count` options in random order; how often two of them occur differs by one at most."""
    return [options[int(k) % len(options)] for k in rng.permutation(count)]


def _stream(dataset: int, seed: int, part: int) -> np.random.Generator:
    """Return the random stream of a part; that of part 0 is the one of `[dataset, seed]`: NumPy fills up with zeros."""
    return np.random.default_rng([dataset, seed, part])


def write_imagenet(root: Path, *, seed: int = 0, size: int = DEFAULT_SIZE, parts: int = 1) -> None:
    """Write `val/<synset>/<name>.JPEG` for the twenty classes of `qbench_demo.things`.

    Parameters
    ----------
    root : Path
        The dataset's folder; created if it does not exist.
    seed : int
        The seed of the images.
    size : int
        Width and height of the images in pixels.
    parts : int
        How many parts are drawn.
    """
    call_all(_imagenet_part, [(root, seed, size, part, IMAGENET_PER_CLASS) for part in range(parts)])


def _imagenet_part(root: Path, seed: int, size: int, part: int, per_class: int) -> None:
    rng = _stream(_IMAGENET, seed, part)
    numbers = iter(np.sort(rng.choice(_IMAGENET_VALIDATION, 2000, replace=False)).tolist())
    for name, thing in THINGS.items():
        folder = root / "val" / thing.synset
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(per_class):
            image = thing_image(rng, name, size).image
            number = next(numbers) + 1 + part * _IMAGENET_VALIDATION
            _save(image, folder / f"ILSVRC2012_val_{number:08d}.JPEG")


def write_coco(root: Path, *, seed: int = 0, size: int = DEFAULT_SIZE, parts: int = 1) -> None:
    """Write `val2017/<id>.jpg` and `annotations/captions_val2017.json`.

    Most images have five captions, a few have six or seven, as in the real file.

    Parameters
    ----------
    root : Path
        The dataset's folder; created if it does not exist.
    seed : int
        The seed of the images.
    size : int
        Width and height of the images in pixels.
    parts : int
        How many parts are drawn.
    """
    (root / "val2017").mkdir(parents=True, exist_ok=True)
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    drawn = call_all(_coco_part, [(root, seed, size, part, COCO_IMAGES) for part in range(parts)])
    images = [image for part in drawn for image, _ in part]
    captions = [(image["id"], text) for part in drawn for image, texts in part for text in texts]
    document = {
        "info": {
            "description": "Drawings in the layout of COCO 2017 captions",
            "url": "",
            "version": "1.0",
            "year": 2017,
            "contributor": "qbench demo",
            "date_created": "2017/01/01",
        },
        "licenses": [{"url": "", "id": 1, "name": "Drawn by a program"}],
        "images": images,
        "annotations": [
            {"image_id": image_id, "id": 1000 + number, "caption": text}
            for number, (image_id, text) in enumerate(captions)
        ],
    }
    path = root / "annotations" / "captions_val2017.json"
    path.write_text(json.dumps(document), encoding="utf-8")


def _coco_part(root: Path, seed: int, size: int, part: int, count: int) -> list[tuple[dict[str, Any], list[str]]]:
    """Draw the images of a part; return the entry of each in the annotations, and its captions."""
    rng = _stream(_COCO, seed, part)
    drawn = []
    for number in np.sort(rng.choice(_COCO_IDS, count, replace=False)).tolist():
        image_id = number + part * _COCO_IDS
        scene = scene_image(rng, size)
        file_name = f"{image_id:012d}.jpg"
        _save(scene.image, root / "val2017" / file_name)
        captions = 5 + int(chance(rng, 0.06)) + int(chance(rng, 0.03))
        texts = [text[0].upper() + text[1:] for text in describe_scene(rng, scene.parts, scene.place, captions)]
        drawn.append((_coco_image(image_id, file_name, scene.image), texts))
    return drawn


def _coco_image(image_id: int, file_name: str, image: Image.Image) -> dict[str, Any]:
    """Return an image's entry in the annotations."""
    return {
        "license": 1,
        "file_name": file_name,
        "coco_url": f"http://example.invalid/val2017/{file_name}",
        "height": image.height,
        "width": image.width,
        "date_captured": "2017-01-01 00:00:00",
        "flickr_url": f"http://example.invalid/{file_name}",
        "id": image_id,
    }


def write_facet(root: Path, *, seed: int = 0, size: int = DEFAULT_SIZE, parts: int = 1) -> None:
    """Write `imgs_1..imgs_3/sa_<id>.jpg` and `annotations/annotations.csv`, one row per person.

    Parameters
    ----------
    root : Path
        The dataset's folder; created if it does not exist.
    seed : int
        The seed of the images.
    size : int
        Width and height of the images in pixels.
    parts : int
        How many parts are drawn.
    """
    for folder in ("annotations", "imgs_1", "imgs_2", "imgs_3"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    drawn = call_all(_facet_part, [(root, seed, size, part, FACET_PERSONS) for part in range(parts)])
    rows = [row for part in drawn for row in part]
    with (root / "annotations" / "annotations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FACET_COLUMNS, restval=0)
        writer.writeheader()
        writer.writerows({**row, "person_id": number} for number, row in enumerate(rows, start=1))


def _facet_part(root: Path, seed: int, size: int, part: int, count: int) -> list[dict[str, Any]]:
    """Draw the persons of a part; return each one's annotations, without its number."""
    rng = _stream(_FACET, seed, part)
    jobs = _spread(rng, tuple(OCCUPATIONS), count)
    image_id = _FIRST_FACET_ID + part * _FACET_IDS
    rows: list[dict[str, Any]] = []
    while jobs:
        image_id += int(rng.integers(1, 40))
        together = min(len(jobs), weighted(rng, (1, 2, 3), (86, 11, 3)))
        people = [draw_person(rng, jobs.pop()) for _ in range(together)]
        drawn = people_image(rng, people, size)
        name = f"sa_{image_id}.jpg"
        _save(drawn.image, root / f"imgs_{image_id % 3 + 1}" / name)
        for person, box in zip(people, drawn.boxes, strict=True):
            rows.append({**_facet_row(rng, person, box, drawn.brightness), "filename": name})
    return rows


def _facet_row(rng: np.random.Generator, person: Person, box: Box, brightness: float) -> dict[str, Any]:
    """Return a person's annotations; columns that are not in it are 0."""
    left, top, right, bottom = box
    seen = person.presentation != "na"
    second = _SECOND_CLASS.get(person.occupation, "")
    row: dict[str, Any] = {
        "bounding_box": json.dumps({"x": left, "y": top, "width": right - left, "height": bottom - top}),
        "class1": person.occupation,
        "class2": second if second and chance(rng, 0.08) else "",
        f"gender_presentation_{person.presentation}": 1,
        f"age_presentation_{person.age}": 1,
        f"hair_color_{person.hair if person.style != 'bald' else 'na'}": 1,
        "hairtype_" + {"bald": "bald", "curly": "curly"}.get(person.style, _HAIR_TYPES.get(person.style, "na")): 1,
        "has_facial_hair": int(person.beard),
        "has_cap": int(person.hat),
        "has_eyeware": int(person.glasses and seen),
        "visible_torso": 1,
        "visible_face": int(seen),
    }
    if brightness < 0.7:
        row["lighting_underexposed"] = 1
    elif brightness < 0.85:
        row["lighting_dimly_lit"] = 1
    elif brightness < 1.15:
        row["lighting_well_lit"] = 1
    else:
        row["lighting_overexposed"] = 1
    # Three annotators, who mostly agree to within one step; of a person seen from behind, most cannot tell it.
    for _ in range(3):
        if chance(rng, 0.02 if seen else 0.75):
            column = "skin_tone_na"
        else:
            column = f"skin_tone_{min(10, max(1, person.tone + pick(rng, (-1, 0, 0, 0, 1))))}"
        row[column] = row.get(column, 0) + 1
    return row


def draw_fairface(
    seed: int, size: int, part: int = 0, count: int = FAIRFACE_IMAGES
) -> Iterator[tuple[Portrait, Image.Image]]:
    """Yield what `write_fairface` writes: each portrait's properties and its image.

    Parameters
    ----------
    seed : int
        The seed of the images.
    size : int
        Width and height of the images in pixels.
    part : int
        Which part is drawn.
    count : int
        How many portraits a part has.

    Yields
    ------
    tuple
        The portrait and its image, in the order of the file names.
    """
    rng = _stream(_FAIRFACE, seed, part)
    races = _spread(rng, RACES, count)
    genders = _spread(rng, GENDERS, count)
    ages = _spread(rng, AGE_RANGES, count)
    tones = _spread(rng, range(1, 11), count)
    for race, gender, age, tone in zip(races, genders, ages, tones, strict=True):
        portrait = invent_portrait(rng, race, gender, age, tone)
        yield portrait, paint_portrait(rng, portrait, size)


def write_fairface(root: Path, *, seed: int = 0, size: int = DEFAULT_SIZE, parts: int = 1) -> None:
    """Write `val/<n>.jpg` and `fairface_label_val.csv`.

    Parameters
    ----------
    root : Path
        The dataset's folder; created if it does not exist.
    seed : int
        The seed of the images.
    size : int
        Width and height of the images in pixels.
    parts : int
        How many parts are drawn.
    """
    (root / "val").mkdir(parents=True, exist_ok=True)
    drawn = call_all(_fairface_part, [(root, seed, size, part, FAIRFACE_IMAGES) for part in range(parts)])
    with (root / "fairface_label_val.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "age", "gender", "race", "service_test"))
        writer.writerows(row for part in drawn for row in part)


def _fairface_part(root: Path, seed: int, size: int, part: int, count: int) -> list[tuple[str, str, str, str, bool]]:
    """Draw the portraits of a part; return the row of each in the table of labels."""
    rows = []
    for number, (portrait, image) in enumerate(draw_fairface(seed, size, part, count), start=part * count + 1):
        name = f"val/{number}.jpg"
        _save(image, root / name)
        # The real file marks about half of its rows as fit for a service test.
        rows.append((name, portrait.age, portrait.gender, portrait.race, bool(number % 2)))
    return rows
