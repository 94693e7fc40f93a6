"""Several shards of the study at once, as real processes; one of them is killed while it works."""

from __future__ import annotations

import os
import signal

from qbench.store import arrays

from .study import Ended, Study

PARTS = 4
"""Of two variants: the answers of each are divided."""


def small_parts() -> None:
    """Have three parts of the images and of the answers, where a study with so few images has one."""
    arrays.SHARD_ROWS = 8


def killed_at_work() -> None:
    """Be killed when the first part, whatever it is, was computed and is to be recorded."""
    small_parts()

    def finish(filling: arrays.Filling, number: int, digest: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    arrays.Filling.finish = finish  # type: ignore[method-assign]


def four_at_once(study: Study, *, killed: int) -> list[Ended]:
    """Start all shards in new folders, of which one is killed; how each ended."""
    study.fresh("cache", "run")
    started = [
        study.start(
            *study.again("--shard", f"{number}/{PARTS}"), before=killed_at_work if number == killed else small_parts
        )
        for number in range(1, PARTS + 1)
    ]
    return [study.ended(process) for process in started]
