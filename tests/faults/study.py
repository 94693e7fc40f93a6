"""A small study for the injection of faults: what it reads, commands in processes of their own, and its results.

Nothing is simulated in the study itself: the images are decoded, the demo's checkpoint is quantized and asked, and the
report is written.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from qbench.runfolder.integrity import SEAL, seal_of

IMAGES = 24
SECONDS = 60.0
"""A command that takes longer hangs; an undisturbed one takes seconds. The longest that any took is said."""
SPEC = """name = "faults"
models = ["demo/balanced"]
quantizers = ["fp32", "hf-int8"]
baseline = "fp32"
device = "cpu"
batch_size = 8
workers = 1

[[benchmarks]]
name = "declared"
root = "dataset.toml"
"""
DATASET = """name = "jobs"
protocol = "classification-disparity"
licence = "CC0-1.0"
perceived = true
min_group = 1

[table]
file = "people.csv"
image = "file"
label = "job"
folder = "images"

[prompts]
template = "a photo of a {}."

[attributes.sex]
values = { woman = "f", man = "m" }
pairs = [["woman", "man"]]
"""
SEARCH_SPEC = (
    SPEC.replace('"hf-int8"', '"hf-int4", "hf-int8"')
    .replace("dataset.toml", "answers.toml")
    .replace("device =", 'policy = "policy.toml"\ndevice =')
)
POLICY = """version = 1

[[rule]]
id = "all"
metric = "accuracy"
scope = "overall"
limit = 0.4
"""
"""What a search of the study may lose, on twelve items."""
TIMES = ("seconds", "created", "updated", SEAL)
"""Keys of JSON files that hold times, or the digest of the values, of which the times are some."""
REPORTED_TIMES = re.compile(r'<p class="when">.*|<dt>(Run|Time)</dt>.*')
RESULTS = ("identical", "healed", "read", "refused", "failed cell", "ended", "not met", "skipped", "bad")
LOGS = ("run.log", "run.log.jsonl")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one fault.

    Attributes
    ----------
    kind : str
        What was done.
    fault : str
        Which, so that it can be done again: the seed and what was drawn with it.
    result : str
        One of `RESULTS`.
        ``ended``: a library ended the process with a message of its own, see `tests.faults.machine.ENDED`.
        ``not met``: the fault was injected, and nothing met it.
    why : str
        What is wrong, or why it was skipped.
    """

    kind: str
    fault: str
    result: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit code (negative: by a signal; `None`: it hung and was killed), and what it said."""

    code: int | None
    said: str

    @property
    def result(self) -> str:
        """What its exit code says of an input."""
        return {0: "read", 1: "failed cell", 2: "refused"}.get(-1 if self.code is None else self.code, "bad")

    @property
    def wrong(self) -> str:
        """What no command may do, whatever was done to it; empty where it did not."""
        if self.code is None:
            return "it hangs"
        for word in ("Traceback (most recent call last)", "This is a defect of qbench"):
            if word in self.said:
                return self.said[-2000:]
        return "" if self.code in (0, 1, 2) else f"it ended with {self.code}: {self.said[-2000:]}"


def _become(arguments: list[str], folder: Path, cache: Path, said: Path, before: Callable[[], None] | None) -> None:
    """Be the command ``qbench ARGUMENTS``, in a process that has imported what is heavy."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(handle, number)
    os.environ.update({"QBENCH_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "COLUMNS": "200"})
    os.chdir(folder)
    sys.argv = ["qbench", *arguments]
    if before is not None:
        before()
    from qbench.cli import main
    from qbench.store import arrays

    arrays.SHARD_ROWS = 8  # so that there are several shards to lose
    main()


class Study:
    """The study in a folder, with the run folder and the cache folder of an undisturbed run.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder. A trial is a copy of the run folder and the cache folder in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trial = folder / "trial"
        self.run, self.cache = self.trial / "run", self.trial / "cache"
        self._said = folder / "said.txt"
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", "tests.faults.warm"])
        self._write()
        self.seconds: dict[str, float] = {}
        self.searches: dict[str, tuple[dict[str, Any], set[str]]] = {}
        self.longest = 0.0
        self._undisturbed()
        self._write_search()
        self.results = results(self.run)
        self.names = names(self.trial)
        self.trial.rename(folder / "whole")

    def _write(self) -> None:
        rng = np.random.default_rng(0)
        (self.folder / "images").mkdir(parents=True)
        rows = ["file,job,sex"]
        for i in range(IMAGES):
            pixels = rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((80, 60)).save(self.folder / f"images/{i}.png")
            rows.append(f"{i}.png,{('nurse', 'doctor', 'judge')[i % 3]},{'fm'[i // 3 % 2]}")
        for name, text in {"people.csv": "\n".join(rows) + "\n", "dataset.toml": DATASET, "spec.toml": SPEC}.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def _write_search(self) -> None:
        """Write a spec whose baseline answers better than chance, as a search needs it: the labels are its answers."""
        (cell,) = (path.parent for path in self.run.rglob("cell.json") if path.parent.name.startswith("fp32-"))
        answers = pd.read_parquet(cell / "items.parquet")["prediction"]
        rows = [f"{i}.png,{answer},{'fm'[i // 3 % 2]}" for i, answer in enumerate(answers)]
        for name, text in {
            "answers.csv": "\n".join(["file,job,sex", *rows]) + "\n",
            "answers.toml": DATASET.replace("people.csv", "answers.csv"),
            "search.toml": SEARCH_SPEC,
            "policy.toml": POLICY,
        }.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def _undisturbed(self) -> None:
        """Make the results without a fault: from nothing, and the run folder once more from the cache folder."""
        warm = self._context.Process(target=int)
        warm.start()  # the server imports what it has to import
        warm.join()
        for _ in range(2):
            shutil.rmtree(self.run, ignore_errors=True)
            self.trial.mkdir(exist_ok=True)
            done = self.qbench(*self.again())
            assert done.code == 0, done.said

    def again(self, *options: str) -> tuple[str, ...]:
        """The command that makes all results, or those that are missing."""
        return "run", "spec.toml", "--out", str(self.run), *options

    def start(self, *arguments: str, before: Callable[[], None] | None = None) -> BaseProcess:
        """Start a command."""
        process = self._context.Process(
            target=_become, args=(list(arguments), self.folder, self.cache, self._said, before)
        )
        process.start()
        return process

    def ended(self, process: BaseProcess, seconds: float = SECONDS) -> Ended:
        """Wait for a command; kill it if it hangs."""
        started = time.monotonic()
        process.join(seconds)
        if seconds == SECONDS:
            self.longest = max(self.longest, time.monotonic() - started)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
        return Ended(code=code, said=self._said.read_text(encoding="utf-8", errors="replace"))

    def qbench(self, *arguments: str, before: Callable[[], None] | None = None, seconds: float = SECONDS) -> Ended:
        """Run a command to its end."""
        return self.ended(self.start(*arguments, before=before), seconds)

    def fresh(self, *without: str) -> None:
        """Begin a trial with what the undisturbed run left, without some of its folders."""
        shutil.rmtree(self.trial, ignore_errors=True)
        shutil.copytree(self.folder / "whole", self.trial)
        self.remove(*without)

    def remove(self, *folders: str) -> None:
        """Remove folders of the trial."""
        for name in folders:
            shutil.rmtree(self.trial / name)

    def differs(self, *, report: bool = True) -> str:
        """Which results of the trial differ from those of the undisturbed run; empty where none does."""
        found = results(self.run)
        compared = {*found, *self.results} - (set() if report else {"report.html"})
        return ", ".join(x for x in sorted(compared) if found.get(x) != self.results.get(x))

    def left(self, known: Collection[str] = ()) -> str:
        """Files of the trial that no undisturbed run leaves, and processes of it; empty where there are none.

        `known` are the files that another undisturbed command leaves.
        """
        usual = (*LOGS, ".lock", ".claims", ".memo")  # a run that computes less may need other locks, and logs less
        files = sorted(x for x in names(self.trial) - {*(known or self.names)} if not x.endswith(usual))
        return ", ".join([*files, *(f"process {x}" for x in processes(self.cache))])


def names(folder: Path) -> set[str]:
    """The files in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def results(run: Path) -> dict[str, Any]:
    """All that a run folder holds apart from times: bytes of tables, values of records, lines of the report."""
    return {name: _result(run / name) for name in names(run) if not name.endswith((*LOGS, ".lock"))}


def _result(path: Path) -> Any:
    if path.suffix == ".json":
        try:
            values = json.loads(path.read_bytes())
        except ValueError:
            return "damaged"
        return {"sealed": values.get(SEAL) == seal_of(values), **_untimed(values)}
    if path.suffix == ".html":
        return REPORTED_TIMES.sub("", path.read_text(encoding="utf-8", errors="replace"))
    return path.read_bytes()


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _untimed(x) for name, x in value.items() if name not in TIMES}
    return [_untimed(x) for x in value] if isinstance(value, list) else value


def processes(cache: Path) -> list[int]:
    """The processes that were started for a cache folder and still work, a few seconds later."""
    wanted = f"QBENCH_CACHE={cache}".encode()
    for _ in range(50):
        found = [int(x.parent.name) for x in Path("/proc").glob("[0-9]*/environ") if wanted in _environment(x)]
        if not found:
            break
        time.sleep(0.1)
    return found


def _environment(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:  # it has ended, or belongs to somebody else
        return []
