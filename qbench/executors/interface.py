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

        Parameters
        ----------
        units : sequence of WorkUnit
            In an order that can be executed: each stands after those that it depends on.
        work : callable
            Executes one unit, given as the text of `WorkUnit.to_json`. It raises nothing: an error becomes
            `UnitResult.problem`. It can be pickled, and called in another process that has the same plugins.
            It must not be called from several threads of one process: it keeps loaded models between units.
        done : callable
            Has to be called with every result, in the process and thread that called `execute`.
        """
        ...
