"""Image sources: the files of a folder, and what can be wrong with them. They are registered by no hook."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from pathlib import Path

from broken.caught import CAUGHT
from qbench.api import FolderSource, ImageSource

COUNTER = itertools.count()


@dataclass(frozen=True)
class Wrong(ImageSource):
    """The files of a folder; `wrong` says what it gets wrong."""

    root: str
    wrong: str = ""

    def __getstate__(self):
        """What is pickled."""
        return {"root": self.root, "wrong": "lost" if self.wrong == "forgets" else self.wrong}

    def place(self):
        return self.root

    def exists(self, key):
        return self.wrong == "everything" or (Path(self.root) / key).is_file()

    def open(self, key):
        if self.wrong == "text":
            return io.BytesIO(b"an image")
        if self.wrong == "threads" and next(COUNTER) % 5 == 4:
            return io.BytesIO(b"")
        return (Path(self.root) / key).open("rb")

    def digest(self, key):
        return "0" * 64 if self.wrong == "digest" else super().digest(key)

    def stamp(self, key):
        return (next(COUNTER),) if self.wrong == "stamp" else None

    def id(self, key):
        return str(Path(self.root) / key) if self.wrong == "absolute" else key


def source(name, caught="", said="", make=None):
    CAUGHT[name] = caught, said
    return name, make or (lambda root: Wrong(str(root), name.partition("-")[2]))


SOURCES = [
    source("good-images", make=FolderSource),
    source("good-others", make=lambda root: Wrong(str(root))),
    source("i-forgets", "test_it_can_be_sent_to_another_process", "not equal"),
    source("i-everything", "test_it_knows_which_images_it_has", "exists"),
    source("i-text", "test_what_is_opened_is_an_image", "is not an image"),
    source("i-digest", "test_the_digest_is_that_of_the_content", "another digest"),
    source("i-stamp", "test_the_stamp_stays_the_same", "the stamp changes"),
    source("i-absolute", "test_ids_mean_the_same_on_every_machine", "names a place on this machine"),
    source("i-threads", "test_several_threads_may_read", "other images"),
]
