"""The executor ``ray``.

The process of the run holds names of units; answers and decoded images go into the cache folder, which all machines
share. A task of Ray executes the units that use one loaded model, as far as they can be executed at its time. Ray says
where a task runs, and notices when its process or machine is gone. What is repeated then is decided here, because it
goes by units, of which a task has several.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from qbench.api import InputError, QbenchError
from qbench.api.executors import Problem, Resources, UnitResult, WorkUnit, worker_environment
from qbench_ray.nodes import Node, demand, together
from qbench_ray.task import executed

log = logging.getLogger(__name__)

Work = Callable[[str], UnitResult]
Done = Callable[[UnitResult], None]

DEATHS = 2
"""How often the process that executes a unit may end before the unit has failed."""
QUEUED = 2
"""Tasks for each process: one that runs, and the next one."""
POLL = 1.0
"""Seconds after which it is looked whether there is still a machine for what waits."""


class RayExecutor:
    """Executes units on a Ray cluster. See `qbench.api.executors.ParallelExecutor`.

    Parameters
    ----------
    address : str
        See `qbench_ray.RayOptions`.
    """

    def __init__(self, address: str = "") -> None:
        self._address, self._own = address or os.environ.get("RAY_ADDRESS", ""), False
        self._nodes = _Nodes()

    def at_once(self, wants: Resources) -> int:
        """How many units that want this fit into the cluster."""
        self._connect()
        return self._nodes.at_once(wants)

    def execute(self, units: Sequence[WorkUnit], work: Work, done: Done) -> None:
        """Execute the units, but for those that depend on one that failed."""
        if units:
            self._connect()
            with _Execution(units, self._nodes, work, done) as execution:
                execution.run()

    def close(self) -> None:
        """Leave the cluster, or end it if it was started here."""
        if self._own:
            ray.shutdown()
            self._own = False

    def _connect(self) -> None:
        if ray.is_initialized():
            return
        if self._address.startswith("ray://"):
            raise InputError(
                "the run shares its folders with the cluster, so that it cannot be run through a Ray client",
                where=f"address {self._address}",
                fix="Run the command on a machine of the cluster, with --address auto.",
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _check_answers(self._address)  # Ray itself would try for minutes, and then end the process
            ray.init(
                self._address or None, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL
            )
        except (OSError, RuntimeError, ValueError) as error:  # what Ray raises where there is no cluster, or another
            raise InputError(
                f"no Ray cluster can be used ({error})",
                where=f"address {self._address}" if self._address else "executor ray",
                fix="Start it with `ray start --head` and, on the other machines, `ray start --address HEAD:6379`; "
                "`ray status` shows it. With --address local, one is started on this machine for the run.",
            ) from error
        self._own = True


def _check_answers(address: str) -> None:
    """Raise an `OSError` if nobody answers at the address of a machine, ``HOST:PORT``."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


class _Nodes:
    """What the machines of the cluster have; asked once a second at most."""

    def __init__(self) -> None:
        self._known: list[Node] = []
        self._asked = 0.0

    def now(self) -> list[Node]:
        if time.monotonic() - self._asked > POLL:
            self._known = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            self._asked = time.monotonic()
        return self._known

    def at_once(self, wants: Resources) -> int:
        wanted = demand(wants, self.now())
        return sum(wanted.times(node) for node in self.now())


@dataclass(eq=False)
class _Task:
    """A task of Ray.

    Attributes
    ----------
    units : list of WorkUnit
        Those of its units of which no result was reported.
    queue : Resources
        The queue from which it was taken.
    wants : Resources
        What it wants.
    said : object
        Ray's generator of what is said in it.
    """

    units: list[WorkUnit]
    queue: Resources
    wants: Resources
    said: Any


class _Execution:
    """Executes some units."""

    def __init__(self, units: Sequence[WorkUnit], nodes: _Nodes, work: Work, done: Done) -> None:
        self._nodes, self._done = nodes, done
        self._units = {unit.id: unit for unit in units}
        self._sharing: dict[str, list[WorkUnit]] = defaultdict(list)
        for unit in units:
            self._sharing[unit.wants.shares].append(unit)
        self._order = TopologicalSorter({unit.id: unit.after for unit in units})
        self._order.prepare()
        self._queues: dict[Resources, deque[WorkUnit]] = defaultdict(deque)
        self._begun: set[str] = set()
        self._succeeded: set[str] = set()
        self._failed_cells: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._tasks: dict[Any, _Task] = {}
        self._work = ray.put(work)
        environment = {"env_vars": worker_environment()}
        self._remote = ray.remote(max_retries=0, num_returns="streaming", runtime_env=environment)(executed)

    def __enter__(self) -> _Execution:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all tasks that still run: what stopped this may be Ctrl-C."""
        for task in self._tasks.values():
            ray.cancel(task.said, force=True)
        if self._tasks:
            ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=10)

    def run(self) -> None:
        self._enqueue(self._units[name] for name in self._order.get_ready())
        while True:
            self._submit()
            if not self._tasks:
                return
            heard, _ = ray.wait(list(self._tasks), timeout=POLL)
            for said in heard:
                self._hear(self._tasks[said])
            if not heard:
                for task in self._tasks.values():
                    demand(task.wants, self._nodes.now())  # raises where no machine is left that has what it wants

    # --- what is begun

    def _enqueue(self, units: Iterable[WorkUnit]) -> None:
        for unit in units:
            self._queues[_without_model(unit.wants)].append(unit)

    def _submit(self) -> None:
        """Begin tasks, as many as fit into the cluster, and the next ones."""
        running = Counter(task.queue for task in self._tasks.values())
        for wants, queue in self._queues.items():
            while queue and running[wants] < QUEUED * self._nodes.at_once(wants):
                unit = queue.popleft()
                if self._may_begin(unit):
                    self._begin(self._with_same_model(unit), wants)
                    running[wants] += 1

    def _may_begin(self, unit: WorkUnit) -> bool:
        """Whether a unit has not begun, and is not for a cell of which another unit has failed."""
        return unit.id not in self._begun and unit.key not in self._failed_cells

    def _with_same_model(self, first: WorkUnit) -> list[WorkUnit]:
        """The units that can be executed after a unit by the same process, with the model that it has loaded then."""
        if not first.wants.shares:
            return [first]
        found: dict[str, WorkUnit] = {}
        for unit in self._sharing[first.wants.shares]:
            if self._may_begin(unit) and all(name in self._succeeded or name in found for name in unit.after):
                found[unit.id] = unit
        return list(found.values())

    def _begin(self, units: list[WorkUnit], queue: Resources) -> None:
        wants = together(unit.wants for unit in units)
        wanted = demand(wants, self._nodes.now())
        task = self._remote.options(
            name=f"qbench {units[0].id}", num_cpus=wanted.cpus, num_gpus=wanted.gpus, memory=wanted.memory or None
        )
        said = task.remote(self._work, [unit.to_json() for unit in units])
        self._begun.update(unit.id for unit in units)
        self._tasks[said] = _Task(units, queue, wants, said)

    # --- what comes of it

    def _hear(self, task: _Task) -> None:
        """Take the next thing that is said in a task."""
        try:
            every = ray.get(next(task.said))
        except StopIteration:
            del self._tasks[task.said]
            return
        except RayTaskError as error:
            raise InputError(
                f"a process of the Ray cluster cannot execute work units ({error.cause!r})",
                where="executor ray",
                fix="All machines need the same packages, in an environment of the same place.",
            ) from error
        except RayError as error:
            self._died(task, error)
            return
        for one in every:
            if isinstance(one, logging.LogRecord):
                logging.getLogger(one.name).handle(one)
            elif isinstance(one, UnitResult):
                self._report(task, one)
            else:
                raise one

    def _report(self, task: _Task, result: UnitResult) -> None:
        task.units = [unit for unit in task.units if unit.id != result.unit]
        if result.problem is None:
            self._succeeded.add(result.unit)
            self._order.done(result.unit)
            self._enqueue(self._units[name] for name in self._order.get_ready())
        else:
            self._failed_cells.update({self._units[result.unit].key} - {""})
            self._leave_out(task, result.unit)
        self._done(result)

    def _leave_out(self, task: _Task, failed: str) -> None:
        """The units of a task that depend on one that failed are left out by its process, too."""
        lost = {failed}
        for unit in task.units:
            if not lost.isdisjoint(unit.after):
                lost.add(unit.id)
        task.units = [unit for unit in task.units if unit.id not in lost]

    def _died(self, task: _Task, error: RayError) -> None:
        """Repeat what a task has not done whose process has ended; its first unit is the one that was executed."""
        del self._tasks[task.said]
        task.units = [unit for unit in task.units if unit.key not in self._failed_cells]
        if not task.units:
            return
        unit, why = task.units[0], str(error).strip().partition("\n")[0] or type(error).__name__
        self._deaths[unit.id] += 1
        if self._deaths[unit.id] < DEATHS:
            log.warning("the process that executed %r has ended and its work is repeated: %s", unit.id, why)
        else:
            problem = QbenchError(
                f"the process that executed it has ended {DEATHS} times; the last time: {why}",
                fix="Run the command again: only what is missing is computed. If it happens again, the process may "
                "need more memory than there is: look at the logs of Ray, and try a smaller batch_size.",
            )
            self._report(task, UnitResult(unit=unit.id, problem=Problem.of(unit.stage, problem)))
        self._begun.difference_update(unit.id for unit in task.units)
        again = [unit for unit in task.units if self._succeeded.issuperset(unit.after)]
        for unit in reversed(again):
            self._queues[_without_model(unit.wants)].appendleft(unit)


def _without_model(wants: Resources) -> Resources:
    """What is wanted, without which model."""
    return replace(wants, shares="")
