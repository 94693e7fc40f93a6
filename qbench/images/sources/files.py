"""Images that are files in a folder."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from qbench.errors import DataError
from qbench.images.interface import ImageSource
from qbench.store.digests import Stamp, file_stamp
from qbench.store.files import open_file, relative_name


@dataclass(frozen=True)
class FolderSource(ImageSource):
    """The files below a folder. A key is a path relative to the folder, with forward slashes.

    Links are not resolved: a dataset may be put together of links, but no key may name a file outside the folder.

    Attributes
    ----------
    root : pathlib.Path
        The folder; made absolute, so that the source means the same in a process with another working directory.

    Examples
    --------
    >>> source = FolderSource("/data/photos")
    >>> source.id("./cats/1.jpg"), source.where("cats/1.jpg")
    ('cats/1.jpg', '/data/photos/cats/1.jpg')
    >>> source.exists("cats/1.jpg")
    False
    """

    root: Path

    def __post_init__(self) -> None:
        """Make the folder's path absolute."""
        object.__setattr__(self, "root", Path(self.root).absolute())

    def place(self) -> str:
        """The absolute path of the folder."""
        return str(self.root)

    def exists(self, key: str) -> bool:
        """Whether there is such a file; raises `DataError` where the key leaves the folder, or cannot be looked up."""
        path = self._path(key)
        try:
            return path.is_file()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return False
            raise DataError(f"this cannot be read ({error.strerror})", where=str(path)) from None

    def open(self, key: str) -> BinaryIO:
        """Open the file; raises `OSError`, or `DataError` where the key leaves the folder."""
        return open_file(self._path(key))

    def stamp(self, key: str) -> Stamp | None:
        """Size, inode and times of the last changes; `None` for a file that was changed just now."""
        return file_stamp(self._path(key))

    def id(self, key: str) -> str:
        """The path relative to the folder, without ``.`` and ``..``; raises `DataError` where it leaves the folder."""
        return relative_name(self.root / key, self.root)

    def where(self, key: str) -> str:
        """The absolute path."""
        return str(self.root / key)

    def keys(self, folder: str = "") -> set[str]:
        """The keys of all files below a folder of this one, relative to that folder; empty where there is none."""
        top = self.root / folder
        return {relative_name(Path(at) / name, top) for at, _, names in os.walk(top) for name in names}

    def _path(self, key: str) -> Path:
        return self.root / self.id(key)
