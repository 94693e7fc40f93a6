"""Reading annotation files: tables by column name with row numbers, JSON, and paths that stay inside the dataset."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import numpy.typing as npt

from qbench.errors import DataError

MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(rf"\d{{1,4}}[-/. ]{MONTH}\.?|{MONTH}[-/. ]\d{{1,4}}|\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}.*", re.I)
SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d{2,}")


@dataclass(frozen=True, kw_only=True)
class AnnotationTable:
    """Columns of a table, as text.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    columns : mapping of str to list of str
        The columns that were asked for.
    lines : list of int
        What a message calls each row: the line of a CSV file that it ends on (the header is line 1), or the number of
        a row of a Parquet file, from 1.
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


def is_spreadsheet_date(text: str) -> bool:
    """Whether a cell is what a spreadsheet makes of a range such as ``3-9``: a date."""
    return DATE.fullmatch(text.strip()) is not None


def is_spreadsheet_number(text: str) -> bool:
    """Whether a cell is what a spreadsheet makes of a long number: ``1.23E+15``, its digits lost."""
    return SCIENTIFIC.fullmatch(text.strip()) is not None


def cell_text(value: object) -> str:
    """How a cell reads as text: ``3`` and ``3.0`` are ``3``, an empty one (or NaN) is the empty text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


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


def read_csv(path: Path, columns: Iterable[str], *, how_to_get: str) -> AnnotationTable:
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
    return AnnotationTable(
        path=path, columns={w: [row[i] for row in rows] for i, w in enumerate(wanted)}, lines=numbers
    )


def read_parquet(path: Path, columns: Iterable[str], *, how_to_get: str) -> AnnotationTable:
    """Read the named columns of a Parquet file, as text (see `cell_text`).

    Raises
    ------
    DataError
        The file is missing, no Parquet or without a row; a column is missing or occurs twice.
    """
    import pyarrow as pa
    from pyarrow import parquet

    wanted = list(columns)
    try:
        with parquet.ParquetFile(path) as file:
            _places(file.schema_arrow.names, wanted, path)
            content = file.read(columns=wanted).to_pydict()
    except FileNotFoundError:
        raise DataError("the file does not exist", where=str(path), fix=how_to_get) from None
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"this is no valid Parquet file: {reason}", where=str(path), fix=how_to_get) from None
    found = {name: [cell_text(value) for value in content[name]] for name in wanted}
    rows = len(found[wanted[0]]) if wanted else 0
    if not rows:
        raise DataError("the file has no rows", where=str(path), fix=how_to_get)
    return AnnotationTable(path=path, columns=found, lines=list(range(1, rows + 1)))


def whole_numbers(table: AnnotationTable, names: Sequence[str], most: int | None = None) -> npt.NDArray[np.int64]:
    """Columns of counts, ``(n, len(names))``; ``2`` and ``2.0`` are the same.

    Raises
    ------
    DataError
        A cell is no whole number from 0 (to `most`).
    """
    values = np.zeros((len(table), len(names)), dtype=np.int64)
    for column, name in enumerate(names):
        for row, text in enumerate(table.columns[name]):
            try:
                number = float(text)
            except ValueError:
                number = math.nan
            if not (number >= 0 and number.is_integer() and (most is None or number <= most)):
                wanted = "0 or 1" if most == 1 else "a count of votes"
                raise DataError(f"{name} is {text!r}, not {wanted}", where=table.where(row))
            values[row, column] = int(number)
    return values


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


def check_unique(values: Iterable[object], what: str, *, table: AnnotationTable) -> None:
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


def relative_path(name: str, where: str) -> PurePosixPath:
    """Check an image's name from an annotation file: a path that stays below the dataset's folder.

    Raises
    ------
    DataError
        It is empty, absolute, or leads out of the folder.
    """
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if not name.strip() or "\0" in name:
        raise DataError("the image has no usable file name", where=where)
    if path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise DataError(
            f"the image {name!r} lies outside the dataset's folder",
            where=where,
            fix="Image names are relative to the dataset's folder and do not leave it.",
        )
    return path
