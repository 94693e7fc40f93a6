"""A run in one file, sealed: a zip archive with the SHA-256 of each of its files.

The digests are in ``SHA256SUMS``, in the format of the command ``sha256sum``, which can check them too. The same run
gives the same bytes. Images are not in a run folder, and so not in the archive; neither are the log and reports, which
may show paths or images of the machine that made them.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from qbench.errors import InputError
from qbench.runfolder.integrity import inside
from qbench.runfolder.reader import read_analysis, read_cell, read_run
from qbench.store.digests import file_digest
from qbench.store.files import atomic, check_space, machine_errors

SUMS = "SHA256SUMS"
"""The name of the list of digests in the archive."""
BLOCK = 2**20
TIME = (1980, 1, 1, 0, 0, 0)
"""Of every file in the archive: the earliest that the format has."""
DEEPEST = 8
"""The most folders and files in a name; those of a run have five."""
LARGEST_LIST = 2**24
"""Bytes of the longest list of digests that is read."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The ways in which a file of an archive may be compressed. The decoders of the others report damage as an ``OSError``,
which could not be told from a fault of the machine."""


def files_of(folder: Path) -> Iterator[Path]:
    """The files of a run, whether or not they are there: those of its cells, its speeds and its analysis.

    Raises
    ------
    qbench.errors.InputError
        A record is damaged or was written by a newer qbench.
    """
    run = read_run(folder)
    yield folder / "run.json"
    if (folder / "environment.json").exists():
        yield folder / "environment.json"
    for name in run.cells:
        yield from read_cell(folder, name, run.labels.get(name)).files
    yield from (inside(folder, name) for name in (*run.drift, *run.speed))
    record = read_analysis(folder / "analysis")
    if record is not None:
        yield folder / "analysis" / "analysis.json"
        yield from (inside(folder, f"analysis/{name}.parquet") for name in record.tables)


def write_bundle(folder: Path, out: Path) -> str:
    """Write the files of a run into one archive.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder; that its files are sound is the caller's to check.
    out : pathlib.Path
        The archive; it is replaced if it exists.

    Returns
    -------
    str
        SHA-256 of the archive. A recipient who knows it can check that the file is the one that was sent.

    Raises
    ------
    qbench.errors.InputError
        A file of the run is missing, or a record is damaged.
    """
    files = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    lost = [path for path in files.values() if not path.is_file()]
    if lost:
        raise InputError("the file is missing", where=str(lost[0]), fix="Run `qbench run` again with the same spec.")
    with atomic(out) as temporary:
        with zipfile.ZipFile(temporary, "w") as packed:
            sums = [f"{file_digest(path)}  {name}\n" for name, path in sorted(files.items())]
            packed.writestr(_member(SUMS), "".join(sums))
            for name, path in sorted(files.items()):
                with path.open("rb") as source, packed.open(_member(name), "w") as target:
                    while block := source.read(BLOCK):
                        target.write(block)
        return file_digest(temporary)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, TIME)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    member.create_system = 3  # whatever the system is: the bytes are the same
    return member


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The files of an archive in a temporary folder, and what is wrong with them: name → in words.

    Raises
    ------
    qbench.errors.InputError
        It is not such an archive.
    """
    try:
        packed = zipfile.ZipFile(path)
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror or error})", where=str(path)) from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"this is not a bundle of a run, or it is damaged ({error})", where=str(path)) from None
    with packed, tempfile.TemporaryDirectory(prefix="qbench-bundle-") as temporary:
        folder = Path(temporary)
        sums = _sums(packed, path)
        members = packed.infolist()
        check_space(folder, sum(member.file_size for member in members))
        problems = dict.fromkeys(sums, "the file is missing")
        for member in members:
            if member.filename != SUMS:
                problems |= {member.filename: _extract(packed, member, folder, sums)}
        yield folder, {name: what for name, what in problems.items() if what}


def _sums(packed: zipfile.ZipFile, path: Path) -> dict[str, str]:
    """Name → digest of each file that the archive should have."""
    names = packed.namelist()
    if SUMS not in names and "run.json" in names:
        raise InputError(
            f"the bundle has no seal: its list of digests {SUMS} was removed, or another program made the archive",
            where=str(path),
            fix="Nothing shows that these are the files that `qbench bundle` wrote: ask for the bundle again. "
            "To read the run nevertheless, unpack the archive; then it is a run folder.",
        )
    try:
        with packed.open(SUMS) as file:
            lines = file.read(LARGEST_LIST).decode().splitlines()
    except Exception as error:
        what = f"this is not a bundle of a run, or it is damaged: its list of digests {SUMS} cannot be read"
        raise InputError(what, where=str(path), fix="Make one with `qbench bundle RUN --out FILE.zip`.") from error
    found = [re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in lines]
    if not found or None in found:
        raise InputError(f"the bundle is damaged: {SUMS} does not list digests", where=str(path))
    return {match[2]: match[1] for match in found if match}


def _extract(packed: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, sums: dict[str, str]) -> str:
    """Write one file of an archive into a folder; what is wrong with it, in words."""
    name = member.filename
    parts = PurePosixPath(name).parts
    if name not in sums:
        return f"the file is not in {SUMS}"
    if not parts or ".." in parts or name.startswith("/") or "\\" in name or "\x00" in name:
        return "the name leads out of the bundle"
    if name != "/".join(parts) or len(parts) > DEEPEST:  # of which two could be one file
        return "the name is not one that `qbench bundle` writes"
    if member.compress_type not in METHODS:
        return "the file is damaged (it is compressed by a method that `qbench bundle` does not use)"
    target, digest, size = folder.joinpath(*parts), hashlib.sha256(), 0
    with machine_errors(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            return "another file of the bundle is in the place of its folder"
        if target.is_dir():
            return "a folder of the bundle is in its place"
        with target.open("wb") as file:
            try:
                with packed.open(member) as source:
                    while (block := source.read(BLOCK)) and size <= member.file_size:
                        size += len(block)
                        digest.update(block)
                        file.write(block)
            except OSError:  # of the machine
                raise
            except Exception as error:  # noqa: BLE001 - what a damaged archive raises is not declared
                return f"the file is damaged ({error})"
    return "" if digest.hexdigest() == sums[name] else "the file is damaged: it is not what was written"
