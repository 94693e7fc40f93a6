"""Reading annotation files: tables by column name with row numbers, and paths that stay inside the dataset's folder."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import DataError
from qbench.store.files import open_file, text_of

MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE = re.compile(rf"\d{{1,4}}[-/. ]{MONTH}\.?|{MONTH}[-/. ]\d{{1,4}}|\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}.*", re.I)
SHOWN = 40
"""Bytes of a text that is not UTF-8 that a message shows."""
ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!"))
"""What a spreadsheet writes where a formula has no value."""
SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d{2,}")


@dataclass(frozen=True, kw_only=True)
class AnnotationTable:
    """Columns of a table, as text.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    columns : mapping of str to list of str
        The requested columns.
    lines : list of int
        The number of each row in messages: for a CSV file the line on which the row ends (the header is line 1), for a
        Parquet file the number of the row from 1.
    """

    path: Path
    columns: Mapping[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        """The number of rows, without the header."""
        return len(self.lines)

    def where(self, row: int) -> str:
        """The place of a row (from 0) for messages: ``labels.csv:row 3``."""
        return f"{self.path}:row {self.lines[row]}"


def is_spreadsheet_date(text: str) -> bool:
    """Whether a cell is a date, into which spreadsheets turn ranges such as ``3-9``.

    Examples
    --------
    >>> is_spreadsheet_date("9-Mar"), is_spreadsheet_date("3-9")
    (True, False)
    """
    return DATE.fullmatch(text.strip()) is not None


def is_spreadsheet_error(text: str) -> bool:
    """Whether a cell says that a formula of a spreadsheet has no value, such as ``#N/A``."""
    return text.strip().upper() in ERRORS


def is_spreadsheet_number(text: str) -> bool:
    """Whether a cell is a rounded number such as ``1.23E+15``, into which spreadsheets turn long numbers."""
    return SCIENTIFIC.fullmatch(text.strip()) is not None


def cell_text(value: object) -> str:
    """A cell as text: ``3`` and ``3.0`` become ``3``, and an empty cell (or NaN) becomes the empty text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _text(path: Path, how_to_get: str) -> str:
    try:
        return text_of(path)
    except FileNotFoundError:
        raise DataError("the file does not exist", where=str(path), fix=how_to_get) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start} is not UTF-8", where=str(path), fix="Save the file as UTF-8, or download it again."
        ) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=str(path)) from None


def read_lines(path: Path, *, how_to_get: str) -> list[str]:
    """Read the lines of a text file, without empty lines at its end.

    Raises
    ------
    DataError
        The file is missing, not UTF-8, or empty. Its advice is `how_to_get`, which says where the file comes from.
    """
    lines = _text(path, how_to_get).rstrip().splitlines()
    if not lines:
        raise DataError("the file is empty", where=str(path), fix=how_to_get)
    return lines


def read_csv(path: Path, columns: Iterable[str], *, how_to_get: str) -> AnnotationTable:
    """Read the named columns of a CSV file, in whatever order the file has them.

    Parameters
    ----------
    path : pathlib.Path
        The file: UTF-8, with commas and a header.
    columns : iterable of str
        The columns to read.
    how_to_get : str
        Where the file comes from: the advice of the error if it is missing.

    Raises
    ------
    DataError
        The file is missing, not UTF-8, empty or not CSV; a column is missing or occurs twice; a row does not have as
        many fields as the header.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("file,label,note\\n1.jpg,cat,\\n2.jpg,dog,blurred\\n")
    ...     table = read_csv(path, ["label", "file"], how_to_get="")
    >>> len(table), table.columns["label"], table.lines
    (2, ['cat', 'dog'], [2, 3])
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
                    f"the row has {len(row)} fields, but the header has {len(header)}",
                    where=f"{path}:row {lines.line_num}",
                )
            rows.append([row[place] for place in places])
            numbers.append(lines.line_num)
    except csv.Error as error:
        raise DataError(f"this is not valid CSV: {error}", where=f"{path}:row {lines.line_num}") from None
    if not rows:
        raise DataError("the file has a header but no rows", where=str(path), fix=how_to_get)
    return AnnotationTable(
        path=path, columns={w: [row[i] for row in rows] for i, w in enumerate(wanted)}, lines=numbers
    )


def read_parquet(path: Path, columns: Iterable[str], *, how_to_get: str) -> AnnotationTable:
    """Read the named columns of a Parquet file as text (see `cell_text`); the parameters are those of `read_csv`.

    Raises
    ------
    DataError
        The file is missing, not Parquet or has no rows; a column is missing or occurs twice, or holds something else
        than texts, numbers, dates, or true and false.
    """
    import pyarrow as pa
    from pyarrow import parquet

    wanted = list(columns)
    try:
        with open_file(path) as opened, parquet.ParquetFile(opened) as file:
            _places(file.schema_arrow.names, wanted, path)
            for name in wanted:
                _check_plain(name, file.schema_arrow.field(name).type, path)
            content = file.read(columns=wanted).to_pydict()
    except FileNotFoundError:
        raise DataError("the file does not exist", where=str(path), fix=how_to_get) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"a text in it is not UTF-8 ({error.object[:SHOWN]!r})",
            where=str(path),
            fix="Write the file again with its texts as UTF-8, or get it again.",
        ) from None
    except (OSError, pa.ArrowException, ValueError, OverflowError) as error:  # a date beyond what Python has, for one
        reason = str(error).partition("\n")[0]
        raise DataError(f"this is not a valid Parquet file: {reason}", where=str(path), fix=how_to_get) from None
    found = {name: [cell_text(value) for value in content[name]] for name in wanted}
    rows = len(found[wanted[0]]) if wanted else 0
    if not rows:
        raise DataError("the file has no rows", where=str(path), fix=how_to_get)
    return AnnotationTable(path=path, columns=found, lines=list(range(1, rows + 1)))


def whole_numbers(table: AnnotationTable, names: Sequence[str], most: int | None = None) -> npt.NDArray[np.int64]:
    """Columns of counts as ``(n, len(names))`` int64; ``2`` and ``2.0`` are the same number.

    Parameters
    ----------
    table : AnnotationTable
        The table.
    names : sequence of str
        Its columns.
    most : int, optional
        The largest number that is allowed.

    Raises
    ------
    DataError
        A cell is not a whole number from 0 (to `most`).
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


def _check_plain(name: str, kind: Any, path: Path) -> None:
    """Refuse a column whose cells have no text of their own, such as images or lists."""
    from pyarrow import types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    plain = (
        *(types.is_string, types.is_large_string, types.is_string_view, types.is_integer, types.is_floating),
        *(types.is_boolean, types.is_decimal, types.is_temporal, types.is_null),
    )
    if not any(check(inner) for check in plain):
        shown = f"{kind}" if len(str(kind)) < 80 else f"{str(kind)[:80]}…"
        raise DataError(
            f"the column {name!r} is of the type {shown}, not of texts or numbers",
            where=str(path),
            fix="Save images as files, and name the files in this column."
            if types.is_nested(kind) or "binary" in shown
            else "",
        )


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
    """Refuse duplicate values.

    Parameters
    ----------
    values : iterable
        One value per row.
    what : str
        What the values are, for the message.
    table : AnnotationTable
        The table of the rows.

    Raises
    ------
    DataError
        A value occurs twice; the message names both rows.
    """
    seen: dict[object, int] = {}
    for row, value in enumerate(values):
        if value in seen:
            raise DataError(
                f"the {what} {value} occurs already in row {table.lines[seen[value]]}", where=table.where(row)
            )
        seen[value] = row


def relative_path(name: str, where: str) -> PurePosixPath:
    """Check the name of an image in an annotation file: it has to be a path below the dataset's folder.

    Parameters
    ----------
    name : str
        The name.
    where : str
        Its place, such as ``labels.csv:row 3``, for the message.

    Raises
    ------
    DataError
        The name is empty or absolute, or leads out of the folder.

    Examples
    --------
    >>> relative_path("val/1.jpg", "labels.csv:row 2").as_posix()
    'val/1.jpg'
    """
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if not name.strip() or "\0" in name:
        raise DataError("the image has no usable file name", where=where)
    if path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise DataError(
            f"the image {name!r} lies outside the dataset's folder",
            where=where,
            fix="Image names have to be paths below the dataset's folder.",
        )
    return path
