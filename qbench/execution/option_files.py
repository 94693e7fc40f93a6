"""Digests of the files and folders that options name: keys and records have them in place of the paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qbench.plugins.options import option_paths
from qbench.store.cache import Cache
from qbench.store.digests import digests_below
from qbench.store.keys import key_of


def option_digests(options: Any, cache: Cache) -> dict[str, dict[str, str]]:
    """Name of an option that names files → name → digest of each of them; see `qbench.plugins.options.FILES`."""
    return {name: path_digests(paths, cache) for name, paths in option_paths(options).items()}


def content_digests(files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Name of an option → one digest of all its files, as records keep it: records name no file below a folder.

    Parameters
    ----------
    files : mapping
        As `option_digests` gives it.
    """
    return {name: key_of(dict(found)) for name, found in files.items()}


def path_digests(paths: Iterable[Path], cache: Cache) -> dict[str, str]:
    """Name → digest of each file, and of every file below each folder.

    What does not exist is left out: the error is raised when the variant is built.
    """
    found: dict[str, str] = {}
    for i, path in enumerate(paths):
        folder = path if path.is_dir() else path.parent
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        files = [file for file in files if file.is_file()]
        digests = digests_below(cache, folder, files)
        names = (file.relative_to(folder).as_posix() if path.is_dir() else "" for file in files)
        found |= {f"{i}/{name}": digest for name, digest in zip(names, digests, strict=True)}
    return found
