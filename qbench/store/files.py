"""Files that are written whole or not at all, and JSON that is read with clear errors."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any

from qbench.errors import FREE_SPACE, DataError, InputError, MachineError, QbenchError
from qbench.store.flock import take
from qbench.store.objects.address import folder_only
from qbench.text import bytes_in_words
from qbench.toml_kinds import Kind, other_kind

LARGEST = 2**63
"""Whole numbers from here on do not fit into a table."""
SHOWN = 200
"""Characters of a path that a message shows."""

NO_FILE = "it is a device or a pipe, not a file"
"""Why something cannot be read that might never end or never begin."""

MOVE = "Move it to another place, and repeat the command."

PART = ".part"
"""How the names of temporary files end."""
TEMPORARY = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(PART)}")
"""The names that `atomic` gives to temporary files."""


@contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turn what the system says of a full disk, a missing permission and the like into a `MachineError` about `path`.

    Whatever writes in the store does it in such a block; a problem of the machine then never looks like one of the
    input, or like a defect of qbench. Such a problem is also a folder in the place of a file: it is never removed.
    """
    try:
        yield
    except IsADirectoryError as error:
        where = str(error.filename2 or error.filename or path)
        raise MachineError("there is a folder where a file has to be", where=where, fix=MOVE) from error
    except Exception as error:
        found = MachineError.of(error, path)
        if found is None:
            raise
        raise found from error


def write_at(path: Path, content: bytes | memoryview, offset: int) -> None:
    """Write bytes into a file that exists, from a byte of it on.

    Raises
    ------
    MachineError
        The disk is full, or the file cannot be written for another reason.
    """
    with machine_errors(path):
        handle = os.open(path, os.O_WRONLY)
        try:
            done = 0
            while done < len(content):
                done += os.pwrite(handle, content[done:], offset + done)
        finally:
            os.close(handle)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write to a temporary file beside `path` that takes its place when the block ends without an error.

    The content is on the disk before the name is, and the name when the block has ended: after a power loss there is
    the old file or the new one.

    Raises
    ------
    MachineError
        It cannot be written.
    InputError
        `path` is a device or a pipe, which a file would replace, or the address of an object store.
    """
    _refuse_devices(path)
    folder_only(path, where="", fix="Give a file of this machine, and copy it there.")
    with machine_errors(path):
        make_folder(path.parent)
        handle, temporary = _temporary(path)
        try:
            _remove_leftovers(path)
            yield temporary
            # mkstemp makes files private; the finished file follows the user's umask like any other.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def _temporary(path: Path) -> tuple[int, Path]:
    """Make a temporary file beside `path` and hold its lock."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
        take(handle, wait=True)
        if os.fstat(handle).st_nlink:  # or it was removed before it was locked
            return handle, Path(name)
        os.close(handle)


def _refuse_devices(path: Path) -> None:
    """Refuse what is there and is not a file, such as ``/dev/stdout``: root could replace it for the whole machine."""
    with machine_errors(path):
        special = path.is_char_device() or path.is_block_device() or path.is_fifo() or path.is_socket()
        if special or (path.is_symlink() and path.readlink().is_relative_to("/proc")):
            raise InputError("this is a device or a pipe, not a file", where=str(path), fix="Name a file.")


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` that were left by processes that were killed: nobody holds their locks."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{PART}"):
        remove_leftover(leftover)


def remove_leftovers_below(folder: Path) -> None:
    """Remove temporary files that stopped processes left anywhere in a folder of qbench's; no link is followed."""
    for where, _, names in os.walk(folder):  # which goes on where another process has removed a folder
        for name in names:
            if TEMPORARY.fullmatch(name):
                with suppress(OSError):
                    remove_leftover(Path(where, name))


def remove_leftover(part: Path) -> bool:
    """Remove a temporary file if nobody holds its lock; whether it was removed. A link is left alone."""
    try:
        handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if free := take(handle):
            part.unlink(missing_ok=True)
        return free
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they are there after a power loss."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def sync(path: Path) -> None:
    """Have what is written of a file, or the names in a folder, put on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems do so by themselves
            raise
    finally:
        os.close(handle)


def sync_all(folder: Path) -> None:
    """Do so for a folder with all that is in it."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            sync(path)
    sync(folder)


def check_space(folder: Path, needed: int) -> None:
    """Refuse to begin what does not fit.

    Parameters
    ----------
    folder : pathlib.Path
        Where it will be; it exists.
    needed : int
        Bytes.

    Raises
    ------
    MachineError
        There is less free space.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise MachineError(
            f"{bytes_in_words(needed)} are needed on this disk, and {bytes_in_words(free)} are free",
            where=str(folder),
            fix=FREE_SPACE,
        )


def write_text(path: Path, text: str) -> None:
    """Write `text` atomically, UTF-8."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def open_file(path: Path) -> BufferedReader:
    """Open a file to be read.

    Raises
    ------
    OSError
        It cannot be read; or it is a folder, or a device, a pipe or a socket, which might never end or never begin.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or opening a pipe would wait for who writes into it
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, NO_FILE, str(path))


def text_of(path: Path) -> str:
    """The content of a UTF-8 file, with or without a byte order mark, and with any line ends as ``\\n``.

    Raises
    ------
    OSError
        As `open_file` does.
    UnicodeDecodeError
        It is not UTF-8.
    ValueError
        `path` can be no file.
    """
    with open_file(path) as file, TextIOWrapper(file, encoding="utf-8-sig") as text:
        return text.read()


def read_text(path: Path, *, error: type[QbenchError] = InputError, fix: str = "") -> str:
    """Read a text file that a user wrote: UTF-8, with or without a byte order mark.

    Raises
    ------
    qbench.errors.QbenchError
        Of the type `error`: the file is missing, cannot be read, is not UTF-8, or `path` can be no file.
    """
    try:
        return text_of(path)
    except FileNotFoundError:
        raise error("the file does not exist", where=str(path), fix=fix) from None
    except UnicodeDecodeError as found:
        what = f"the file is not UTF-8 text (byte {found.start})"
        raise error(what, where=str(path), fix="Save the file as UTF-8.") from None
    except OSError as found:
        raise error(f"the file cannot be read ({found.strerror})", where=str(path), fix=fix) from None
    except ValueError:
        raise error("this cannot be the name of a file", where=repr(str(path)), fix=fix) from None


def read_json(path: Path, *, error: type[QbenchError] = InputError, fix: str = "") -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    error : type of QbenchError
        What is raised.
    fix : str
        What the user can do about it.

    Raises
    ------
    qbench.errors.QbenchError
        Of the type `error`: the file is missing, cannot be read, or is not JSON in UTF-8.
    """
    try:
        return json.loads(text_of(path))
    except FileNotFoundError:
        raise error("the file does not exist", where=str(path), fix=fix) from None
    except OSError as found:
        raise error(f"the file cannot be read ({found.strerror})", where=str(path), fix=fix) from None
    except UnicodeDecodeError as found:
        raise error(f"the file is damaged: byte {found.start} is not UTF-8", where=str(path), fix=fix) from None
    except (ValueError, RecursionError) as found:
        raise error(f"the file is damaged: it is not valid JSON ({found})", where=str(path), fix=fix) from None


def parse_toml(
    text: str, *, where: str, error: type[QbenchError] = InputError, kind: Kind | None = None
) -> dict[str, Any]:
    """The values of a TOML text that a user wrote.

    Raises an error of the type `error` where it is not TOML, or is a file of another kind than the one that is given.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as found:  # also numbers with thousands of digits, and deep nesting
        raise error(f"not a TOML file ({found})", where=where) from None
    if kind is not None and (other := other_kind(values, kind, where)):
        what, fix = other
        raise error(what, where=where, fix=fix)
    return values


def user_path(text: str | Path, *, base: Path | None = None, where: str = "") -> Path:
    """A path that a user wrote, made absolute; ``~`` is the home folder.

    Parameters
    ----------
    text : str or pathlib.Path
        What was written.
    base : pathlib.Path, optional
        What a relative path is relative to; the working folder if not given.
    where : str
        The option, for the message; the text itself if not given.

    Raises
    ------
    InputError
        It cannot be a path: an unknown user, a forbidden character, too many characters, or no permission to look.
    """
    try:
        path = ((base or Path()) / Path(text).expanduser()).resolve()
        path.exists()
    except RuntimeError:
        reason = "there is no such user"
    except ValueError:
        reason = "it has a character that no path can have"
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        return path
    shown = str(text) if len(str(text)) <= SHOWN else f"{str(text)[:SHOWN]}…"
    raise InputError(f"{shown!r} cannot be used as a path ({reason})", where=where)


def read_json_object(path: Path, *, error: type[QbenchError] = InputError, fix: str = "") -> dict[str, Any]:
    """Read a JSON file whose outermost value is an object; raises as `read_json` does."""
    value = read_json(path, error=error, fix=fix)
    if not isinstance(value, dict):
        raise error("the file is damaged: it does not hold a JSON object", where=str(path), fix=fix)
    return value


def relative_name(path: Path, root: Path) -> str:
    """`path` relative to `root`, with forward slashes: how keys and results name a file.

    Links are not resolved: a dataset may be put together of links, but no name may lead out of its folder.

    Raises
    ------
    DataError
        `path` is not below `root`.

    Examples
    --------
    >>> relative_name(Path("/data/a/../b.jpg"), Path("/data"))
    'b.jpg'
    """
    # Texts rather than paths: a run asks for the name of every image.
    name, folder = os.path.abspath(path), os.path.join(os.path.abspath(root), "")  # noqa: PTH100, PTH118
    if os.path.normcase(name).startswith(os.path.normcase(folder)):
        return name[len(folder) :].replace(os.sep, "/")
    if name == os.path.abspath(root):  # noqa: PTH100
        return "."
    raise DataError("the path leaves the dataset's folder", where=str(path))


def too_large(values: Any) -> str | None:
    """Name a whole number that does not fit into a table, in values of JSON or TOML; `None` if all fit.

    Examples
    --------
    >>> too_large({"analysis": {"seed": 2**64}})
    'analysis.seed'
    """
    todo: list[tuple[str, Any]] = [("", values)]
    while todo:
        field, value = todo.pop()
        if isinstance(value, int) and abs(value) >= LARGEST:
            return field
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        todo.extend((f"{field}.{name}" if field else str(name), x) for name, x in inner)
    return None
