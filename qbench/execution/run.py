"""Executing a plan: open everything, execute what is missing in work units, keep each result as soon as it is there.

A cell that fails is recorded with its error, and the others are computed. The same call again computes only what is
missing: done cells are recognised by their key, answers and images are in the cache.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from qbench.errors import InputError, MachineError
from qbench.execution.background import in_background
from qbench.execution.calibration import check_disjoint
from qbench.execution.cells import PlannedCell, Units, compared, first_of_each_variant, plan_cells
from qbench.execution.opened import Opened
from qbench.execution.plan import make_plan
from qbench.execution.progress import Silent
from qbench.execution.quiet import quiet
from qbench.execution.recorder import Recorder
from qbench.execution.run_log import event
from qbench.execution.worker import Work, Worker
from qbench.executors.interface import UnitExecutor
from qbench.executors.problems import Problem
from qbench.executors.work_units import Kind, UnitResult, WorkUnit
from qbench.models.numerics import check_device
from qbench.plugins.registry import Registry, installed
from qbench.runfolder.writer import RunFolder
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.lock import in_use, locked

Problems = dict[tuple[str, str], Problem]
"""Kind (``model`` or ``benchmark``) and label → why it could not be opened."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of a run.

    Attributes
    ----------
    folder : pathlib.Path
        The run folder.
    done, computed, failed : int
        Cells that are complete, that were computed by this call, that failed.
    kept : int
        Cells of earlier specs that are in the folder and are not part of this run.
    seconds : float
        Wall-clock time of this call.
    """

    folder: Path
    done: int
    computed: int
    failed: int
    kept: int
    seconds: float


def execute(
    spec: RunSpec,
    out: Path,
    *,
    registry: Registry | None = None,
    cache: Cache | None = None,
    progress: Silent | None = None,
) -> Summary:
    """Run a spec into a run folder.

    Parameters
    ----------
    spec : RunSpec
        What to run.
    out : pathlib.Path
        The run folder; it is made if it does not exist, and completed if it does.
    registry : Registry, optional
        The plugins; the installed ones if not given.
    cache : Cache, optional
        The user's cache if not given.
    progress : Silent, optional
        What shows the progress; nothing if not given.

    Raises
    ------
    InputError
        The spec names something that does not exist, the folder is in use or holds other things, or not one cell can be
        computed.
    """
    begun = time.perf_counter()
    registry = registry or installed()
    plan, executor = make_plan(spec, registry), registry.executor(spec.executor)
    folder = RunFolder(out)
    folder.check_usable()
    cache = cache or Cache()
    with (
        locked(out),
        in_use(cache.in_use),
        progress or Silent() as told,
        quiet(folder.log, told.say, structured=folder.structured_log),
        _logged(f"the run {spec.name} with qbench {version('qbench-vlm')}"),
    ):
        check_device(spec.device)
        opened = Opened(plan, cache, told)
        problems = open_all(opened, told)
        _check_calibration(opened, problems)
        cells = plan_cells(opened, problems, folder)
        recorder = Recorder(plan, folder, cells, begun)
        recorder.begin()
        todo = _todo(cells, folder, told)
        computed = _execute(executor.record.load(), opened, cells, todo, recorder, told)
        recorder.end()
        return Summary(
            folder=folder.root,
            done=len(cells) - len(todo) + computed,
            computed=computed,
            failed=len(todo) - computed,
            kept=folder.forget_failures(cell.folder for cell in cells),
            seconds=time.perf_counter() - begun,
        )


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log how a run begins, and how it ends, whatever ends it."""
    begun = time.perf_counter()
    event(f"begins: {what}", stage="run")
    try:
        yield
    except BaseException as error:
        said = f"ends early: {type(error).__name__}: {error}"
        event(said, level=logging.ERROR, stage="run", seconds=time.perf_counter() - begun)
        raise
    event(f"ends: {what}", stage="run", seconds=time.perf_counter() - begun)


def _todo(cells: list[PlannedCell], folder: RunFolder, progress: Silent) -> list[PlannedCell]:
    """The cells to compute. If a cell was done and is damaged, the user sees a message."""
    todo = []
    for cell in cells:
        reason = folder.missing(cell.folder, cell.key)
        if reason is not None:
            todo.append(cell)
        if reason:
            event(f"{cell.name} is computed again: {reason}", level=logging.WARNING, stage="run", cell=cell.name)
            progress.say(f"computed again: {cell.name}: {reason}", style="yellow")
    return todo


def open_all(opened: Opened, progress: Silent) -> Problems:
    """Open all data and all checkpoints, so that everything that is missing is said at once.

    The checkpoints are opened in a thread of their own: the first one may import torch, or be downloaded, and meanwhile
    images are read.

    Raises
    ------
    InputError
        No benchmark, or no model, can be opened.
    """
    models = [model.label for model in opened.plan.models]
    benchmarks = [benchmark.label for benchmark in opened.plan.benchmarks]
    opening = in_background(lambda: _open_each("model", "model", models, opened.model, progress))
    problems = _open_each(
        "benchmark", "data", benchmarks, opened.benchmark, progress, lambda x: progress.begin(f"reading {x}", 0)
    )
    progress.begin("opening models", 0)
    return problems | opening.result()


def _open_each(
    kind: str,
    stage: str,
    labels: list[str],
    open_: Callable[[str], object],
    progress: Silent,
    begin: Callable[[str], None] = lambda label: None,
) -> Problems:
    """Open things of a kind; why those that could not be opened could not be."""
    problems: Problems = {}
    for label in labels:
        begin(label)
        event("begins", stage=stage, cell=label)
        begun = time.perf_counter()
        try:
            open_(label)
            event("is open", stage=stage, cell=label, seconds=time.perf_counter() - begun)
        except MachineError:
            raise  # the machine is the cause, so all others would fail as well
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it fails its own cells
            problems[kind, label] = Problem.of(stage, error)
            tell(label, problems[kind, label], progress)
    if len(problems) == len(labels):
        raise InputError("nothing can be run:\n" + "\n".join(problem.message for problem in problems.values()))
    return problems


def _check_calibration(opened: Opened, problems: Problems) -> None:
    """Refuse calibration data that a benchmark evaluates. Data that cannot be read fails the cells of its quantizer."""
    labels = [planned.label for planned in opened.plan.benchmarks]
    benchmarks = [opened.benchmark(label) for label in labels if ("benchmark", label) not in problems]
    for quantizer in opened.plan.quantizers:
        try:
            calibration = opened.calibration(quantizer.label)
        except MachineError:
            raise
        except Exception:  # noqa: BLE001 - whatever a plugin raises is raised again when its cells are planned
            continue
        if calibration is not None:
            check_disjoint(calibration, benchmarks)


def tell(name: str, problem: Problem, progress: Silent, seconds: float | None = None) -> None:
    """Say that something failed, to the user and in the logs."""
    said = "\n".join(x for x in (problem.message, problem.traceback) if x)
    what = f"{name} failed ({problem.stage}): {said}"
    event(what, level=logging.ERROR, stage=problem.stage, cell=name, seconds=seconds)
    progress.say(f"failed: {name}: {problem.message}", style="red")


def _execute(
    executor: UnitExecutor,
    opened: Opened,
    cells: list[PlannedCell],
    todo: list[PlannedCell],
    recorder: Recorder,
    progress: Silent,
) -> int:
    """Complete the cells of `todo`, and measure speeds and drift that are missing; how many cells were computed."""
    spec = opened.plan.spec
    ready = [cell for cell in todo if cell.problem is None]
    timed = [cell for cell in first_of_each_variant(cells) if recorder.lacks_speed(cell)]
    pairs = [pair for pair in compared(cells, spec.baseline) if recorder.lacks_drift(*pair)]
    unanswered = _unanswered(pairs, ready)
    units = Units(opened.cache, spec.processes)
    units.decode([*ready, *unanswered, *(timed if spec.speed else ())])
    units.compute(ready)
    units.answer(unanswered)
    units.drift(pairs)
    units.speed(timed if spec.speed else ())

    results = _Results(units, recorder, progress, total=len(todo))
    for cell in todo:
        if cell.problem is not None:
            results.fail(cell, cell.problem)
    worker = Worker(opened, _Announcer(units, progress))
    try:
        executor.execute(units.units, Work(spec, opened.cache.root, worker), results.done)
    finally:
        worker.close()
    return results.computed


def _unanswered(pairs: list[tuple[PlannedCell, PlannedCell]], ready: list[PlannedCell]) -> list[PlannedCell]:
    """The done cells of pairs that are to be compared whose answers are no longer in the cache."""
    asked_anyway = {cell.name for cell in ready}
    found = {cell.name: cell for pair in pairs for cell in pair if cell.name not in asked_anyway}
    return [cell for cell in found.values() if cell.asked is not None and cell.asked.cached_answers() is None]


class _Results:
    """Passes results on to the recorder; a unit that failed fails the cells that need it."""

    def __init__(self, units: Units, recorder: Recorder, progress: Silent, *, total: int) -> None:
        self._units, self._recorder, self._progress = units, recorder, progress
        self._total = total
        self._kinds = {unit.id: str(unit.kind) for unit in units.units}
        self.computed = 0
        self._failed: set[str] = set()

    def done(self, result: UnitResult) -> None:
        """Take the result of one unit."""
        cell, problem = self._units.cells.get(result.unit), result.problem
        if cell is not None and problem is None:
            try:
                self._recorder.keep(cell, result)
            except MachineError:
                raise  # the machine is the cause, so no other result could be written either
            except Exception as error:  # noqa: BLE001 - a table of a plugin that cannot be written fails its cell
                problem = Problem.of("score", error)
            else:
                if result.scored is not None:
                    self.computed += 1
                    self._progress.finished(cell.name, self.computed + len(self._failed), self._total)
        name = self._units.name(result.unit)
        if problem is None:
            event("is done", stage=self._kinds[result.unit], cell=name, seconds=result.wall)
        else:
            tell(name, problem, self._progress, result.wall)
            for needing in self._units.needing(result.unit):
                self.fail(needing, problem)

    def fail(self, cell: PlannedCell, problem: Problem) -> None:
        """Record that a cell failed, and why at first."""
        if cell.name not in self._failed:
            self._failed.add(cell.name)
            self._recorder.fail(cell, problem)


class _Announcer:
    """Tells the user what is done, as units are started in this process."""

    def __init__(self, units: Units, progress: Silent) -> None:
        self._units, self._progress = units, progress
        self._stage = ""
        self._begin(Kind.ANSWER)

    def __call__(self, unit: WorkUnit) -> None:
        name = self._units.name(unit.id)
        event("begins", stage=str(unit.kind), cell=name)
        if unit.kind is Kind.DECODE:  # beside the units of a model, which are what is shown
            return
        self._begin(unit.kind)
        self._progress.doing(name)

    def _begin(self, kind: Kind) -> None:
        """Begin the stage that has units of a kind, if another one is going on."""
        stage, total = {
            Kind.DRIFT: ("comparing answers", self._units.count(Kind.DRIFT)),
            Kind.SPEED: ("measuring speed", self._units.count(Kind.SPEED)),
        }.get(kind, ("running models", self._units.to_decode + self._units.to_answer))
        if stage != self._stage:
            self._stage = stage
            self._progress.begin(stage, total)
