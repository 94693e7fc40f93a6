"""Reading annotation files: tables by column name with line numbers, JSON, and paths that stay inside the dataset."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from qbench.api import DataError


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of a CSV file, as text.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    columns : mapping of str to list of str
        The columns that were asked for.
    lines : list of int
        The line of the file that each row ends on; the header is line 1.
    """

    path: Path
    columns: Mapping[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        """Number of rows, the header not counted."""
        return len(self.lines)

    def where(self, row: int) -> str:
        """How a message names a row."""
        return f"{self.path}:row {self.lines[row]}"


def _text(path: Path, how_to_get: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise DataError("the file does not exist", where=str(path), fix=how_to_get) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start} is not UTF-8", where=str(path), fix="Save the file as UTF-8, or download it again."
        ) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=str(path)) from None


def read_lines(path: Path, *, how_to_get: str) -> list[str]:
    """Read the lines of a text file; empty ones at its end are left out.

    Raises
    ------
    DataError
        It is missing, not UTF-8, or empty.
    """
    lines = _text(path, how_to_get).rstrip().splitlines()
    if not lines:
        raise DataError("the file is empty", where=str(path), fix=how_to_get)
    return lines


def read_table(path: Path, columns: Iterable[str], *, how_to_get: str) -> Table:
    """Read the named columns of a CSV file, whatever their order.

    Raises
    ------
    DataError
        The file is missing, not UTF-8, empty or no CSV; a column is missing or occurs twice; a row has another number
        of fields than the header.
    """
    lines = csv.reader(io.StringIO(_text(path, how_to_get)), strict=True)
    wanted = list(columns)
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        header = [name.strip() for name in next(lines, [])]
        if not header:
            raise DataError("the file is empty", where=str(path), fix=how_to_get)
        places = _places(header, wanted, path)
        for row in lines:
            if not row:
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{len(row)} fields, where the header has {len(header)}", where=f"{path}:row {lines.line_num}"
                )
            rows.append([row[place] for place in places])
            numbers.append(lines.line_num)
    except csv.Error as error:
        raise DataError(f"this is no valid CSV: {error}", where=f"{path}:row {lines.line_num}") from None
    if not rows:
        raise DataError("the file has a header and no rows", where=str(path), fix=how_to_get)
    return Table(path=path, columns={w: [row[i] for row in rows] for i, w in enumerate(wanted)}, lines=numbers)


def _places(header: list[str], wanted: list[str], path: Path) -> list[int]:
    missing = [name for name in wanted if name not in header]
    if missing:
        raise DataError(
            f"the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} "
            f"missing; there are {', '.join(header[:60])}",
            where=f"{path}:row 1",
        )
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise DataError(f"the column {twice[0]} occurs twice", where=f"{path}:row 1")
    return [header.index(name) for name in wanted]


def read_json(path: Path, *, how_to_get: str) -> dict[str, Any]:
    """Read a JSON file whose outermost value is an object.

    Raises
    ------
    DataError
        It is missing, not UTF-8, or no such JSON.
    """
    content = read_json_value(path, how_to_get=how_to_get)
    if not isinstance(content, dict):
        raise DataError("the outermost value is no JSON object", where=str(path), fix=how_to_get)
    return content


def read_json_value(path: Path, *, how_to_get: str) -> Any:
    """Read a JSON file, whatever its outermost value; raises as `read_json` does."""
    try:
        return json.loads(_text(path, how_to_get))
    except json.JSONDecodeError as error:
        raise DataError(
            f"this is no valid JSON: {error.msg}", where=f"{path}:row {error.lineno}", fix=how_to_get
        ) from None


def unique(values: Iterable[object], what: str, *, table: Table) -> None:
    """Refuse a value that occurs twice in a column.

    Raises
    ------
    DataError
        Naming both rows.
    """
    seen: dict[object, int] = {}
    for row, value in enumerate(values):
        if value in seen:
            raise DataError(
                f"the {what} {value} was there before, in row {table.lines[seen[value]]}", where=table.where(row)
            )
        seen[value] = row


def relative(name: str, where: str) -> PurePosixPath:
    """Check a picture's name from an annotation file: a path that stays below the dataset's folder.

    Raises
    ------
    DataError
        It is empty, absolute, or leads out of the folder.
    """
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if not name.strip() or "\0" in name:
        raise DataError("the picture has no usable file name", where=where)
    if path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise DataError(
            f"the picture {name!r} lies outside the dataset's folder",
            where=where,
            fix="Picture names are relative to the dataset's folder and do not leave it.",
        )
    return path
