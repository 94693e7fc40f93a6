"""Work in a thread that nobody has to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def in_background(work: Callable[[], Result]) -> Future[Result]:
    """Begin some work in a thread of its own, which does not keep the process from ending.

    Examples
    --------
    >>> in_background(lambda: 1 + 1).result()
    2
    """
    made: Future[Result] = Future()

    def run() -> None:
        try:
            made.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            made.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return made
