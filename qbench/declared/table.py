"""From the table of a declared dataset to its items; images are named, not opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from qbench.data.boxes import Box, clip_box, parse_box
from qbench.data.items import Attribute
from qbench.data.tables import AnnotationTable, check_unique, read_csv, read_parquet, relative_path
from qbench.declared.answers import answer_columns, asked_columns
from qbench.declared.groups import columns_of, groups_of
from qbench.declared.protocols import ASKING, RETRIEVAL
from qbench.declared.schema import Corners, Description, Sides, TableSpec
from qbench.errors import DataError
from qbench.images.locations import ImageLocation
from qbench.images.sources.files import FolderSource

SECOND = "label{}"
"""The name of the columns with further correct classes: ``label2``, ``label3``, …"""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The items of a table.

    Attributes
    ----------
    table : pandas.DataFrame
        ``item``, ``label``, ``label2`` …, ``image``, one column per attribute, ``image_index``; where each item has a
        question of its own, ``label`` is empty, and there are the columns of `qbench.declared.answers.asked_columns`.
    images : tuple of ImageLocation
        The distinct images (or boxes of them).
    path : pathlib.Path
        The file that was read.
    unused, unlabelled : int
        Number of rows that `TableSpec.keep` leaves out, and of those without a group to compare that are left out.
    """

    table: pd.DataFrame
    images: tuple[ImageLocation, ...]
    path: Path
    unused: int
    unlabelled: int


def read_rows(description: Description, attributes: Sequence[Attribute], root: Path) -> Rows:
    """Read and check the table below `root`.

    Raises
    ------
    DataError
        The file is missing or malformed, or a cell has a wrong value; the message names file and row.
    """
    spec = description.table
    path = root / relative_path(spec.file, "table.file")
    whole = _read(path, _columns(description), description.how_to_get)
    kept = _kept(spec, whole)
    table = _take(whole, kept)
    groups = {name: groups_of(name, a, table) for name, a in description.attributes.items()}
    labelled = _labelled(description, attributes, groups, table)
    table = _take(table, labelled)
    groups = {name: [values[row] for row in labelled] for name, values in groups.items()}

    source = FolderSource(root)
    images = _images(spec, table, source)
    names = table.columns[spec.id] if spec.id else images
    check_unique(names, spec.id or "image", table=table)
    _not_empty(names, spec.id or spec.image, table)
    asking = description.protocol in ASKING
    asked = asked_columns(spec, table) if asking else {}
    labels = table.columns[spec.label] if spec.label and not asking else [""] * len(table)
    if spec.label and not asking:
        _known_classes(description, table)
    locations: dict[ImageLocation, int] = {}
    boxes = _boxes(spec, table)
    index = [
        locations.setdefault(ImageLocation(source, image, boxes[row], table.where(row)), len(locations))
        for row, image in enumerate(images)
    ]
    second = {SECOND.format(i): table.columns[column] for i, column in enumerate(spec.also_right, start=2)}
    frame = pd.DataFrame({"item": names, "label": labels, **second, "image": images, **groups, **asked}, dtype="str")
    return Rows(
        table=frame.assign(image_index=np.array(index, dtype=np.int64)),
        images=tuple(locations),
        path=path,
        unused=len(whole) - len(kept),
        unlabelled=len(kept) - len(labelled),
    )


def _columns(description: Description) -> list[str]:
    spec = description.table
    columns = [spec.image, spec.id, spec.label, *spec.also_right, *spec.keep, *answer_columns(spec)]
    if isinstance(spec.box, str):
        columns.append(spec.box)
    else:
        columns += spec.box.model_dump().values()
    for name, attribute in description.attributes.items():
        columns += columns_of(name, attribute)
    return [column for column in dict.fromkeys(columns) if column]


def _read(path: Path, columns: list[str], how_to_get: str) -> AnnotationTable:
    read = read_parquet if path.suffix.lower() == ".parquet" else read_csv
    return read(path, columns, how_to_get=how_to_get)


def _take(table: AnnotationTable, rows: Sequence[int]) -> AnnotationTable:
    return AnnotationTable(
        path=table.path,
        columns={name: [values[row] for row in rows] for name, values in table.columns.items()},
        lines=[table.lines[row] for row in rows],
    )


def _kept(spec: TableSpec, table: AnnotationTable) -> list[int]:
    kept = [
        row
        for row in range(len(table))
        if all(table.columns[column][row] in values for column, values in spec.keep.items())
    ]
    if not kept:
        wanted = "; ".join(f"{column} = {', '.join(values)}" for column, values in spec.keep.items())
        raise DataError(
            f"none of the {len(table)} rows is one to keep ({wanted})",
            where=str(table.path),
            fix="This may be the table of another split; or mend table.keep in the description.",
        )
    return kept


def _labelled(
    description: Description, attributes: Sequence[Attribute], groups: dict[str, list[str]], table: AnnotationTable
) -> list[int]:
    """The rows that are used; refuses one without a group where every item has to have one."""
    rank = description.protocol == RETRIEVAL
    if not rank and not description.table.leave_out_unlabelled:
        return list(range(len(table)))
    rows = []
    for row in range(len(table)):
        without = [a.name for a in attributes if groups[a.name][row] not in a.groups]
        if not without:
            rows.append(row)
        elif not description.table.leave_out_unlabelled:
            name = without[0]
            raise DataError(
                f"the {name} is {groups[name][row]!r}, no group to compare, and retrieval-skew ranks every item",
                where=table.where(row),
                fix="Set leave_out_unlabelled = true in [table]: such items are then left out, and counted.",
            )
    if not rows:
        raise DataError("no row has a group to compare in every attribute", where=str(table.path))
    return rows


def _not_empty(values: Sequence[str], column: str, table: AnnotationTable) -> None:
    for row, value in enumerate(values):
        if not value.strip():
            raise DataError(f"{column} is empty", where=table.where(row))


def _known_classes(description: Description, table: AnnotationTable) -> None:
    """Refuse an empty label, and one that is not one of the candidates where they are listed."""
    spec, prompts = description.table, description.prompts
    _not_empty(table.columns[spec.label], spec.label, table)
    known = prompts.classes or list(prompts.names)
    for column in (spec.label, *spec.also_right) if known else ():
        for row, value in enumerate(table.columns[column]):
            if value not in known and (value or column == spec.label):
                raise DataError(
                    f"the class {value!r} is not one of {', '.join(known[:20])}{', …' if len(known) > 20 else ''}",
                    where=table.where(row),
                    fix="The candidates are those of prompts.classes or prompts.names in the description.",
                )


def _images(spec: TableSpec, table: AnnotationTable, source: FolderSource) -> list[str]:
    """The key of each row's image: in the first folder that has it, or in the first folder if it is missing."""
    folders = [relative_path(folder, "table.folder") for folder in spec.folder]
    there = [source.keys(folder.as_posix()) if len(folders) > 1 else set() for folder in folders]
    images = []
    for row, name in enumerate(table.columns[spec.image]):
        if not name.strip():
            raise DataError(f"{spec.image} is empty", where=table.where(row))
        path = relative_path(name + spec.suffix, table.where(row))
        held = (folder for folder, files in zip(folders, there, strict=True) if path.as_posix() in files)
        images.append((next(held, folders[0]) / path).as_posix())
    return images


def _boxes(spec: TableSpec, table: AnnotationTable) -> list[Box | None]:
    if spec.box == "":
        return [None] * len(table)
    if isinstance(spec.box, str):
        return [parse_box(text, table.where(row)) for row, text in enumerate(table.columns[spec.box])]
    columns = list(spec.box.model_dump().values())
    return [
        _box(spec.box, [table.columns[column][row] for column in columns], columns, table.where(row))
        for row in range(len(table))
    ]


def _box(kind: Sides | Corners, texts: list[str], columns: list[str], where: str) -> Box:
    numbers = []
    for column, text in zip(columns, texts, strict=True):
        try:
            numbers.append(float(text))
        except ValueError:
            raise DataError(f"{column} is {text!r}, not a number of pixels", where=where) from None
    x, y, width, height = numbers
    if isinstance(kind, Corners):
        width, height = width - x, height - y
    return clip_box(x, y, width, height, text=", ".join(texts), where=where)
