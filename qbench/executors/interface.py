"""What executes the work units of a run: in one process, on several, or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from qbench.executors.work_units import Resources, UnitResult, WorkUnit


class UnitExecutor(Protocol):
    """Executes units in an order that respects what they depend on. Results do not depend on the order.

    A run's cache has to be the same folder for every process that executes units.
    """

    def execute(
        self, units: Sequence[WorkUnit], work: Callable[[str], UnitResult], done: Callable[[UnitResult], None]
    ) -> None:
        """Execute every unit whose predecessors (`WorkUnit.after`) succeeded, and leave out the others.

        A unit may be begun before a predecessor that streams (`WorkUnit.streams`) is done, in the same process. If that
        predecessor fails, the unit counts as left out.

        Parameters
        ----------
        units : sequence of WorkUnit
            In an order that can be executed: each stands after those that it depends on.
        work : callable
            Executes one unit, given as the text of `WorkUnit.to_json`. It raises nothing: an error becomes
            `UnitResult.problem`. It can be pickled, and called in another process that has the same plugins.
            It keeps loaded models between units, so in one process only one thread calls it; a second one may call it
            for the units that stream.
        done : callable
            Has to be called with every result, in the process and thread that called `execute`.
        """
        ...


@runtime_checkable
class ParallelExecutor(UnitExecutor, Protocol):
    """Optional, beside `UnitExecutor`: executes several units at once, in processes of its own.

    Processes that execute units need the environment variables of `qbench.executors.environment.worker_environment`
    before they import anything, and the same packages and folders as the process of the run. They should pass on what
    is logged in them: a handler of the root logger collects the records, and in the process of the run each is given to
    ``logging.getLogger(record.name).handle(record)``. Warnings of libraries and the progress of a unit are among them.
    """

    def at_once(self, wants: Resources) -> int:
        """How many units that want this can be executed at once. Work is divided among so many, if it can be.

        Raises
        ------
        qbench.errors.InputError
            There is no machine that has what is wanted.
        """
        ...

    def close(self) -> None:
        """End all processes. Called when a run ends, however it ends."""
        ...
