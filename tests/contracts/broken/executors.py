"""Executors: one unit after another, and what can be wrong with that."""

from __future__ import annotations

from broken.caught import CAUGHT
from qbench.api.executors import Executor


class InTurn:
    """Executes the units in their order; `wrong` says what it gets wrong."""

    def __init__(self, wrong=""):
        self.wrong = wrong

    def execute(self, units, work, done):
        if self.wrong == "empty" and not units:
            raise AssertionError("there is nothing to do")
        failed = set()
        for unit in reversed(units) if self.wrong == "backwards" else units:
            if self.wrong != "stubborn" and not failed.isdisjoint(unit.after):
                failed.add(unit.id)
                continue
            result = work(unit.to_json())
            if self.wrong == "twice":
                result = work(unit.to_json())
            self._tell(result, done)
            if result.problem is not None and not (self.wrong == "trusting" and unit.streams):
                failed.add(unit.id)
            if self.wrong == "short" and len(units) > 4 and unit is units[2]:
                return

    def _tell(self, result, done):
        from threading import Thread

        if self.wrong != "thread":
            done(result)
            return
        telling = Thread(target=done, args=(result,))
        telling.start()
        telling.join()


def executor(name, caught="", said="", wrong="", **changes):
    CAUGHT[name] = caught, said
    return Executor(**{"name": name, "summary": "broken", "load": lambda options: InTurn(wrong), **changes})


ORDERED = "test_every_unit_is_executed_once_after_what_it_depends_on"

EXECUTORS = [
    executor("good-executor"),
    executor("x-silent", "test_the_summary_is_one_line", "is empty", summary=""),
    executor("x-twice", ORDERED, "not each once", "twice"),
    executor("x-backwards", ORDERED, "on which it depends", "backwards"),
    executor("x-thread", "test_results_are_reported_where_it_was_called", "in another thread", "thread"),
    executor("x-stubborn", "test_what_depends_on_a_failed_unit_is_left_out", "a, b, c, d, e", "stubborn"),
    executor("x-trusting", "test_what_reads_a_stream_that_failed_is_left_out", "what reads the stream", "trusting"),
    executor("x-empty", "test_there_may_be_nothing_to_do", "there is nothing to do", "empty"),
    executor("x-short", "test_results_do_not_depend_on_the_executor", "", "short"),
]
