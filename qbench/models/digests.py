"""Digests of a checkpoint's files, for its fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qbench.store.cache import Cache
from qbench.store.digests import digests_below


def file_digests(files: Sequence[Path]) -> list[str]:
    """SHA-256 (hex) of the content of files, remembered in the cache folder.

    A file is read again when its size, its times or its inode have changed, so opening a checkpoint of several
    gigabytes a second time takes no time.

    Parameters
    ----------
    files : sequence of pathlib.Path
        The files.

    Returns
    -------
    list of str
        Their digests, in the same order.

    Raises
    ------
    DataError
        A file cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> with TemporaryDirectory() as folder, patch.dict("os.environ", QBENCH_CACHE=folder):
    ...     weights = Path(folder, "weights.bin")
    ...     _ = weights.write_bytes(b"abc")
    ...     print(file_digests([weights])[0][:16])
    ba7816bf8f01cfea
    """
    cache = Cache()
    found: dict[Path, str] = {}
    for folder in sorted({file.parent for file in files}):
        inside = [file for file in files if file.parent == folder]
        found.update(zip(inside, digests_below(cache, folder, inside), strict=True))
    return [found[file] for file in files]
