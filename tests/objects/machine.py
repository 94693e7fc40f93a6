"""What a process does that is a machine of its own: it has nothing but a folder and an object store."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from qbench.execution.run import execute
from qbench.execution.sharding import Shard
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.exchange import RunExchange
from qbench.store import arrays
from qbench.store.cache import Cache
from qbench.store.objects.store import opened
from qbench.store.objects.versions import VersionedFolder
from tests.unit.execution.conftest import fakes, toy_spec

RUN, CACHE = "s3://bucket/runs/study", "s3://bucket/cache"
PARTS = 4
"""Of two variants: the answers of each are divided."""
CONCLUDED = 10
"""The exit code of a process that has concluded the run."""


def compute(number: int, folder: Path, killed: bool) -> None:
    """Compute a shard, and conclude the run where it is the last one; `killed` before anything is recorded."""
    arrays.SHARD_ROWS = 5  # three parts of 12 images, of 5, 5 and 2: a batch has 5
    if killed:
        arrays.Filling.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    exchange = RunExchange(VersionedFolder(opened(RUN, "run")), folder / "run")
    cache, shard = Cache(folder / "cache", CACHE), Shard(number, PARTS)
    done = execute(
        toy_spec(speed=1, noise=1), exchange.folder, registry=fakes([]), cache=cache, shard=shard, exchange=exchange
    )
    if done.complete:
        analysed(load(exchange.folder))
        assert exchange.conclude()
        sys.exit(CONCLUDED)
