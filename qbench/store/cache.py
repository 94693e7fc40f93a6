"""The cache: decoded images, embeddings, digests. It can be deleted at any time; it is only ever recomputed.

Everything in it is named by a key (see `qbench.store.keys`) and is stored beside the parts of that key. The folder is
``QBENCH_CACHE`` or the user's cache folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.store.files import atomic, user_path, write_json
from qbench.store.keys import key_of


class Cache:
    """A folder of arrays, each named by the hash of what decides it.

    Parameters
    ----------
    root : pathlib.Path, optional
        The folder; ``QBENCH_CACHE`` or the platform's user cache folder if not given.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else cache_folder()

    def path(self, kind: str, parts: Mapping[str, Any], suffix: str) -> Path:
        """The file for the thing that `parts` decide, whether or not it exists; `kind` names its folder."""
        key = key_of(parts)
        return self.root / kind / key[:2] / f"{key[2:]}{suffix}"

    def array(
        self,
        kind: str,
        parts: Mapping[str, Any],
        make: Callable[[], npt.NDArray[Any]],
    ) -> npt.NDArray[Any]:
        """The array decided by `parts`: read from disk (memory-mapped), else made and kept."""
        path = self.path(kind, parts, ".npy")
        if not path.exists():
            made = make()
            with atomic(path) as temporary, temporary.open("wb") as file:
                np.save(file, made, allow_pickle=False)
            write_json(path.with_suffix(".json"), dict(parts))
        kept: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return kept

    @contextmanager
    def new_array(
        self, kind: str, parts: Mapping[str, Any], shape: tuple[int, ...], dtype: npt.DTypeLike
    ) -> Iterator[npt.NDArray[Any]]:
        """A memory-mapped array to fill, kept under its key when the block ends without an error."""
        path = self.path(kind, parts, ".npy")
        with atomic(path) as temporary:
            filled = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
            yield filled
            filled.flush()
        write_json(path.with_suffix(".json"), dict(parts))


def cache_folder() -> Path:
    """``QBENCH_CACHE``, else the platform's user cache folder for qbench."""
    chosen = os.environ.get("QBENCH_CACHE")
    if chosen:
        return user_path(chosen, where="QBENCH_CACHE")
    import platformdirs

    return Path(platformdirs.user_cache_dir("qbench", appauthor=False))
