"""Whether the files of a run folder are those that were written, and whether a name leads to a file in it.

Every JSON file has the SHA-256 of its own values in it (`SEAL`). A Parquet file has its SHA-256 in a JSON file that is
written after it: ``cell.json``, ``run.json`` (drift) or ``analysis/analysis.json``. Run folders of earlier versions say
neither; they are read as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from qbench.errors import InputError
from qbench.store.digests import file_digest

SEAL = "sha256"
"""The key of a JSON file under which the digest of its other values is."""
THREADS = 2
"""Threads that compute digests."""


class DamageError(InputError):
    """A file of a run folder is missing or is not what was written: what made it can make it again. Exit code 2."""


def seal_of(values: Mapping[str, Any]) -> str:
    """SHA-256 (hexadecimal) of the values of a JSON file, without their seal and whatever their order is."""
    rest = {name: value for name, value in values.items() if name != SEAL}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_damaged(values: Mapping[str, Any], *, known: Collection[str]) -> bool:
    """Whether the values of a JSON file are not those that were sealed, or the name of the seal is damaged.

    Parameters
    ----------
    values : mapping
        The values; without a seal, they were written by an earlier version, which had no names that are not known.
    known : collection of str
        The names that such a file has.

    Examples
    --------
    >>> values = sealed({"cores": 2})
    >>> is_damaged(values, known=["cores"]), is_damaged({"cores": 2}, known=["cores"])
    (False, False)
    >>> is_damaged({"cores": 2, "sha254": values["sha256"]}, known=["cores"])
    True
    """
    if SEAL in values:
        return bool(values[SEAL] != seal_of(values))
    return any(name not in known and re.fullmatch("[0-9a-f]{64}", str(value)) for name, value in values.items())


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with their seal.

    Examples
    --------
    >>> values = sealed({"cores": 2})
    >>> values["sha256"] == seal_of(values), values["sha256"] == seal_of({**values, "cores": 3})
    (True, False)
    """
    return {**values, SEAL: seal_of(values)}


def damage(path: Path, digest: str) -> str:
    """What is wrong with a file that had this SHA-256 when it was written, in words; empty where nothing is."""
    try:
        same = file_digest(path) == digest
    except FileNotFoundError:
        return "the file is missing"
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    return "" if same else "the file is damaged: it is not what was written"


def refuse_damage(digests: Iterable[tuple[Path, str]], *, fix: str) -> None:
    """Compare files with their digests.

    Raises
    ------
    DamageError
        One is missing, cannot be read or is damaged.
    """
    wanted = list(digests)
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda x: damage(*x), wanted)
        for (path, _), what in zip(wanted, found, strict=True):
            if what:
                raise DamageError(what, where=str(path), fix=fix)


def inside(root: Path, relative: str, *, named_in: str = "run.json") -> Path:
    """The file or folder that a file of a run folder names.

    Parameters
    ----------
    root : pathlib.Path
        The run folder.
    relative : str
        The name, relative to it.
    named_in : str
        The file that names it.

    Raises
    ------
    DamageError
        It is not in the run folder: the name is absolute or has ``..``, or a link leads out; or it can be no name.
    """
    path = PurePosixPath(relative)
    found = root.joinpath(*path.parts)
    try:
        allowed = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
        if allowed:
            found.exists()
            allowed = found.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):  # too long, a character that no name can have, links in a circle
        allowed = False
    if not allowed:
        shown = relative if len(relative) <= 100 else f"{relative[:100]}…"
        where = str(root / named_in)
        raise DamageError(f"the file is damaged: {shown!r} is not a place in the run folder", where=where)
    return found


def refuse_links(root: Path) -> None:
    """Refuse a folder with links that lead out of it, before anything is read from it or written into it.

    Whoever made the folder could otherwise have files elsewhere read, replaced or added to.

    Raises
    ------
    qbench.errors.InputError
        There is such a link.
    """
    for path in _links(root):
        try:
            allowed = path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # links in a circle
            allowed = False
        if not allowed:
            raise InputError(
                "this link leads out of the folder, in which qbench writes",
                where=str(path),
                fix="If you made it, move what it leads to into its place; else do not use this folder.",
            )


def _links(folder: Path | str) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield Path(entry.path)
                elif entry.is_dir():
                    yield from _links(entry.path)
    except OSError:  # it is missing, or cannot be read: whoever needs it will say so
        return
