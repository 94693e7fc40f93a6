"""FACET's annotations: one row per person, with box, classes and groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qbench.api import DataError, FolderSource, ImageLocation
from qbench.api.benchmarks import (
    AnnotationTable,
    check_unique,
    flagged_group,
    mean_vote,
    parse_box,
    read_csv,
    relative_path,
    whole_numbers,
)
from qbench_benchmarks import FACET
from qbench_benchmarks.facet_classes import CLASSES
from qbench_benchmarks.facet_groups import (
    AGE_COLUMNS,
    AGES,
    GENDER_COLUMNS,
    GENDERS,
    TONES,
    other_cuts,
    skin_tones,
)
from qbench_benchmarks.options import FacetOptions

COLUMNS = ("person_id", "filename", "class1", "class2", "bounding_box", *GENDER_COLUMNS, *AGE_COLUMNS, *TONES)


def read_persons(root: Path, options: FacetOptions) -> tuple[pd.DataFrame, tuple[ImageLocation, ...], Path]:
    """Read ``annotations/annotations.csv``.

    Returns
    -------
    table : pandas.DataFrame
        ``item``, ``image``, ``image_index``, ``label``, ``label2`` (empty for none), ``gender``, ``age``,
        ``skin_tone``; with ``other_cuts`` one column per cut that was not chosen; the ten vote counts and ``tone_mean``
        (NaN without votes).
    images : tuple of ImageLocation
        The distinct boxes or whole images.
    path : pathlib.Path
        The file that was read.
    """
    path = root / "annotations" / "annotations.csv"
    persons = read_csv(path, COLUMNS, how_to_get=FACET.how_to_get)
    check_unique(persons.columns["person_id"], "person_id", table=persons)
    _check_classes(persons)
    gender = flagged_group(whole_numbers(persons, GENDER_COLUMNS, most=1), GENDERS)
    age = flagged_group(whole_numbers(persons, AGE_COLUMNS, most=1), AGES)
    votes = whole_numbers(persons, TONES)
    source = FolderSource(root)
    images = _images(persons, source)
    keep: Sequence[int] = range(len(persons))
    if options.persons == "single":
        crowd, second = Counter(images), persons.columns["class2"]
        keep = [row for row in keep if crowd[images[row]] == 1 and not second[row]]
        if not keep:
            raise DataError("no person is alone in its image with one class (persons = 'single')", where=str(path))
    locations: dict[ImageLocation, int] = {}
    index: list[int] = []
    for row in keep:
        where = persons.where(row)
        box = parse_box(persons.columns["bounding_box"][row], where) if options.image == "crop" else None
        index.append(locations.setdefault(ImageLocation(source, images[row], box, where), len(locations)))
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
    numbers = pd.DataFrame(kept, columns=list(TONES)).assign(tone_mean=mean_vote(kept))
    return (
        pd.concat([table, numbers], axis=1).assign(image_index=np.array(index, dtype=np.int64)),
        tuple(locations),
        path,
    )


def _check_classes(persons: AnnotationTable) -> None:
    known = {*CLASSES}
    for row, (first, second) in enumerate(zip(persons.columns["class1"], persons.columns["class2"], strict=True)):
        for name in (first, second) if second else (first,):
            if name not in known:
                raise DataError(
                    f"the class {name!r} is not one of FACET's 52",
                    where=persons.where(row),
                    fix="Classes are spelled as in the original file, such as basketball_player.",
                )


def _images(persons: AnnotationTable, source: FolderSource) -> list[str]:
    """The key of each person's image: in the first folder that has it, or in ``imgs_1`` if it is missing."""
    folder_of: dict[str, str] = {}
    for folder in sorted(path.name for path in source.root.glob("imgs*") if path.is_dir()):
        for name in source.keys(folder):
            folder_of.setdefault(name, folder)
    images = []
    for row, name in enumerate(persons.columns["filename"]):
        path = relative_path(name, persons.where(row))
        if len(path.parts) > 1:
            images.append(path.as_posix())
        else:
            images.append(f"{folder_of.get(name, 'imgs_1')}/{name}")
    return images
