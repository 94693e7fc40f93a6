"""Runs a command as a user would, and measures the whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAUSE = 0.05
"""Seconds between two looks at the memory of a process."""


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes
    ----------
    seconds : float
        From its start to its end.
    cpu : float
        Seconds of all its threads and of the child processes that it waited for.
    anonymous_bytes : int
        The most anonymous memory (``RssAnon``) that the process itself had at one time, its children not counted.
    output : str
        What it wrote to its standard output.
    """

    seconds: float
    cpu: float
    anonymous_bytes: int
    output: str


def measured(command: Sequence[str], *, cache: Path | None = None, more: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end; with `cache` as qbench's cache folder, and without a network.

    Raises
    ------
    RuntimeError
        The command failed; the message has the end of what it wrote.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **(more or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start compiles torch and transformers again
    if cache is not None:
        environment["QBENCH_CACHE"] = str(cache)
    peak, before = 0, os.times()
    with tempfile.TemporaryFile() as written:
        begun = time.perf_counter()
        with subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT) as process:
            while process.poll() is None:
                peak = max(peak, _anonymous_bytes(process.pid))
                time.sleep(PAUSE)
            seconds = time.perf_counter() - begun
        written.seek(0)
        output = written.read().decode()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-3000:]}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(seconds, cpu, peak, output)


def qbench(*arguments: str, cache: Path) -> Measured:
    """Run qbench's command."""
    return measured([str(Path(sys.executable).with_name("qbench")), *arguments], cache=cache)


def python(module: str, *arguments: str, interpreter: str = sys.executable) -> Measured:
    """Run a file of this folder in a process of its own."""
    return measured([interpreter, "-W", "ignore", str(Path(__file__).with_name(module)), *arguments])


def _anonymous_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)
