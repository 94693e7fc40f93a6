"""Executors: what executes the work units of a run. Hook: ``qbench_executors``."""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.executors.interface import UnitExecutor
from qbench.plugins.records import Executor

if TYPE_CHECKING:
    from qbench.executors.work_units import Kind, Resources, UnitResult, WorkUnit

__getattr__ = import_on_use(
    __name__, dict.fromkeys(("Kind", "Resources", "UnitResult", "WorkUnit"), "qbench.executors.work_units")
)

__all__ = ["Executor", "Kind", "Resources", "UnitExecutor", "UnitResult", "WorkUnit"]
