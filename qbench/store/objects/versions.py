"""A folder in an object store, as parts that are replaced as a whole.

::

    versions/PART/NUMBER     the files of a part, each with its SHA-256; created, never changed
    files/SHA-256            the content of a file

A part, such as a cell of a run, has versions with the numbers 1, 2, …; the latest one counts. A version is written
after its files, by creating the object of the next number: who is second is refused, sees what the first one wrote,
and decides anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from qbench.store.keys import key_of
from qbench.store.objects.store import ObjectStore

log = logging.getLogger(__name__)

VERSIONS, FILES = "versions", "files"
AT_ONCE = 8
"""Most requests at a time."""
DIGITS = 8


@dataclass(frozen=True)
class Version:
    """One state of a part.

    Attributes
    ----------
    number : int
        The number of the latest version; 0 of a part that has none.
    files : dict of str to str
        Name of each file, relative to the whole folder → its SHA-256. Empty where the part was removed.
    """

    number: int
    files: dict[str, str]


class VersionedFolder:
    """The parts of a folder in a store. Nothing of it is trusted: whatever is read is compared with its digest."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self._read: dict[str, Version | None] = {}
        self._there: set[str] = set()

    def latest(self) -> dict[str, Version]:
        """The latest version of each part.

        Where its object is damaged, which is said, the files are those of the version before it.
        """
        numbers: dict[str, list[int]] = {}
        for name in self.store.names(VERSIONS):
            part, _, number = name.rpartition("/")
            if part and number.isdecimal():
                numbers.setdefault(part, []).append(int(number))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(numbers, pool.map(self._newest_sound, numbers, numbers.values()), strict=True))

    def numbers(self) -> dict[str, int]:
        """The number of the latest version of each part; nothing but a list is read."""
        found: dict[str, int] = {}
        for name in self.store.names(VERSIONS):
            part, _, number = name.rpartition("/")
            if part and number.isdecimal():
                found[part] = max(found.get(part, 0), int(number))
        return found

    def create(self, part: str, number: int, contents: Mapping[str, bytes]) -> bool:
        """Write a version of a part, unless somebody else has written one of this number.

        Parameters
        ----------
        part : str
            Which.
        number : int
            One more than that of the latest version.
        contents : mapping of str to bytes
            Name of each file, relative to the whole folder → its content. Nothing, to remove the part.
        """
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        new = {digests[name]: content for name, content in contents.items() if digests[name] not in self._there}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(lambda digest: self.store.put(f"{FILES}/{digest}", new[digest]), new):
                pass
        self._there |= new.keys()
        said: dict[str, Any] = {"part": part, "files": digests}
        text = json.dumps({**said, "sha256": key_of(said)}, sort_keys=True).encode()
        return self.store.create(_name(part, number), text)

    def content(self, digest: str) -> bytes | None:
        """The content of a file; `None` where it is missing or damaged (which is said)."""
        name = f"{FILES}/{digest}"
        found = self.store.get(name)
        if found is not None and hashlib.sha256(found).hexdigest() == digest:
            self._there.add(digest)
            return found
        self._there.discard(digest)
        log.warning("%s: the object is missing or damaged", self.store.where(name))
        return None

    def mend(self, content: bytes) -> None:
        """Put the content of a file again, which was found to be missing or damaged."""
        digest = hashlib.sha256(content).hexdigest()
        self.store.put(f"{FILES}/{digest}", content)
        self._there.add(digest)

    def _newest_sound(self, part: str, numbers: list[int]) -> Version:
        for number in sorted(numbers, reverse=True):
            name = _name(part, number)
            if name not in self._read:
                self._read[name] = _read(self.store.get(name), part, number)
                if self._read[name] is None:
                    log.warning("%s: the object is missing or damaged; it counts as absent", self.store.where(name))
            found = self._read[name]
            if found is not None:
                return Version(max(numbers), found.files)
        return Version(max(numbers), {})


def _name(part: str, number: int) -> str:
    return f"{VERSIONS}/{part}/{number:0{DIGITS}d}"


def _read(content: bytes | None, part: str, number: int) -> Version | None:
    """What the object of a version says; `None` where it is damaged."""
    try:
        said = json.loads(content or b"")
        digest = said.pop("sha256")
        if digest != key_of(said) or said["part"] != part:
            return None
        return Version(number, {str(name): str(value) for name, value in said["files"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
