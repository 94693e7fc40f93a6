"""FACET's annotations: one row a person, with its box, its classes and its groups."""

from __future__ import annotations

import ast
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError, PictureRef
from qbench_benchmarks import FACET
from qbench_benchmarks.facet_classes import CLASSES
from qbench_benchmarks.facet_groups import (
    AGE_COLUMNS,
    AGES,
    GENDER_COLUMNS,
    GENDERS,
    TONES,
    chosen,
    mean_tone,
    other_cuts,
    skin_tones,
)
from qbench_benchmarks.files import Table, read_table, relative, unique
from qbench_benchmarks.options import FacetOptions

COLUMNS = ("person_id", "filename", "class1", "class2", "bounding_box", *GENDER_COLUMNS, *AGE_COLUMNS, *TONES)
Box = tuple[float, float, float, float]


def read_persons(root: Path, options: FacetOptions) -> tuple[pd.DataFrame, tuple[PictureRef, ...], Path]:
    """Read ``annotations/annotations.csv``.

    Returns
    -------
    table : pandas.DataFrame
        ``item``, ``picture``, ``label``, ``label2`` (empty for none), ``gender``, ``age``, ``skin_tone``, ``image``; a
        column for each cut that was not chosen, if wanted; the ten vote counts and ``tone_mean`` (NaN for none).
    pictures : tuple of PictureRef
        What the models see: boxes or whole pictures.
    path : pathlib.Path
        The file that was read.
    """
    path = root / "annotations" / "annotations.csv"
    persons = read_table(path, COLUMNS, how_to_get=FACET.how_to_get)
    unique(persons.columns["person_id"], "person_id", table=persons)
    _check_classes(persons)
    gender = chosen(_whole_numbers(persons, GENDER_COLUMNS, most=1), GENDERS)
    age = chosen(_whole_numbers(persons, AGE_COLUMNS, most=1), AGES)
    votes = _whole_numbers(persons, TONES)
    images = _images(persons, root)
    keep: Sequence[int] = range(len(persons))
    if options.persons == "single":
        crowd, second = Counter(images), persons.columns["class2"]
        keep = [row for row in keep if crowd[images[row]] == 1 and not second[row]]
        if not keep:
            raise DataError("no person is alone in its picture with one class (persons = 'single')", where=str(path))
    refs: dict[PictureRef, int] = {}
    picture: list[int] = []
    for row in keep:
        where = persons.where(row)
        box = _box(persons.columns["bounding_box"][row], where) if options.picture == "crop" else None
        picture.append(refs.setdefault(PictureRef(root / images[row], box, where), len(refs)))
    columns = {
        "item": persons.columns["person_id"],
        "label": persons.columns["class1"],
        "label2": persons.columns["class2"],
        "gender": gender,
        "age": age,
        "skin_tone": skin_tones(votes, options.skin_cut),
        "image": images,
    }
    if options.other_cuts:
        columns |= {a.name: skin_tones(votes, cut) for cut, a in other_cuts(options.skin_cut).items()}
    table = pd.DataFrame({name: [values[row] for row in keep] for name, values in columns.items()}, dtype="str")
    kept = votes[np.asarray(keep, dtype=np.int64)]
    numbers = pd.DataFrame(kept, columns=list(TONES)).assign(tone_mean=mean_tone(kept))
    return (
        pd.concat([table, numbers], axis=1).assign(picture=np.array(picture, dtype=np.int64)),
        tuple(refs),
        path,
    )


def _check_classes(persons: Table) -> None:
    known = {*CLASSES}
    for row, (first, second) in enumerate(zip(persons.columns["class1"], persons.columns["class2"], strict=True)):
        for name in (first, second) if second else (first,):
            if name not in known:
                raise DataError(
                    f"the class {name!r} is none of FACET's 52",
                    where=persons.where(row),
                    fix="Classes are spelled as in the original file, such as basketball_player.",
                )


def _whole_numbers(persons: Table, names: Sequence[str], most: int | None = None) -> npt.NDArray[np.int64]:
    """Columns of counts, ``(n, len(names))``; ``2`` and ``2.0`` are the same."""
    values = np.zeros((len(persons), len(names)), dtype=np.int64)
    for column, name in enumerate(names):
        for row, text in enumerate(persons.columns[name]):
            try:
                number = float(text)
            except ValueError:
                number = math.nan
            if not (number >= 0 and number.is_integer() and (most is None or number <= most)):
                wanted = "0 or 1" if most == 1 else "a count of votes"
                raise DataError(f"{name} is {text!r}, not {wanted}", where=persons.where(row))
            values[row, column] = int(number)
    return values


def _images(persons: Table, root: Path) -> list[str]:
    """Path of each person's picture below `root`: where a file of that name is, else where it is missing from."""
    folders = sorted(path.name for path in root.glob("imgs*") if path.is_dir())
    lies_in: dict[str, str] = {}
    for folder in folders:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                lies_in.setdefault(entry.name, folder)
    images = []
    for row, name in enumerate(persons.columns["filename"]):
        path = relative(name, persons.where(row))
        if len(path.parts) > 1:
            images.append(path.as_posix())
        else:
            images.append(f"{lies_in.get(name, 'imgs_1')}/{name}")
    return images


def _box(text: str, where: str) -> Box:
    """Parse a box: a dict in text, quoted as JSON or as Python does; cut to what lies right of and below 0."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        try:
            content = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            content = None
    try:
        x, y, width, height = (float(content[name]) for name in ("x", "y", "width", "height"))
    except (TypeError, KeyError, ValueError):
        raise DataError(
            f"the bounding box {text[:80]!r} is no dict with the numbers x, y, width and height", where=where
        ) from None
    left, top = max(x, 0.0), max(y, 0.0)
    box = (left, top, x + width - left, y + height - top)
    if not all(math.isfinite(v) for v in box) or box[2] <= 0 or box[3] <= 0:
        raise DataError(f"the bounding box {text[:80]!r} is empty", where=where)
    return box
