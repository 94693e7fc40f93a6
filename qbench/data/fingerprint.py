"""What a dataset on disk is: a hash over the content of its files.

Reading 50,000 files again for every run would cost as much as decoding them, so digests are remembered in the cache by
size and modification time, as build tools do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qbench.data.items import Items
from qbench.errors import DataError, InputError
from qbench.images.decoding import relative_name
from qbench.store.cache import Cache
from qbench.store.files import read_json_object, write_json
from qbench.store.keys import key_of

CHUNK = 1 << 20


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Digests:
    """Digests of the files below one folder, remembered in the cache while size and time stay the same.

    Parameters
    ----------
    cache : Cache
        Where they are remembered.
    root : pathlib.Path
        The folder.
    """

    def __init__(self, cache: Cache, root: Path) -> None:
        self.root = root.absolute()
        self._path = cache.path("digests", {"root": str(self.root)}, ".json")
        self._known: dict[str, list[str | int]] = _read(self._path)

    def of(self, files: Sequence[Path], *, workers: int = 2, step: Callable[[int], None] = lambda n: None) -> list[str]:
        """The digests of `files`, in their order; `step` hears how many were done."""

        def one(path: Path) -> tuple[str, list[str | int]]:
            name = relative_name(path, self.root)
            try:
                stat = path.stat()
                known = self._known.get(name)
                if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
                    known = [stat.st_size, stat.st_mtime_ns, file_digest(path)]
            except OSError as error:
                raise DataError(f"the file cannot be read ({error.strerror})", where=str(path)) from None
            step(1)
            return name, known

        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(one, files))
        fresh = dict(found)
        if any(self._known.get(name) != value for name, value in fresh.items()):
            self._known = {**self._known, **fresh}
            write_json(self._path, self._known)
        return [str(value[2]) for _, value in found]


def _read(path: Path) -> dict[str, list[str | int]]:
    try:
        return read_json_object(path)
    except InputError:
        return {}  # it is made again


def images_key(items: Items, digests: Sequence[str]) -> str:
    """What decides the pixels of an image set: each image's content and box, in order.

    Parameters
    ----------
    items : Items
        The items.
    digests : sequence of str
        The digest of each of ``items.images``.
    """
    boxes = [list(ref.box) if ref.box else None for ref in items.images]
    return key_of({"digests": list(digests), "boxes": boxes})


def items_key(items: Items, images: str, annotations: Sequence[str]) -> str:
    """What decides a dataset as a benchmark sees it: images, annotation files, and the table made of them."""
    table = items.table.to_json(orient="split", index=False, double_precision=15)
    return key_of(
        {
            "images": images,
            "annotations": list(annotations),
            "table": hashlib.sha256(table.encode()).hexdigest(),
        }
    )
