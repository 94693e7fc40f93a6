"""The contract of an executor: every unit once, after those that it depends on, and the same results as any other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qbench.execution.run import execute
from qbench.executors.interface import ParallelExecutor
from qbench.executors.problems import Problem
from qbench.executors.work_units import Kind, UnitResult, WorkUnit
from qbench.plugins.records import Executor
from qbench.plugins.registry import Entry, Registry
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.testing import tiny
from qbench.testing.base import Contract, check_summary


@dataclass(frozen=True)
class Noted:
    """Work that takes no time: it notes when each unit was begun and ended, in files that every process can write.

    Attributes
    ----------
    folder : str
        Where the notes are.
    fails : tuple of str
        IDs of the units that fail.
    """

    folder: str
    fails: tuple[str, ...] = ()

    def __call__(self, text: str) -> UnitResult:
        """Execute a unit."""
        unit, begun = WorkUnit.from_json(text), time.monotonic_ns()
        with (Path(self.folder) / unit.id).open("a", encoding="utf-8") as file:
            file.write(f"{begun} {time.monotonic_ns()}\n")
        problem = Problem(stage="score", type="Error", message="meant", what="meant", where="", fix="")
        return UnitResult(unit=unit.id, problem=problem if unit.id in self.fails else None)

    def times(self) -> Mapping[str, list[tuple[int, int]]]:
        """ID of a unit → when it was begun and ended, for each time that it was executed."""
        return {
            file.name: [(int(a), int(b)) for a, b in map(str.split, file.read_text(encoding="utf-8").splitlines())]
            for file in Path(self.folder).iterdir()
        }


def unit(name: str, *after: str) -> WorkUnit:
    """A unit that depends on others."""
    return WorkUnit(id=name, kind=Kind.SCORE, benchmark="tiny", after=after)


UNITS = (unit("a"), unit("b", "a"), unit("c", "a"), unit("d", "b", "c"), unit("e"))

STREAMED = (
    WorkUnit(id="stream", kind=Kind.DECODE, benchmark="tiny", streams=True),
    unit("reads", "stream"),
    unit("last", "reads"),
    unit("other"),
)


class ExecutorContract(Contract):
    """Checks for an executor. Override `executor`."""

    @pytest.fixture
    def executor(self) -> str:
        """Override: the name of the executor."""
        pytest.fail("override the fixture `executor`")

    @pytest.fixture
    def entry(self, executor: str, registry: Registry) -> Entry[Executor]:
        """The record and its plugin."""
        return registry.executor(executor)

    @pytest.fixture
    def notes(self, tmp_path: Path) -> str:
        """An empty folder."""
        folder = tmp_path / "notes"
        folder.mkdir()
        return str(folder)

    def test_the_summary_is_one_line(self, entry: Entry[Executor]) -> None:
        """`qbench list` shows it."""
        check_summary(entry.record.summary)

    def test_every_unit_is_executed_once_after_what_it_depends_on(self, entry: Entry[Executor], notes: str) -> None:
        """No unit begins before those that it depends on have ended."""
        work = Noted(notes)
        results = _executed(entry, UNITS, work)
        times = work.times()
        assert {name: len(found) for name, found in times.items()} == {x.id: 1 for x in UNITS}, "not each once"
        for x in UNITS:
            early = [name for name in x.after if times[name][0][1] > times[x.id][0][0]]
            assert not early, f"{x.id} is executed before {', '.join(early)}, on which it depends"
        assert sorted(result.unit for result in results) == [x.id for x in UNITS], "each result is reported once"

    def test_results_are_reported_where_it_was_called(self, entry: Entry[Executor], notes: str) -> None:
        """In the same thread: the receiver of the results writes files and draws the progress bar."""
        threads: list[int] = []
        _executed(entry, UNITS, Noted(notes), lambda result: threads.append(threading.get_ident()))
        assert set(threads) == {threading.get_ident()}, "results are reported in another thread"

    def test_what_depends_on_a_failed_unit_is_left_out(self, entry: Entry[Executor], notes: str) -> None:
        """Directly or not; the others are executed, and the failure is reported."""
        work = Noted(notes, fails=("b",))
        results = _executed(entry, UNITS, work)
        assert sorted(work.times()) == ["a", "b", "c", "e"], f"executed were {', '.join(sorted(work.times()))}"
        assert [x.unit for x in results if x.problem is not None] == ["b"], "the failure is not told"

    def test_what_reads_a_stream_that_failed_is_left_out(self, entry: Entry[Executor], notes: str) -> None:
        """Also if it was begun before; the stream and the others are reported."""
        results = _executed(entry, STREAMED, Noted(notes, fails=("stream",)))
        assert sorted(x.unit for x in results) == ["other", "stream"], "what reads the stream is reported"

    def test_there_may_be_nothing_to_do(self, entry: Entry[Executor], notes: str) -> None:
        """A run that is complete has no units."""
        assert _executed(entry, (), Noted(notes)) == []

    def test_results_do_not_depend_on_the_executor(
        self, executor: str, registry: Registry, tiny_clip: Path, tiny_images: Path, tmp_path: Path
    ) -> None:
        """A complete run has the same numbers as with the executor of qbench, bit for bit."""
        from qbench.results import load

        numbers: list[pd.DataFrame] = []
        for name in (executor, None):
            spec: dict[str, Any] = {
                "name": "contract",
                "models": [tiny.model(tiny_clip)],
                "quantizers": [tiny.BASELINE, tiny.CAST],
                "benchmarks": [tiny.benchmark(tiny_images)],
            }
            wanted = read_spec(spec | ({"executor": name} if name else {}))
            folder = tmp_path / (name or "default")
            done = execute(wanted, folder / "run", registry=registry, cache=Cache(folder / "cache"))
            results = load(folder / "run")
            assert (done.done, done.failed) == (2, 0), results.cells["error"].tolist()
            numbers.append(results.metrics)
        mine, its = numbers
        pd.testing.assert_frame_equal(mine, its, check_exact=True)


def _executed(
    entry: Entry[Executor],
    units: Sequence[WorkUnit],
    work: Noted,
    done: Callable[[UnitResult], None] = lambda result: None,
) -> list[UnitResult]:
    """The results of units, each also told to `done` where it is reported."""
    results: list[UnitResult] = []

    def both(result: UnitResult) -> None:
        results.append(result)
        done(result)

    executor = entry.record.load(entry.record.options())
    try:
        executor.execute(units, work, both)
    finally:
        if isinstance(executor, ParallelExecutor):
            executor.close()
    return results
