"""Images in a database. Each process that decodes them imports this module, which therefore imports nothing heavy."""

import io
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass

from qbench.images.interface import ImageSource


class Shelf:
    """Images in a database: key → content."""

    def __init__(self, path):
        self.path = str(path)
        with self._opened() as shelf:
            shelf.execute("CREATE TABLE IF NOT EXISTS images (key TEXT PRIMARY KEY, content BLOB)")

    def __setitem__(self, key, content):
        with self._opened() as shelf:
            shelf.execute("INSERT OR REPLACE INTO images VALUES (?, ?)", (key, content))

    def __getitem__(self, key):
        with self._opened() as shelf:
            [content] = shelf.execute("SELECT content FROM images WHERE key = ?", (key,)).fetchone() or [None]
        if content is None:
            raise KeyError(key)
        return content

    def names(self):
        with self._opened() as shelf:
            return [key for (key,) in shelf.execute("SELECT key FROM images ORDER BY key")]

    @contextmanager
    def _opened(self):
        with closing(sqlite3.connect(self.path)) as connection, connection:
            yield connection


@dataclass(frozen=True)
class ShelfSource(ImageSource):
    """The images of a database: small to send, because it holds the database's path."""

    path: str

    def place(self):
        return self.path

    def exists(self, key):
        return key in Shelf(self.path).names()

    def open(self, key):
        if not self.exists(key):
            raise FileNotFoundError(key)
        return io.BytesIO(Shelf(self.path)[key])
