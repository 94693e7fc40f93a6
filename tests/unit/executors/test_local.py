"""The executor ``local``: what streams is executed beside the units that read it."""

import threading

import pytest

from qbench.executors.local import LocalExecutor
from qbench.executors.problems import Problem
from qbench.executors.work_units import Kind, Resources, UnitResult, WorkUnit

PROBLEM = Problem(stage="data", type="DataError", message="it is damaged", what="it is damaged", where="", fix="")


def unit(name, *after, kind=Kind.ANSWER, **how):
    return WorkUnit(id=name, kind=kind, benchmark="b", after=after, **how)


def stream(name):
    return unit(name, kind=Kind.DECODE, streams=True)


class Works:
    """Executes units: a stream goes on until its event is set."""

    def __init__(self, *fail):
        self.fail, self.begun, self.ended = fail, [], threading.Event()

    def __call__(self, text):
        found = WorkUnit.from_json(text)
        if found.streams:
            assert self.ended.wait(60)
        else:
            self.begun.append(found.id)
            self.ended.set()
        return UnitResult(unit=found.id, problem=PROBLEM if found.id in self.fail else None)


def executed(work, *units):
    results = []
    LocalExecutor().execute(units, work, results.append)
    return [(result.unit, result.problem is None) for result in results]


def test_a_unit_begins_before_the_stream_that_it_reads_is_done():
    work = Works()  # the stream is done only after a unit has begun
    assert executed(work, stream("s"), unit("a", "s"), unit("b", "a")) == [("s", True), ("a", True), ("b", True)]


def test_what_was_begun_counts_for_nothing_where_its_stream_fails():
    work = Works("s", "a")
    assert executed(work, stream("s"), unit("a", "s"), unit("b", "a"), unit("c")) == [("s", False), ("c", True)]
    assert work.begun == ["a", "c"]


def test_what_measures_time_begins_after_all_streams_are_done():
    work = Works()
    work.ended.set()
    alone = unit("speed", kind=Kind.SPEED, wants=Resources(alone=True))
    assert [name for name, _ in executed(work, stream("s"), stream("t"), alone)] == ["s", "t", "speed"]


def test_streams_are_not_waited_for_after_an_error():
    begun = threading.Event()

    def work(text):
        if WorkUnit.from_json(text).streams:
            begun.wait(60)
            raise AssertionError("nobody is told of this")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executed(work, stream("s"), unit("a", "s"))
    begun.set()
