"""What an image source has to give. Light: no numpy, no Pillow."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from typing import BinaryIO, Protocol

CHUNK = 1 << 20
"""Bytes that are read at once; it decides only the memory that a digest takes."""


class ImageSource(Protocol):
    """Where images are kept: files in a folder, members of an archive, rows of a table. It names images by text keys.

    A source is small and unchangeable: it can be pickled and sent to worker processes, and it can be hashed and
    compared. It holds the place of the images, not their content and no open file. Two equal sources give the same
    image for the same key. It is called from several threads at once, and in worker processes, which import the module
    of its class: one that is defined in a script or a notebook cannot be used.

    `place`, `exists` and `open` have to be written. A class that names this one as its base gets the other methods as
    they are here.

    Examples
    --------
    A source of images in a ZIP archive:

    >>> import zipfile
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class ZipSource(ImageSource):
    ...     path: str
    ...
    ...     def place(self):
    ...         return self.path
    ...
    ...     def exists(self, key):
    ...         with zipfile.ZipFile(self.path) as archive:
    ...             return key in archive.namelist()
    ...
    ...     def open(self, key):
    ...         return zipfile.ZipFile(self.path).open(key)
    >>> ZipSource("photos.zip").where("cats/1.png")
    'photos.zip: cats/1.png'
    """

    @abstractmethod
    def place(self) -> str:
        """What tells this source from all others on this machine, such as the absolute path of a folder."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there is an image with this key. Cheap: it is asked for every image of a dataset.

        Raises
        ------
        qbench.errors.DataError
            The key can name no image of this source, such as a path that leaves the folder.
        """

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """Open the encoded image (JPEG, PNG, …) as a binary stream, which the caller closes.

        Raises
        ------
        FileNotFoundError
            There is no image with this key.
        OSError
            It cannot be read.
        qbench.errors.DataError
            The key can name no image of this source.
        """

    def digest(self, key: str) -> str:
        """SHA-256 (hexadecimal) of what `open` gives; raises as `open` does."""
        found = hashlib.sha256()
        with self.open(key) as stream:
            while chunk := stream.read(CHUNK):
                found.update(chunk)
        return found.hexdigest()

    def stamp(self, key: str) -> tuple[int | str, ...] | None:
        """Something cheap that changes whenever the content changes, such as size and modification time.

        The digest of an image is remembered as long as its stamp stays the same. `None` says that there is no such
        thing: then the content is read at every run. Raises as `open` does.
        """
        return None

    def id(self, key: str) -> str:
        """The image's name in results: unique in the dataset, and the same on every machine. The key, unless replaced.

        Raises
        ------
        qbench.errors.DataError
            The key can name no image of this source.
        """
        return key

    def where(self, key: str) -> str:
        """Where the image is on this machine, for messages."""
        return f"{self.place()}: {key}"
