"""What is in the cache folder: found by the names that qbench gives, so that nothing else is ever touched.

No link is followed below the cache folder, neither to look nor to remove.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from qbench.errors import InputError, MachineError
from qbench.store.cache import COPIES, LOCKS, Cache
from qbench.store.digests import file_digest
from qbench.store.files import PART, machine_errors, remove_leftover
from qbench.store.folders import LIST, remove_tree
from qbench.store.keys import key_of
from qbench.store.lock import held
from qbench.store.memos import stored_memo
from qbench.store.shard_list import ROWS, SHARDS, stored_parts

BY_NAME = ("datasets", "models")
"""Folders of the cache whose things have names; in all others, they have keys."""
WITHOUT_KEYS = (*BY_NAME, "scripts")
"""These, and one of an earlier version."""
NAME = re.compile(r"[^.].*")
KEY = re.compile(r"[0-9a-f]{62}")
FIRST = re.compile(r"[0-9a-f]{2}")
OLD = re.compile(r"[0-9a-f]{62}\.(npy|json)|charts-.*\.js")
LIST_PART = f".{SHARDS}.*{PART}"
"""Temporary files of the list of an array, which are in its folder."""
OLD_PART = re.compile(r"\.(writing|making|saving)-.*")


class State(StrEnum):
    """What an entry of the cache is used for."""

    COMPLETE = "complete"
    UNFINISHED = "unfinished"
    LEFTOVER = "left by a stopped process"
    OLD = "of an earlier version"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something in the cache that is used, checked and removed as a whole.

    Attributes
    ----------
    kind : str
        The folder of the cache that it is in, such as ``pixels``.
    path : pathlib.Path
        The file or folder that has its name.
    files : tuple of pathlib.Path
        All that belongs to it. They are removed in this order: without the first, it counts as absent.
    size : int
        Bytes.
    used : float
        When it was last read or written, in seconds since 1970: the time of its list of shards or files.
    state : State
        What it is used for.
    lock : pathlib.Path or None
        The lock that its writers hold; `None` where they write a temporary file, which has a lock of its own.
    """

    kind: str
    path: Path
    files: tuple[Path, ...]
    size: int
    used: float
    state: State
    lock: Path | None


@dataclass(frozen=True)
class Inventory:
    """The things in a cache folder, and what is not known: links, and files with other names than qbench gives."""

    things: list[Thing] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)


def inventory(cache: Cache) -> Inventory:
    """Look at the names in the cache folder; no content is read."""
    found = Inventory()
    for folder, kind in _folders(cache, found.unknown):
        _look(cache, folder, kind, found)
    return found


def _folders(cache: Cache, unknown: list[Path]) -> Iterator[tuple[Path, str]]:
    """The folders that have things in them, each with its kind; other things there are added to `unknown`."""
    for kind in _entries(cache.root):
        if kind.is_symlink() or not kind.is_dir():
            unknown.append(kind)
        elif kind.name in WITHOUT_KEYS:
            yield kind, kind.name
        elif kind.name not in (LOCKS, COPIES):
            for first in _entries(kind):
                if FIRST.fullmatch(first.name) and first.is_dir() and not first.is_symlink():
                    yield first, kind.name
                else:
                    unknown.append(first)


def _look(cache: Cache, folder: Path, kind: str, found: Inventory) -> None:
    """Sort the entries of one folder."""
    entries, name = _entries(folder), NAME if kind in WITHOUT_KEYS else KEY
    for path in entries:
        if path.name == ".lock" or _is_listed(path, entries):
            continue
        thing = _thing_named(cache, kind, path, name) if not path.is_symlink() else None
        if thing is None:
            found.unknown.append(path)
        else:
            found.things.append(thing)


def _thing_named(cache: Cache, kind: str, path: Path, name: re.Pattern[str]) -> Thing | None:
    """What has this name; `None` where qbench gives no such name."""
    stem, suffix, is_folder = path.stem, path.suffix, path.is_dir()
    if path.name.startswith(".") and (suffix == PART or OLD_PART.fullmatch(path.name)):
        return _leftover(cache, kind, path)
    if not is_folder and OLD.fullmatch(path.name):
        return _thing(kind, path, (path,), path, State.OLD, None)
    if not is_folder and suffix == ".memo" and KEY.fullmatch(stem):
        return _thing(kind, path, (path,), path, State.COMPLETE, None)
    if is_folder and suffix == ".array" and KEY.fullmatch(stem):
        return _array(cache, kind, path)
    if not is_folder and suffix == LIST and name.fullmatch(path.name.removesuffix(LIST)):
        return _folder(cache, kind, path)
    if is_folder and (KEY.fullmatch(path.name) or (path / ".qbench-dataset").is_file()):
        return _thing(kind, path, (path,), path, State.OLD, cache.lock(path))
    return None


def _folder(cache: Cache, kind: str, listed: Path) -> Thing | None:
    """The folder of which this is the list of files; `None` where a link is in its place."""
    path = listed.with_name(listed.name.removesuffix(LIST))
    if path.is_symlink():
        return None
    state = State.COMPLETE if path.is_dir() else State.UNFINISHED
    return _thing(kind, path, (listed, path), listed, state, cache.lock(path))


def _is_listed(path: Path, entries: Sequence[Path]) -> bool:
    return path.is_dir() and not path.is_symlink() and path.with_name(path.name + LIST) in entries


def _array(cache: Cache, kind: str, path: Path) -> Thing:
    parts = stored_parts(path)
    complete = parts is not None and cache.sharded(kind, parts).complete_here
    state = State.COMPLETE if complete else State.UNFINISHED
    files = (path / SHARDS, path / ROWS, *path.glob(LIST_PART))
    return _thing(kind, path, files, files[0], state, cache.lock(path))


def _leftover(cache: Cache, kind: str, path: Path) -> Thing:
    """Temporary files hold the lock themselves; the lock of a folder is that of its entry or of its parent folder."""
    of = path.with_name(path.name[1:].removesuffix(PART))
    by_itself = OLD_PART.fullmatch(path.name) or of.name == "saving"
    lock = path.with_name(".lock") if by_itself else cache.lock(of)
    return _thing(kind, path, (path,), path, State.LEFTOVER, lock if path.is_dir() else None)


def _thing(kind: str, path: Path, files: tuple[Path, ...], time: Path, state: State, lock: Path | None) -> Thing:
    try:
        used = time.lstat().st_mtime
    except OSError:
        used = 0.0
    size = sum(_size(file) for top in files for file in _files(top))
    return Thing(kind=kind, path=path, files=files, size=size, used=used, state=state, lock=lock)


def _size(file: Path) -> int:
    """Bytes of a file; 0 if another process has removed or renamed it meanwhile."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0


def _files(path: Path) -> Iterator[Path]:
    """A file itself, or the files in a folder."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, names in os.walk(path):
            yield from (Path(folder, name) for name in names)
    elif os.path.lexists(path):
        yield path


def _entries(folder: Path) -> list[Path]:
    with machine_errors(folder):
        try:
            return sorted(folder.iterdir())
        except FileNotFoundError:
            return []


# --- checking


def fault(cache: Cache, thing: Thing) -> str:
    """Read all of a thing and compare its digests; what is wrong with it, or nothing.

    An array that is not finished is sound if its finished shards are.
    """
    if thing.state in (State.LEFTOVER, State.OLD):
        return ""
    if thing.path.suffix == ".array":
        return _fault_of_array(cache, thing)
    stored = stored_memo(thing.files[0])
    if stored is None:
        return "its file is damaged" if thing.path.suffix == ".memo" else "the list of its files is damaged"
    if not _has_key(thing, stored["parts"]):
        return "it is in the place of another"
    if thing.path.suffix == ".memo":
        return ""
    bad = [name for name, digest in stored["value"].items() if _digest(thing.path / name) != digest]
    return f"{len(bad)} of {len(stored['value'])} files are damaged or missing, such as {bad[0]}" if bad else ""


def _fault_of_array(cache: Cache, thing: Thing) -> str:
    parts = stored_parts(thing.path)
    if parts is None:  # without a list, it was not begun
        return "the list of its parts is damaged" if thing.files[0].exists() else ""
    if not _has_key(thing, parts):
        return "it is in the place of another"
    array = cache.sharded(thing.kind, parts)
    if array.has_damaged_list():
        return "the list of its parts is damaged"
    bad = array.damaged()
    return f"{len(bad)} of its parts are damaged" if bad else ""


def _has_key(thing: Thing, parts: dict[str, object]) -> bool:
    return thing.kind in BY_NAME or key_of(parts) == thing.path.parent.name + thing.path.stem


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return ""


# --- removing


def remove_leftovers(cache: Cache) -> None:
    """Remove what stopped processes left, anywhere in the cache folder. What is in use or may not be removed stays."""
    with suppress(MachineError):  # a folder that nobody may look into
        for folder, kind in _folders(cache, []):
            for left in _leftovers(folder):
                with suppress(OSError, MachineError):
                    _remove_files(_leftover(cache, kind, left))


def _leftovers(folder: Path) -> Iterator[Path]:
    """Temporary files and folders; not those of earlier versions, which hold no locks and may still be written."""
    for path in _entries(folder):
        if path.is_symlink():
            continue
        if path.name.startswith(".") and path.suffix == PART:
            yield path
        elif path.suffix == ".array":
            yield from path.glob(LIST_PART)


def to_prune(
    things: Sequence[Thing], *, now: float, max_size: int | None = None, older_than: float | None = None
) -> list[Thing]:
    """Choose what is removed: first what no run can use, then what was unused for the longest time.

    Parameters
    ----------
    things : sequence of Thing
        All that is in the cache.
    now : float
        Seconds since 1970.
    max_size : int, optional
        Bytes that may stay.
    older_than : float, optional
        Seconds for which something was not used.

    Returns
    -------
    list of Thing
        In the order in which they are removed.
    """
    chosen = [thing for thing in things if thing.state in (State.LEFTOVER, State.OLD)]
    rest = sorted((thing for thing in things if thing not in chosen), key=lambda thing: thing.used)
    left = sum(thing.size for thing in rest)
    for thing in rest:
        too_old = older_than is not None and now - thing.used > older_than
        if too_old or (max_size is not None and left > max_size):
            chosen.append(thing)
            left -= thing.size
    return chosen


def remove(thing: Thing) -> bool:
    """Remove a thing, and folders that are empty then; whether nobody was writing it.

    Raises
    ------
    MachineError
        It may not be removed.
    """
    if not _remove_files(thing):
        return False
    for folder in (thing.path, *thing.path.parents[:2]):
        with suppress(OSError):  # it has other things in it
            folder.rmdir()
    return True


def _remove_files(thing: Thing) -> bool:
    """Remove the files of a thing; whether nobody was writing it. Its folder stays: others may be about to use it."""
    if thing.lock is None and thing.state is State.LEFTOVER:
        return remove_leftover(thing.path)
    try:
        with held(thing.lock, of=thing.path, wait=False) if thing.lock else nullcontext(), machine_errors(thing.path):
            for file in thing.files:
                remove_tree(file)
    except InputError:
        return False
    return True
