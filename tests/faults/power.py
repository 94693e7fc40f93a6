"""What a power loss could leave: each file is on the disk before its name; a run continues from states of the disk.

The calls of a real run are recorded, and states of the disk are made of them (`Disk`). This is a model of a file system
that keeps only what it has to: of a file the content that it had at its last ``fsync`` (nothing, if there was none), of
a folder the names that it had at its last ``fsync``. What came later may be lost or kept, name by name and file by
file, in any order. Not in the model: a file of which a part of what was written later is kept, and disks that lose
what they reported as written.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing.util
import os
import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from .study import LOGS, Outcome, Study, names

LOSS = "power loss"
MIXED = 0.6
"""The share of states that have some of what need not be on the disk."""
NOT_KEPT = (*LOGS, ".lock", ".claims", "in-use")
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


class Disk:
    """What has to be on the disk, by what a process has put there, and states in which a power loss could leave it.

    Parameters
    ----------
    root : pathlib.Path
        The folder; what is in it now is on the disk.
    out : pathlib.Path
        An empty folder, where the states are written.
    rng : random.Random
        Decides what a state has of what need not be on the disk.
    """

    def __init__(self, root: Path, out: Path, rng: random.Random) -> None:
        self.root, self.out, self.rng = root, out, rng
        self.files: dict[int, bytes] = {}
        self.folders: dict[int, dict[str, int]] = {}
        self.open: list[int] = []
        for path in [root, *root.rglob("*")]:
            self.put(path)

    def put(self, path: Path) -> None:
        """Note that a file or folder, as it is now, is on the disk."""
        self.open.append(os.open(path, os.O_RDONLY))  # while it is open, nothing else gets its number
        number = path.stat().st_ino
        if path.is_dir():
            self.folders[number] = _listing(path)
        else:
            self.files[number] = path.read_bytes()

    def write(self, name: str, *, mixed: bool) -> None:
        """Write a state of the disk: without all that need not be there, or (`mixed`) with some of it."""
        now = {path.stat().st_ino: path for path in [self.root, *self.root.rglob("*")]}
        self._node(self.root.stat().st_ino, self.out / name, now, mixed)

    def _node(self, number: int, target: Path, now: dict[int, Path], mixed: bool) -> None:
        path = now.get(number)
        if number not in self.folders and (path is None or not path.is_dir()):
            contents = [self.files.get(number, b""), *([path.read_bytes()] if mixed and path is not None else [])]
            target.write_bytes(self.rng.choice(contents))
            return
        target.mkdir()
        kept, there = self.folders.get(number, {}), _listing(path) if mixed and path is not None else None
        for name in sorted({*kept, *(there or {})}):
            chosen = self.rng.choice([kept.get(name), *([there.get(name)] if there is not None else [])])
            if chosen is not None:
                self._node(chosen, target / name, now, mixed)


def _listing(folder: Path) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def power_losses(study: Study, seed: int, *, sampled: float = 0.1) -> list[Outcome]:
    """Run from nothing; lose what need not be on the disk, at some moments and at the end; continue from each state.

    `sampled` is the share of the calls before which a state is made.
    """
    out = study.folder / "states"
    shutil.rmtree(out, ignore_errors=True)
    study.fresh("cache", "run")
    done = study.qbench(*study.again(), before=partial(_model, study.trial, out, seed, sampled))
    if done.wrong or done.code:
        return [Outcome(kind=LOSS, fault=f"seed {seed}", result="bad", why=done.said)]
    found = []
    for state in sorted(out.iterdir()):
        shutil.rmtree(study.trial)
        state.rename(study.trial)
        why = study.differs() if state.name == "end" else ""
        done = study.qbench(*study.again())
        why = why or done.wrong or (done.said if done.code else "") or study.differs() or study.left()
        kind = f"{LOSS} after the run" if state.name == "end" else f"{LOSS} during the run"
        fault = f"seed {seed}, state {state.name}"
        found.append(Outcome(kind=kind, fault=fault, result="bad" if why else "identical", why=why))
    return found


def _model(root: Path, out: Path, seed: int, sampled: float) -> None:
    """Have this process note what it puts on the disk, and write states before some calls, and one at its end."""
    out.mkdir()
    rng, numbers = random.Random(seed), itertools.count(1)
    disk = Disk(root, out, rng)

    def perhaps() -> None:
        if rng.random() < sampled:
            disk.write(str(next(numbers)), mixed=rng.random() < MIXED)

    def fsync(handle: Any, call: Any = os.fsync) -> None:
        perhaps()
        call(handle)
        disk.put(Path(f"/proc/self/fd/{handle if isinstance(handle, int) else handle.fileno()}"))

    def renamed(call: Any, source: Any, target: Any, **more: Any) -> None:
        perhaps()
        call(source, target, **more)

    os.fsync = fsync
    os.replace, os.rename = partial(renamed, os.replace), partial(renamed, os.rename)
    multiprocessing.util.Finalize(None, partial(disk.write, "end", mixed=False), exitpriority=1)


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
