"""What executes the work units of a run: in one process, on several, or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from qbench.executors.work_units import UnitResult, WorkUnit


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
