"""The cache: decoded images, embeddings, digests. It can be deleted at any time; it is only ever recomputed.

Everything in it is named by a key (see `qbench.store.keys`) and is stored beside the parts of that key. The folder is
``QBENCH_CACHE`` or the user's cache folder. With ``QBENCH_CACHE_STORE``, machines without a shared file system exchange
arrays and some small values by an object store.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.errors import InputError
from qbench.store.files import user_path
from qbench.store.keys import key_of
from qbench.store.memos import Memo
from qbench.store.objects.address import address_of, folder_only

if TYPE_CHECKING:
    from qbench.store.arrays import ShardedArray
    from qbench.store.objects.shards import ObjectArrays

STORE = "QBENCH_CACHE_STORE"
"""The variable with the address of an object store."""
COPIES = "runs"
"""The folder of the cache with the working copies of runs that are in an object store."""
LOCKS = "locks"
"""The folder of the cache with the files that are locked; they are empty."""


class Cache:
    """A folder of arrays, small values and folders, each named by the hash of what decides it.

    Parameters
    ----------
    root : pathlib.Path, optional
        The folder; ``QBENCH_CACHE`` or the platform's user cache folder if not given.
    store : str, optional
        The address of an object store; ``QBENCH_CACHE_STORE`` if neither is given.
    """

    def __init__(self, root: Path | None = None, store: str | None = None) -> None:
        self.store = store if root is not None or store is not None else cache_store()
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

        folder, arrays = self.path(kind, parts, ".array"), self._arrays
        store = arrays.array(self._name(folder)) if arrays is not None else None
        return ShardedArray(folder, parts, self.lock(folder), store)

    def memo(self, kind: str, parts: Mapping[str, Any], *, exchanged: bool = False) -> Memo:
        """The small value that `parts` decide; whether it is exchanged by the object store, where there is one."""
        path, arrays = self.path(kind, parts, ".memo"), self._arrays
        if arrays is None or not exchanged:
            return Memo(path, parts)
        from qbench.store.objects.memos import ExchangedMemo

        return ExchangedMemo(path, parts, arrays.store, self._name(path))

    @property
    def spent(self) -> str:
        """What this process has asked of the object store, in words; empty where there is none."""
        return self._arrays.store.spent if self._arrays is not None else ""

    def _name(self, path: Path) -> str:
        """The name of a thing in the object store."""
        return path.relative_to(self.root).as_posix()

    @property
    def _arrays(self) -> ObjectArrays | None:
        """The object store, opened when it is needed first; `None` where there is none."""
        if self.store is None:
            return None
        from qbench.store.objects.shards import cache_at

        return cache_at(self.store)


def cache_folder() -> Path:
    """``QBENCH_CACHE``, else the platform's user cache folder for qbench."""
    chosen = os.environ.get("QBENCH_CACHE")
    if chosen:
        fix = f"Name the object store in {STORE}; QBENCH_CACHE is a folder of this machine (docs/scale.md)."
        folder_only(chosen, where="QBENCH_CACHE", fix=fix)
        return user_path(chosen, where="QBENCH_CACHE")
    import platformdirs

    return Path(platformdirs.user_cache_dir("qbench", appauthor=False))


def cache_store() -> str | None:
    """The address of the object store of the user's cache, which is in ``QBENCH_CACHE_STORE``; `None` without one.

    Raises
    ------
    InputError
        It is not an address.
    """
    given = os.environ.get(STORE)
    if not given:
        return None
    address = address_of(given)
    if address is None:
        raise InputError(
            f"{given!r} is not the address of an object store", where=STORE, fix="Such as s3://bucket/cache."
        )
    return address
