"""The cache: decoded images, embeddings, digests. It can be deleted at any time; it is only ever recomputed.

Everything in it is named by a key (see `qbench.store.keys`) and is stored beside the parts of that key. The folder is
``QBENCH_CACHE`` or the user's cache folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.store.files import user_path
from qbench.store.keys import key_of
from qbench.store.memos import Memo

if TYPE_CHECKING:
    from qbench.store.arrays import ShardedArray

LOCKS = "locks"
"""The folder of the cache with the files that are locked; they are empty."""


class Cache:
    """A folder of arrays, small values and folders, each named by the hash of what decides it.

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

    def lock(self, path: Path) -> Path:
        """The lock file of whoever writes `path`; it lies elsewhere, so that it stays when `path` is removed."""
        return self.root / LOCKS / f"{key_of({'path': path.relative_to(self.root).as_posix()})}.lock"

    @property
    def in_use(self) -> Path:
        """The file whose lock runs hold together, so that nothing is removed below them."""
        return self.root / LOCKS / "in-use"

    def sharded(self, kind: str, parts: Mapping[str, Any]) -> ShardedArray:
        """The array that `parts` decide, which is filled shard by shard and checked when it is read."""
        from qbench.store.arrays import ShardedArray  # brings numpy, which `import qbench.api` must not

        folder = self.path(kind, parts, ".array")
        return ShardedArray(folder, parts, self.lock(folder))

    def memo(self, kind: str, parts: Mapping[str, Any]) -> Memo:
        """The small value that `parts` decide."""
        return Memo(self.path(kind, parts, ".memo"), parts)


def cache_folder() -> Path:
    """``QBENCH_CACHE``, else the platform's user cache folder for qbench."""
    chosen = os.environ.get("QBENCH_CACHE")
    if chosen:
        return user_path(chosen, where="QBENCH_CACHE")
    import platformdirs

    return Path(platformdirs.user_cache_dir("qbench", appauthor=False))
