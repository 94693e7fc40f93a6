"""Executors: what executes the work units of a run. Hook: ``qbench_executors``.

An executor whose worker process died says so by ``UnitResult(unit=unit.id, problem=Problem.of(unit.stage, error))``.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.executors.interface import ParallelExecutor, UnitExecutor
from qbench.plugins.records import Executor

if TYPE_CHECKING:
    from qbench.executors.environment import worker_environment
    from qbench.executors.problems import Problem
    from qbench.executors.work_units import Kind, Resources, UnitResult, WorkUnit

_UNITS = ("Kind", "Resources", "UnitResult", "WorkUnit")

__getattr__ = import_on_use(
    __name__,
    {
        "Problem": "qbench.executors.problems",
        "worker_environment": "qbench.executors.environment",
        **dict.fromkeys(_UNITS, "qbench.executors.work_units"),
    },
)

__all__ = [
    "Executor",
    "Kind",
    "ParallelExecutor",
    "Problem",
    "Resources",
    "UnitExecutor",
    "UnitResult",
    "WorkUnit",
    "worker_environment",
]
