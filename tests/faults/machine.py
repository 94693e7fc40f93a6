"""Faults of the machine, injected for real: a message with exit code 2 or a failed cell, and then the same results."""

from __future__ import annotations

import os
import random
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from .study import SECONDS, Ended, Outcome, Study

DECODER = """
import os, time
import PIL.Image
opened, fault = PIL.Image.open, {fault!r}
def open_(*arguments, **options):
    if {chance} > int.from_bytes(os.urandom(1), "big"):
        open({met!r}, "w").close()
        time.sleep(30) if fault == "sleeps" else os.kill(os.getpid(), 9)
    return opened(*arguments, **options)
PIL.Image.open = open_
"""
"""What a process that decodes images imports when it starts: some images are decoded by a decoder with a fault."""
SAID = {
    "a full disk": "the disk is full|are free",
    "a read-only disk": "read-only",
    "ulimit -f": "larger than this process may write",
    "ulimit -n": "too many open files",
    "ulimit -v": "memory",
}
"""By what a fault is known to have been met: what the command says of it. A decoder with a fault leaves a file."""
ENDED = {127: "cannot allocate memory for thread-local data", -6: r"memory allocation of \d+ bytes failed"}
"""Exit code → what is said by the C library before it ends a process in which a thread lacks memory for its own
variables, and by a library in Rust before it ends one in which it lacks memory. No program can report this, because it
is not an exception. What was finished has to be kept as after a kill."""
MET = "met"
"""The name of this file."""
SLEEPING = 200.0
"""Seconds after which a command hangs whose decoder sleeps: each image may take its time."""


class MountRefusedError(Exception):
    """This machine does not let this user mount."""


@contextmanager
def mounted(folder: Path, *commands: tuple[str, ...]) -> Iterator[None]:
    """Mount something at a folder for a while."""
    done = None
    for words in commands:
        done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True)
        if done.returncode:
            raise MountRefusedError(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _limit(which: int, size: int) -> None:
    resource.setrlimit(which, (size, size))


def _limit_memory(more: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + more)


def _decode_with(folder: Path) -> None:
    os.environ["PYTHONPATH"] = str(folder)


def _full(study: Study, rng: random.Random, kind: str) -> tuple[str, Callable[[], None] | None, object]:
    size = rng.randrange(16, 1800)
    return f"{size} KiB", None, mounted(study.trial, ("-t", "tmpfs", "-o", f"size={size}k", "none"))


def _read_only(study: Study, rng: random.Random, kind: str) -> tuple[str, Callable[[], None] | None, object]:
    folder = rng.choice((study.trial, study.cache, study.run))
    for path in (study.cache, study.run):
        path.mkdir()
    bind = mounted(folder, ("--bind", str(folder)), ("-o", "remount,bind,ro"))
    return folder.name, None, bind


def _limited(study: Study, rng: random.Random, kind: str) -> tuple[str, Callable[[], None] | None, object]:
    size = {
        "ulimit -f": rng.randrange(1_000, 1_000_000),
        "ulimit -n": rng.randrange(8, 26),
        "ulimit -v": rng.randrange(1_000_000, 100_000_000),
    }[kind]
    if kind == "ulimit -v":
        return str(size), partial(_limit_memory, size), nullcontext()
    which = resource.RLIMIT_FSIZE if kind == "ulimit -f" else resource.RLIMIT_NOFILE
    return str(size), partial(_limit, which, size), nullcontext()


def _decoder(study: Study, rng: random.Random, kind: str) -> tuple[str, Callable[[], None] | None, object]:
    folder = study.folder / "site"
    folder.mkdir(exist_ok=True)
    sleeps = kind == "a decoder sleeps"
    chance = 12 if sleeps else rng.randrange(8, 200)
    (study.folder / MET).unlink(missing_ok=True)
    text = DECODER.format(fault="sleeps" if sleeps else "ends", chance=chance, met=str(study.folder / MET))
    (folder / "sitecustomize.py").write_text(text)
    return "", partial(_decode_with, folder), nullcontext()


FAULTS: dict[str, Callable[..., tuple[str, Callable[[], None] | None, object]]] = {
    "a full disk": _full,
    "a read-only disk": _read_only,
    "ulimit -f": _limited,
    "ulimit -n": _limited,
    "ulimit -v": _limited,
    "a decoder sleeps": _decoder,
    "a decoder is killed": _decoder,
}


def machine_fault(study: Study, seed: int) -> Outcome:
    """Run from nothing with a fault of the machine, and again without it; each fault comes in turn."""
    rng = random.Random(seed)
    kind = list(FAULTS)[seed % len(FAULTS)]
    study.fresh("cache", "run")
    size, before, place = FAULTS[kind](study, rng, kind)
    fault = f"seed {seed}: {size}"
    seconds = SLEEPING if kind == "a decoder sleeps" else SECONDS
    try:
        with place:  # type: ignore[attr-defined]
            done = study.qbench(*study.again(), before=before, seconds=seconds)
            resumed = None
            if kind == "a full disk":  # what was written is kept, and the disk gets larger
                subprocess.run(["mount", "-o", "remount,size=100m", str(study.trial)], check=True)
                resumed = _resumed(study)
    except MountRefusedError as error:
        return Outcome(kind=kind, fault=fault, result="skipped", why=f"mounting is refused: {error}")
    ended = kind == "ulimit -v" and by_a_library(done)
    why = ("" if ended else done.wrong) or (_resumed(study) if resumed is None else resumed)
    usual = {0: "identical"}.get(done.code or 0, done.result) if _met(study, kind, done) else "not met"
    usual = "ended" if ended else usual
    return Outcome(kind=kind, fault=fault, result="bad" if why else usual, why=why)


def by_a_library(done: Ended) -> bool:
    """Whether a library ended the command for want of memory, which it says itself."""
    return done.code in ENDED and re.search(ENDED[done.code], done.said) is not None


def _met(study: Study, kind: str, done: Ended) -> bool:
    """Whether the command met the fault."""
    if kind in SAID:
        return re.search(SAID[kind], done.said, re.IGNORECASE) is not None
    return (study.folder / MET).exists()


def _resumed(study: Study) -> str:
    """What is wrong with the results when the machine is well again; empty where nothing is."""
    done = study.qbench(*study.again())
    return done.wrong or (done.said if done.code else "") or study.differs() or study.left()
