"""The fingerprint of a checkpoint: a hash of all files that are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qbench.api import ModelError
from qbench.api.models import file_digests, key_of
from qbench_transformers.find import small_files


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
    """
    files = [weights, *(small_files(weights.parent) if settings is None else [])]
    digests = dict(zip([path.name for path in files], file_digests(files), strict=True))
    return key_of(digests if settings is None else {"weights": digests[weights.name], "settings": settings})


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
