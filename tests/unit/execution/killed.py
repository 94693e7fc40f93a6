"""Work that is killed by SIGKILL after it has written so many files, in a process of its own."""

import os
import signal
from pathlib import Path

import pytest


class Files:
    """Counts the files that get their names while it is used as a context, and does something at one of them."""

    def __init__(self, at=0, then=lambda: None):
        self.number, self._at, self._then = 0, at, then
        self._patch = pytest.MonkeyPatch()

    def __enter__(self):
        replace = Path.replace

        def counted(path, target):
            done = replace(path, target)
            self.number += 1
            if self.number == self._at:
                self._then()
            return done

        self._patch.setattr(Path, "replace", counted)
        return self

    def __exit__(self, *_):
        self._patch.undo()


def killed_after(files, work):
    """Do some work in a process that is killed when so many files have their names; whether it was killed."""
    process = os.fork()
    if not process:
        with Files(files, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])
