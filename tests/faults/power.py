"""What a power loss after a finished run could lose: every file is on the disk before its name, and then its folder.

The calls of a real run are recorded; the order of writes below the file system is not (that takes a disk that replays
blocks).
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

from .study import LOGS, Outcome, Study, names

NOT_KEPT = (*LOGS, ".lock", "in-use")
"""Files that hold nothing a user loses."""


def _record(path: Path) -> None:
    """Write to `path` what this process puts on the disk and what it renames, in order."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def said(*event: Any) -> None:
        os.write(log, (json.dumps([str(x) for x in event]) + "\n").encode())

    def fsync(handle: Any, call: Any = os.fsync) -> None:
        call(handle)
        number = handle if isinstance(handle, int) else handle.fileno()
        said("fsync", os.fstat(number).st_ino)

    def renamed(call: Any, source: Any, target: Any, **more: Any) -> None:
        inode = Path(source).stat().st_ino
        call(source, target, **more)
        said("rename", inode, Path(target).absolute())

    os.fsync = fsync
    os.replace, os.rename = partial(renamed, os.replace), partial(renamed, os.rename)


def lost(events: list[list[str]], folder: Path, files: set[str]) -> list[str]:
    """Which of the files a power loss could take, and why: from what was recorded, in order."""
    synced = {inode: at for at, (what, inode, *_) in enumerate(events) if what == "fsync"}
    first = {inode: at for at, (what, inode, *_) in reversed(list(enumerate(events))) if what == "fsync"}
    named = {(inode, path): at for at, (what, inode, *rest) in enumerate(events) if what == "rename" for path in rest}
    found = []
    for name in sorted(files):
        path = folder / name
        inode = str(path.stat().st_ino)
        at = named.get((inode, str(path)))
        if inode not in first:
            found.append(f"{name}: it is not put on the disk")
        elif at is not None and first[inode] > at:
            found.append(f"{name}: it gets its name before it is on the disk")
        found += [
            f"{name}: its name in {above} is not put on the disk"
            for above in path.parents
            if above.is_relative_to(folder)
            and synced.get(str(above.stat().st_ino), -1) < ((at or 0) if above == path.parent else 0)
        ]
    return found


def power_loss(study: Study, seed: int) -> Outcome:
    """Record a run from nothing, and judge every file that it leaves."""
    study.fresh("cache", "run")
    record = study.folder / "events.jsonl"
    record.unlink(missing_ok=True)
    done = study.qbench(*study.again(), before=partial(_record, record))
    events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    files = {x for x in names(study.trial) if not x.endswith(NOT_KEPT)}
    why = done.wrong or (done.code and done.said) or "\n".join(lost(events, study.trial, files))
    return Outcome(
        kind="order of writes", fault=f"{len(files)} files", result="bad" if why else "identical", why=str(why or "")
    )
