"""Small values of the cache that machines exchange by an object store."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qbench.store.files import atomic
from qbench.store.memos import Memo, memo_in
from qbench.store.objects.store import ObjectStore

log = logging.getLogger(__name__)


class ExchangedMemo(Memo):
    """A value that is looked for in an object store, too, and put there when it is written; see `Memo`.

    Parameters
    ----------
    path : pathlib.Path
        The file on this machine.
    parts : mapping
        All that decides the value, and nothing of it may be a matter of this machine alone.
    store : ObjectStore
        The store.
    name : str
        The object. It has the same content as the file, with a digest.
    """

    def __init__(self, path: Path, parts: Mapping[str, Any], store: ObjectStore, name: str) -> None:
        super().__init__(path, parts)
        self._store, self._name = store, name

    def read(self) -> dict[str, Any] | None:
        """The value; `None` where it is nowhere, or is damaged (which is said)."""
        return super().read() or self._fetched()

    def write(self, value: Mapping[str, Any]) -> bool:
        """Remember a value on this machine and in the store. An object of the same name has the same value."""
        self._store.put(self._name, self.content(value))
        return super().write(value)

    def _fetched(self) -> dict[str, Any] | None:
        content = self._store.get(self._name)
        if content is None:
            return None
        if memo_in(content) is None:
            log.warning("%s: the object is damaged; it is made again", self._store.where(self._name))
            return None
        with atomic(self.path) as temporary:
            temporary.write_bytes(content)
        return super().read()
