"""The next variant is loaded while the last cell of the one before is scored.

Scoring needs no model, so that the one is released before the next is loaded: there is never more than one in memory.
Nothing is loaded while another model answers. A library that loads a model changes what is global in the process:
transformers sets torch's default type to that of the model, and a forward pass at this moment could compute in another
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from itertools import pairwise

from qbench.execution.asked import AskedVariant
from qbench.execution.variant import VariantRun
from qbench.executors.work_units import Kind, WorkUnit


class Ahead:
    """Loads variants ahead of the units that need them.

    Parameters
    ----------
    asked : callable
        Unit → the variant with its benchmark.
    """

    def __init__(self, asked: Callable[[WorkUnit], AskedVariant]) -> None:
        self._asked = asked
        self._next: dict[str, WorkUnit] = {}
        self._loading: tuple[VariantRun, Future[None]] | None = None
        self._for = ""

    def plan(self, units: Iterable[WorkUnit]) -> None:
        """Look at the units that will be executed in this process, in their order."""
        every = [unit for unit in units if unit.kind in (Kind.ANSWER, Kind.SCORE)]
        self._next = {
            unit.id: following
            for unit, following in pairwise(every)
            if (unit.kind, following.kind) == (Kind.SCORE, Kind.ANSWER) and unit.wants.shares != following.wants.shares
        }

    def begin(self, unit: WorkUnit, release: Callable[[], None]) -> None:
        """Begin to load what is asked after this unit, if it is the last one of its model, once that one is released.

        What was loaded ahead of units that were not executed in the end is released.
        """
        if unit.wants.shares != self._for:
            self.close()
        following = self._next.get(unit.id)
        if following is None:
            return
        try:
            asked = self._asked(following)
            wanted = any(asked.missing().values())
        except Exception:  # noqa: BLE001 - whatever a plugin raises is raised again when its own unit is executed
            return
        if wanted:
            release()
            self._loading = asked.variant, asked.variant.load_ahead()
            self._for = following.wants.shares

    def close(self) -> None:
        """Wait for what is being loaded, and release it."""
        if self._loading is not None:
            variant, loading = self._loading
            loading.result()
            variant.close()
            self._loading = None
