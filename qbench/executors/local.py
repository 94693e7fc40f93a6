"""The executor ``local``: this process, one unit after another, in the planned order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qbench.executors.work_units import UnitResult, WorkUnit


class LocalExecutor:
    """Executes the units in their order; see `qbench.executors.interface.UnitExecutor`."""

    def execute(
        self, units: Sequence[WorkUnit], work: Callable[[str], UnitResult], done: Callable[[UnitResult], None]
    ) -> None:
        """Execute the units, but for those that depend on one that failed."""
        failed: set[str] = set()
        for unit in units:
            if failed.isdisjoint(unit.after):
                result = work(unit.to_json())
                done(result)
                if result.problem is None:
                    continue
            failed.add(unit.id)
