"""Executors: what executes the work units of a run. Hook: ``qbench_executors``.

An executor whose worker process died says so by ``UnitResult(unit=unit.id, problem=Problem.of("encode", error))``.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.executors.interface import UnitExecutor
from qbench.plugins.records import Executor

if TYPE_CHECKING:
    from qbench.executors.problems import Problem
    from qbench.executors.work_units import Kind, Resources, UnitResult, WorkUnit

_UNITS = ("Kind", "Resources", "UnitResult", "WorkUnit")

__getattr__ = import_on_use(
    __name__,
    {"Problem": "qbench.executors.problems", **dict.fromkeys(_UNITS, "qbench.executors.work_units")},
)

__all__ = ["Executor", "Kind", "Problem", "Resources", "UnitExecutor", "UnitResult", "WorkUnit"]
