"""Executing a plan: open everything, execute what is missing in work units, keep each result as soon as it is there.

A cell that fails is recorded with its error, and the others are computed. The same call again computes only what is
missing: done cells are recognised by their key, answers and images are in the cache.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from qbench.errors import InputError, MachineError
from qbench.execution.background import in_background
from qbench.execution.batch_size import with_batch_size
from qbench.execution.calibration import check_disjoint
from qbench.execution.cells import PlannedCell, Units, first_of_each_variant, plan_cells, shared_out
from qbench.execution.opened import Opened
from qbench.execution.plan import make_plan, plan_executor
from qbench.execution.progress import Silent
from qbench.execution.quiet import quiet
from qbench.execution.recorder import Recorder
from qbench.execution.reports import listening
from qbench.execution.run_log import event
from qbench.execution.sharding import Shard, whole_run
from qbench.execution.worker import Work, Worker
from qbench.executors.interface import ParallelExecutor, UnitExecutor
from qbench.executors.problems import Problem
from qbench.executors.work_units import Kind, Share, UnitResult, WorkUnit
from qbench.models.numerics import check_device, threads
from qbench.plugins.registry import Registry, installed
from qbench.runfolder.exchange import RunExchange
from qbench.runfolder.writer import RunFolder
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.files import remove_leftovers_below
from qbench.store.inventory import remove_leftovers
from qbench.store.lock import in_use, locked, locked_together
from qbench.store.objects.address import folder_only
from qbench.vocabulary import CellStatus

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
        Cells that are complete, that were computed by this call, that failed: of the whole run if it is `complete`,
        otherwise of the shard's own `cells`.
    kept : int
        Cells of earlier specs that are in the folder and are not part of this run.
    seconds : float
        Wall-clock time of this call.
    cells : int
        Cells that were the work of this call: all of the run, or those of which the shard computes something.
    complete : bool
        Whether the run can be analysed: all its cells are done or failed, and no other process works on it.
    """

    folder: Path
    done: int
    computed: int
    failed: int
    kept: int
    seconds: float
    cells: int
    complete: bool = True


def execute(
    spec: RunSpec,
    out: Path,
    *,
    registry: Registry | None = None,
    cache: Cache | None = None,
    progress: Silent | None = None,
    shard: Shard | None = None,
    exchange: RunExchange | None = None,
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
    shard : Shard, optional
        Compute this part only, while other processes may compute others into the same folder.
    exchange : RunExchange, optional
        The object store of the run, of which `out` is then the working copy of this process.

    Raises
    ------
    InputError
        The spec names something that does not exist, the folder is in use or holds other things, or not one cell can be
        computed.
    """
    begun = time.perf_counter()
    registry = registry or installed()
    folder_only(out, where=str(out), fix="`qbench run` can write into an object store; see docs/scale.md.")
    plan, (executor, options) = make_plan(spec, registry), plan_executor(spec.executor, registry)
    folder = RunFolder(out, exchange)
    folder.check_usable()
    cache = cache or Cache()
    name = f"the run {spec.name}" + (f", shard {shard}," if shard else "")
    with ExitStack() as lock:
        lock.enter_context(locked_together(out) if shard and exchange is None else locked(out))
        if exchange is not None:
            lock.callback(exchange.put_logs)
            exchange.pull(verify=True)
        with (
            in_use(cache.in_use),
            progress or Silent() as told,
            quiet(folder.log, told.say, structured=folder.structured_log),
            _logged(f"{name} with qbench {version('qbench-vlm')}"),
        ):
            check_device(spec.device)
            remove_leftovers(cache)
            remove_leftovers_below(out)
            opened = Opened(plan, cache, told)
            problems = open_all(opened, told)
            _check_calibration(opened, problems)
            opened = with_batch_size(opened, folder, shared=shard is not None)
            cells = plan_cells(opened, problems, folder)
            recorder = Recorder(opened.plan, folder, cells, begun, shared=shard is not None)
            if shard and (other := recorder.other_spec()):
                _tell_other_spec(other, folder, told)
            recorder.begin()
            mine = shared_out(cells, shard.shares(plan) if shard else whole_run(plan))
            with _Run(executor.record.load(options), opened, recorder, folder, told) as run:
                computed = run.compute(mine)
                if shard:
                    if exchange is not None:
                        exchange.pull()
                    run.compare_shares(mine, cells)
                    alone = _taken_over(lock, out) if exchange is None else _pulled(exchange)
                complete = not shard or (alone and all(folder.ended(c.folder, c.key) for c in cells))
                if complete:
                    run.conclude(cells)
            for spent in (cache.spent, exchange.spent if exchange is not None else ""):
                if spent:
                    event(spent, stage="run")
            ended = Counter(folder.ended(cell.folder, cell.key) for cell in (cells if complete else mine))
            return Summary(
                folder=folder.root,
                done=ended[CellStatus.DONE],
                computed=computed,
                failed=ended[CellStatus.FAILED],
                kept=folder.forget_failures(cell.folder for cell in cells) if complete else 0,
                seconds=time.perf_counter() - begun,
                cells=len(mine),
                complete=complete,
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


def _tell_other_spec(differs: Sequence[str], folder: RunFolder, progress: Silent) -> None:
    """Say that the folder has a run of another spec, which the shards of this one cannot complete."""
    what = (
        f"{folder.root}: the run in this folder is of a spec with other {', '.join(differs)}; from now on it is of "
        "this spec. Shards add up to a run only if all of them have the same spec."
    )
    event(what, level=logging.WARNING, stage="run")
    progress.say(what, style="yellow")


def _taken_over(lock: ExitStack, out: Path) -> bool:
    """Give up the lock that is shared with other shards, and hold it alone; whether nobody else holds it."""
    lock.close()
    try:
        lock.enter_context(locked(out))
    except InputError:
        return False
    return True


def _pulled(exchange: RunExchange) -> bool:
    """See what other shards have put into the object store.

    Whoever puts something there looks afterwards whether all cells are there. So the last one sees all of them, and
    whether others are still at work does not matter; see `qbench.runfolder.exchange.RunExchange.conclude`.
    """
    exchange.pull()
    return True


def _todo(cells: Iterable[PlannedCell], folder: RunFolder, progress: Silent) -> list[PlannedCell]:
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


class _Run:
    """Executes what is missing of a run, or of a shard of it."""

    def __init__(
        self, executor: UnitExecutor, opened: Opened, recorder: Recorder, folder: RunFolder, progress: Silent
    ) -> None:
        self._executor, self._opened, self._recorder = executor, opened, recorder
        self._folder, self._progress = folder, progress
        self._announcer: _Announcer | None = None
        self._worker = Worker(opened, self._begins)

    def __enter__(self) -> _Run:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop decoding, release the loaded model, and end the processes of the executor."""
        self._worker.close()
        if isinstance(self._executor, ParallelExecutor):
            self._executor.close()

    def compute(self, shares: Mapping[PlannedCell, Share]) -> int:
        """Complete cells, or compute shares of them; how many were completed now."""
        todo = _todo(shares, self._folder, self._progress)
        ready = {cell: shares[cell] for cell in todo if cell.problem is None}
        units = self._units()
        units.decode(ready)
        units.compute(ready)
        results = _Results(units, self._recorder, self._progress, total=len(todo))
        for cell in todo:
            if cell.problem is not None:
                results.fail(cell, cell.problem)
        self._execute(units, results)
        return results.computed

    def compare_shares(self, shares: Mapping[PlannedCell, Share], cells: Iterable[PlannedCell]) -> None:
        """Measure the drift and the speeds of a shard's cells, as far as other shards have come; record it."""
        pairs = [
            pair
            for pair in self._recorder.pairs
            if not shares.keys().isdisjoint(pair) and all(c.asked is not None and c.asked.answered() for c in pair)
        ]
        self._recorder.look(pairs)
        first = first_of_each_variant(cells)
        self._compare(pairs, [cell for cell in first if cell in shares and shares[cell].first == 0])
        self._recorder.end()

    def conclude(self, cells: Sequence[PlannedCell]) -> None:
        """Measure drift and speeds that are missing, and record what there is, where nobody else is at work."""
        self._recorder.alone()
        self._compare(self._recorder.pairs, first_of_each_variant(cells), ask_again=True)
        self._recorder.end()

    def _compare(
        self,
        pairs: Iterable[tuple[PlannedCell, PlannedCell]],
        timed: Iterable[PlannedCell],
        *,
        ask_again: bool = False,
    ) -> None:
        """Compare done cells with their baselines, and time variants, where that is missing.

        With `ask_again`, answers that the cache has lost are computed again.
        """
        spec = self._opened.plan.spec
        lacking = [pair for pair in pairs if self._recorder.lacks_drift(*pair) and all(map(self._is_done, pair))]
        asked = _unanswered(lacking) if ask_again else []
        slow = [cell for cell in timed if self._recorder.lacks_speed(cell)] if spec.speed else []
        units = self._units()
        units.decode([*asked, *slow])
        units.answer(asked)
        units.drift(lacking)
        units.speed(slow)
        self._execute(units, _Results(units, self._recorder, self._progress, total=0))

    def _is_done(self, cell: PlannedCell) -> bool:
        return self._folder.ended(cell.folder, cell.key) is CellStatus.DONE

    def _units(self) -> Units:
        """No units yet, of such a size that the executor has work for all its processes."""
        cache, workers = self._opened.cache, self._opened.plan.spec.processes
        if isinstance(self._executor, ParallelExecutor):
            return Units(cache, workers, cpus=threads(), at_once=self._executor.at_once)
        return Units(cache, workers)

    def _execute(self, units: Units, results: _Results) -> None:
        self._announcer = _Announcer(units, self._progress)
        work = Work(self._opened.plan.spec, self._opened.cache.root, self._worker)
        self._worker.plan(units.units)
        with listening(self._progress, self._begins):
            self._executor.execute(units.units, work, results.done)

    def _begins(self, unit: WorkUnit) -> None:
        if self._announcer is not None:
            self._announcer(unit)


def _unanswered(pairs: Iterable[tuple[PlannedCell, PlannedCell]]) -> list[PlannedCell]:
    """The cells of pairs that are to be compared whose answers are no longer in the cache."""
    found = dict.fromkeys(cell for pair in pairs for cell in pair)
    return [cell for cell in found if cell.asked is not None and cell.asked.cached_answers() is None]


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
            cells = self._units.needing(result.unit)
            known = bool(cells) and all(cell.name in self._failed for cell in cells)  # another part of them failed
            tell(name, problem, Silent() if known else self._progress, result.wall)
            for needing in cells:
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
