"""FairFace's labels: one row per face, with what the annotators saw in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qbench.api import Attribute, DataError, FolderSource, ImageLocation, Items
from qbench.api.benchmarks import AnnotationTable, check_unique, is_spreadsheet_date, read_csv, relative_path
from qbench_benchmarks import FAIRFACE
from qbench_benchmarks.crossed import with_crossed

ATTRIBUTES = (
    Attribute(
        name="race",
        groups=("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"),
    ),
    Attribute(name="gender", groups=("Male", "Female")),
    Attribute(
        name="age",
        groups=("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"),
    ),
)


def read_faces(root: Path, crossings: Sequence[Attribute], choices: dict[str, str]) -> Items:
    """Read ``fairface_label_val.csv``.

    Parameters
    ----------
    root : pathlib.Path
        The dataset's folder.
    crossings : sequence of Attribute
        Intersections, see `qbench_benchmarks.crossed`; each becomes a column.
    choices : dict of str to str
        What the benchmark chose, in words.

    Raises
    ------
    DataError
        The file is missing or malformed, a label is unknown, or an image is named twice.
    """
    names = [attribute.name for attribute in ATTRIBUTES]
    path = root / "fairface_label_val.csv"
    labels = read_csv(path, ["file", *names], how_to_get=FAIRFACE.how_to_get)
    files = [relative_path(name, labels.where(i)).as_posix() for i, name in enumerate(labels.columns["file"])]
    check_unique(files, "image", table=labels)
    for attribute in ATTRIBUTES:
        _check(labels, attribute)
    columns = {name: labels.columns[name] for name in names}
    table = pd.DataFrame({"item": files, "label": [""] * len(files), "image": files, **columns}, dtype="str")
    source = FolderSource(root)
    return Items(
        table=with_crossed(table, ATTRIBUTES, crossings).assign(image_index=np.arange(len(files), dtype=np.int64)),
        images=tuple(ImageLocation(source, file, row=labels.where(i)) for i, file in enumerate(files)),
        root=root,
        attributes=(*ATTRIBUTES, *crossings),
        annotations=(path,),
        choices=choices,
    )


def _check(labels: AnnotationTable, attribute: Attribute) -> None:
    for row, value in enumerate(labels.columns[attribute.name]):
        if value in attribute.groups:
            continue
        if attribute.name == "age" and is_spreadsheet_date(value):
            raise DataError(
                f"the age {value!r} is a date: a spreadsheet has turned an age range such as 3-9 into one",
                where=labels.where(row),
                fix="Download the file again and do not save it from a spreadsheet.",
            )
        raise DataError(
            f"the {attribute.name} {value!r} is not one of {', '.join(attribute.groups)}", where=labels.where(row)
        )
