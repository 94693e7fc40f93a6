"""The fingerprint of a checkpoint: a hash of all files that are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qbench.api import ModelError
from qbench.api.models import file_digests, key_of
from qbench_transformers.find import small_files

LFS_POINTER = b"version https://git-lfs.github.com/"
PAGE = (b"<!doctype html", b"<html", b"<?xml")


def fingerprint(weights: Path, *, settings: Any = None) -> str:
    """The hash of what decides a checkpoint's embeddings: its weights, and the `settings` or the files in its folder.

    Parameters
    ----------
    weights : pathlib.Path
        The weight file.
    settings : JSON-able, optional
        The configuration, if it does not come from files in the folder of the weights, which are then not read.

    Returns
    -------
    str
        SHA-256 (hex).

    Raises
    ------
    ModelError
        A file is missing, or is what a download leaves behind that did not get the file.
    """
    files = [weights, *(small_files(weights.parent) if settings is None else [])]
    for path in files:
        check_content(path)
    digests = dict(zip([path.name for path in files], file_digests(files), strict=True))
    return key_of(digests if settings is None else {"weights": digests[weights.name], "settings": settings})


def check_content(path: Path) -> None:
    """Raise `ModelError` for what is not a file, or what a download leaves behind that did not get the file itself."""
    if path.exists() and not path.is_file():  # to read a pipe would never begin, or never end
        raise ModelError("this is a folder, a device or a pipe, not a file", where=str(path))
    try:
        with path.open("rb") as file:
            begins = file.read(200)
    except OSError:
        return  # whatever reads it says what is wrong
    if begins.startswith(LFS_POINTER):
        raise ModelError(
            f"this is a Git LFS pointer, which stands for the file {path.name}, and not the file itself",
            where=str(path),
            fix="Get the file with `git lfs pull` in the folder of its repository, or with `hf download`.",
        )
    if begins.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGE):
        raise ModelError(
            f"this is an HTML page with the name {path.name}: a failed download leaves it behind",
            where=str(path),
            fix="Download the file again, for example with `hf download`; a page to log in may be in its place.",
        )


def check_fingerprint(weights: Path, expected: str, *, settings: Any = None) -> None:
    """Raise `ModelError` if files of a checkpoint have other content by now.

    It is called after files were read to make something that is kept, and before it is kept.
    """
    if fingerprint(weights, settings=settings) != expected:
        raise ModelError(
            "files of the checkpoint were changed while they were read",
            where=str(weights.parent),
            fix="Run again, and leave the files as they are until the run is done.",
        )
