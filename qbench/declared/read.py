"""Reading a ``dataset.toml``: the file, and a whole `Description` of it, with messages that name file and key."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qbench.errors import DataError
from qbench.plugins.options import with_present_names
from qbench.store.files import parse_toml, text_of

if TYPE_CHECKING:
    from qbench.declared.schema import Description

FILE: Final = "dataset.toml"
WORDS = ("summary", "citation", "how_to_get", "note", "licence", "perceived", "items")
"""Keys that do not decide any number."""
FORMER_IN_TABLE = {"picture": "image"}
"""Former name → present name of keys in ``[table]``."""


def find(place: Path) -> Path:
    """The description at a place: the file `place` itself, or the ``dataset.toml`` in the folder `place`.

    Raises
    ------
    DataError
        There is no such file.
    """
    path = place / FILE if place.is_dir() else place
    if not path.is_file():
        raise DataError(
            "this is not a regular file" if path.exists() else "the file does not exist",
            where=str(path),
            fix=f"Name a folder with a {FILE} in it, or such a file; docs/datasets.md describes its content.",
        )
    return path


def read_raw(path: Path) -> dict[str, Any]:
    """The content of the file, unchecked, with present names in place of former ones. Light: it needs no pydantic.

    Raises
    ------
    DataError
        It is not UTF-8 text or not TOML, or it is a spec or a policy.
    InputError
        It has both the former and the present name of one key.
    """
    raw = _parsed(path)
    if isinstance(raw.get("table"), dict):
        raw["table"] = with_present_names(raw["table"], FORMER_IN_TABLE, where=f"{path}: table")
    return raw


def _parsed(path: Path) -> dict[str, Any]:
    try:
        text = text_of(path)
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} is not UTF-8", where=str(path), fix="Save the file as UTF-8.") from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=str(path)) from None
    return parse_toml(text, where=str(path), error=DataError, kind=FILE)


def read_description(path: Path) -> Description:
    """Read and check a file.

    Raises
    ------
    DataError
        The file cannot be read, or has an unknown key or a wrong value; the message names all of them.
    """
    return checked(read_raw(path), path)


def checked(raw: dict[str, Any], path: Path) -> Description:
    """The content of a file as a `Description`; raises `DataError` as `read_description` does."""
    from pydantic import ValidationError

    from qbench.declared.schema import Description
    from qbench.toml_errors import explain

    try:
        return Description.model_validate(raw)
    except ValidationError as error:
        raise DataError(explain(error, Description, "the description"), where=str(path)) from None


def digest(raw: dict[str, Any]) -> str:
    """A hash (12 hexadecimal digits) of everything in the file that could decide a number."""
    content = json.dumps({k: v for k, v in raw.items() if k not in WORDS}, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]
