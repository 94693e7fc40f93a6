"""Arrays in an object store: one object for each finished shard, and one that says what the array is.

::

    NAME/LAYOUT/head              the first line of `shards.jsonl`, see `qbench.store.arrays`
    NAME/LAYOUT/NUMBER.SHA-256    the bytes of a shard
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from qbench.store.objects.claims import ObjectClaims, Others, Owner
from qbench.store.objects.store import ObjectStore, opened

log = logging.getLogger(__name__)

HEAD = "head"
LAYOUT = 16
"""Characters of the digest of a head that name its layout."""


class ObjectArrays:
    """All arrays in a store, as far as this process has seen them; several threads may use it."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self._others = Others(store)
        self._arrays: dict[str, ObjectArray] = {}

    def array(self, name: str) -> ObjectArray:
        """The array of a name; always the same object, which remembers what it has seen."""
        return self._arrays.setdefault(name, ObjectArray(self.store, name, self._others))


class ObjectArray:
    """One array in a store. Nobody has to have put anything of it."""

    def __init__(self, store: ObjectStore, name: str, others: Others) -> None:
        self._store, self._name, self._others = store, name, others
        self._heads: dict[str, bytes] = {}
        self._shards: dict[str, dict[int, str]] = {}
        self._bad: set[str] = set()
        self._whole = False

    @property
    def where(self) -> str:
        """Where it is, for messages."""
        return self._store.where(self._name)

    def look(self) -> dict[bytes, dict[int, str]]:
        """Head → number of each finished shard → its SHA-256, for each layout that somebody has begun.

        Objects that were found to be damaged are left out. When all is there, nobody has to look again.
        """
        if not self._whole:
            shards: dict[str, dict[int, str]] = {}
            for name in self._store.names(self._name):
                layout, _, last = name.partition("/")
                number, _, digest = last.partition(".")
                if last == HEAD and layout not in self._heads:
                    self._heads[layout] = self._store.get(f"{self._name}/{name}") or b""
                elif number.isdecimal() and f"{self._name}/{name}" not in self._bad:
                    shards.setdefault(layout, {})[int(number)] = digest
            self._shards = shards
        return {head: dict(self._shards.get(layout, {})) for layout, head in self._heads.items()}

    def is_whole(self) -> None:
        """Say that all shards are there, as the last look has shown."""
        self._whole = True

    def get(self, head: bytes, number: int, digest: str, size: int) -> bytes | None:
        """The bytes of a shard of a size; `None` where they are missing or damaged (which is said)."""
        name = self._of_shard(head, number, digest)
        content = self._store.get(name)
        if content is not None and len(content) == size and hashlib.sha256(content).hexdigest() == digest:
            return content
        log.warning("%s: the object is missing or damaged; it is made again", self._store.where(name))
        self._bad.add(name)
        self._shards.get(_layout(head), {}).pop(number, None)
        self._whole = False
        return None

    def put(self, head: bytes, number: int, digest: str, content: bytes) -> None:
        """Put a finished shard, and before the first one what the array is."""
        layout = _layout(head)
        if self._heads.get(layout) != head:
            self._store.put(f"{self._name}/{layout}/{HEAD}", head)
            self._heads[layout] = head
        name = self._of_shard(head, number, digest)
        self._store.put(name, content)
        self._bad.discard(name)
        self._shards.setdefault(layout, {})[number] = digest

    @contextmanager
    def claims(self, rows: int) -> Iterator[ObjectClaims]:
        """Claims on shards of so many rows, which end with the block."""
        owner = Owner(self._store)
        try:
            yield ObjectClaims(self._store, f"{self._name}/{rows}", owner, self._others)
        finally:
            owner.end()

    def _of_shard(self, head: bytes, number: int, digest: str) -> str:
        return f"{self._name}/{_layout(head)}/{number}.{digest}"


def _layout(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()[:LAYOUT]


@cache
def cache_at(address: str) -> ObjectArrays:
    """The cache in the store of an address, opened once in a process; raises as `qbench.store.objects.store.opened`."""
    return ObjectArrays(opened(address, "cache"))
