"""The executor ``local``: this process, one unit after another, in the planned order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from qbench.executors.work_units import UnitResult, WorkUnit


class LocalExecutor:
    """Executes the units in their order, and beside them those that stream, in a second thread.

    See `qbench.executors.interface.UnitExecutor`.
    """

    def execute(
        self, units: Sequence[WorkUnit], work: Callable[[str], UnitResult], done: Callable[[UnitResult], None]
    ) -> None:
        """Execute the units, but for those that depend on one that failed."""
        second = ThreadPoolExecutor(1)
        try:
            streams = {unit.id: second.submit(work, unit.to_json()) for unit in units if unit.streams}
            _Execution(streams, work, done).of([unit for unit in units if not unit.streams])
        finally:
            second.shutdown(wait=False, cancel_futures=True)


class _Execution:
    """Executes what does not stream.

    Parameters
    ----------
    streams : dict of str to Future
        ID of each unit that streams → its result.
    work, done : callable
        As in `qbench.executors.interface.UnitExecutor`.
    """

    def __init__(
        self,
        streams: dict[str, Future[UnitResult]],
        work: Callable[[str], UnitResult],
        done: Callable[[UnitResult], None],
    ) -> None:
        self._streams, self._work, self._done = streams, work, done
        self._failed: set[str] = set()

    def of(self, units: Sequence[WorkUnit]) -> None:
        for unit in units:
            if unit.wants.alone:
                self._end(list(self._streams))
            if self._may_be_done(unit):
                result = self._work(unit.to_json())
                self._end(unit.after)  # a unit whose stream failed is not done, whatever came of it
                if self._may_be_done(unit):
                    self._report(result)
        self._end(list(self._streams))

    def _may_be_done(self, unit: WorkUnit) -> bool:
        """Whether nothing failed that a unit depends on; otherwise it counts as failed, too."""
        if self._failed.isdisjoint(unit.after):
            return True
        self._failed.add(unit.id)
        return False

    def _end(self, units: Iterable[str]) -> None:
        """Wait for those of the units that stream, and report what came of them."""
        for name in units:
            if name in self._streams:
                self._report(self._streams.pop(name).result())

    def _report(self, result: UnitResult) -> None:
        if result.problem is not None:
            self._failed.add(result.unit)
        self._done(result)
