"""Executing single work units: in the process of the run, or in any other that has the spec."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from qbench.errors import InputError, MachineError
from qbench.execution.ahead import Ahead
from qbench.execution.asked import AskedVariant
from qbench.execution.opened import Opened
from qbench.execution.plan import make_plan
from qbench.execution.reports import Reporter
from qbench.execution.speed import measure_speed
from qbench.execution.variant import VariantRun
from qbench.executors.problems import Problem
from qbench.executors.work_units import Kind, Scored, UnitResult, WorkUnit
from qbench.plugins.registry import installed
from qbench.probes.batch_order import DATASET
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache


class Worker:
    """Executes units, and keeps at most one variant loaded, with its control arm where that answers for a tower.

    One thread may execute the units that stream, and another one all others.

    Parameters
    ----------
    opened : Opened
        Models and data.
    starting : callable
        Is told of each unit before it is executed.
    ending : callable
        Is called after each unit.
    """

    def __init__(
        self,
        opened: Opened,
        starting: Callable[[WorkUnit], None] = lambda unit: None,
        ending: Callable[[], None] = lambda: None,
    ) -> None:
        self._opened, self._starting, self._ending = opened, starting, ending
        self._step = opened.progress.step
        self._variant: VariantRun | None = None
        self._ahead = Ahead(lambda unit: opened.asked(unit.model, unit.quantizer, unit.benchmark))
        self._shared = ""

    def plan(self, units: Iterable[WorkUnit]) -> None:
        """Look at the units that will be executed, in their order, to load the next model early."""
        self._ahead.plan(units)

    def execute(self, unit: WorkUnit) -> UnitResult:
        """Execute one unit; whatever a plugin raises becomes the result's problem."""
        self._starting(unit)
        if not unit.streams:
            self._release_for(unit)
            self._ahead.begin(unit, self._release)
        begun = time.perf_counter()
        try:
            result = self._executed(unit)
        except MachineError:
            raise  # the machine is the cause, so all other units would fail as well
        except Exception as error:  # noqa: BLE001 - it fails what depends on this unit, not the run
            result = UnitResult(unit=unit.id, problem=Problem.of(self._stage(unit), error))
        finally:
            self._ending()
        return replace(result, wall=time.perf_counter() - begun)

    def _executed(self, unit: WorkUnit) -> UnitResult:
        match unit.kind:
            case Kind.DECODE:
                return self._decode(unit)
            case Kind.ANSWER:
                return self._answer(unit)
            case Kind.SCORE:
                return self._score(unit)
            case Kind.DRIFT:
                return self._drift(unit)
            case Kind.SPEED:
                return self._speed(unit)

    def close(self) -> None:
        """Stop decoding, and release the loaded variant, if there is one."""
        self._opened.decoder.close()
        self._ahead.close()
        self._release()

    def _release_for(self, unit: WorkUnit) -> None:
        """Release the loaded variant, unless the unit uses it or needs none."""
        if _needs_no_model(unit):
            return
        if unit.wants.shares != self._shared or unit.wants.alone:
            self._release()
        self._shared = unit.wants.shares

    def _release(self) -> None:
        if self._variant is not None:
            self._variant.close()
            self._variant = None

    def _stage(self, unit: WorkUnit) -> str:
        """How far a unit had come, for the record of its failure."""
        built = unit.kind is not Kind.ANSWER or (self._variant is not None and self._variant.loaded)
        return unit.stage if built else "build"

    def _decode(self, unit: WorkUnit) -> UnitResult:
        benchmark = self._opened.benchmark(unit.benchmark)
        assert unit.geometry is not None
        self._opened.decoder.decode(benchmark.items.images, benchmark.images_key, unit.geometry, benchmark.digests)
        return UnitResult(unit=unit.id)

    def _answer(self, unit: WorkUnit) -> UnitResult:
        asked = self._asked(unit)
        asked.facts()  # known before the first answer: a forward pass may change what is held
        if unit.share.whole:
            asked.answer(unit.order, self._step)
        else:
            asked.answer_share(unit.order, unit.share, self._step)
        return UnitResult(unit=unit.id, seconds=dict(asked.variant.seconds))

    def _score(self, unit: WorkUnit) -> UnitResult:
        asked = self._asked(unit)
        try:
            return self._scored(unit, asked)
        finally:
            if asked.variant is not self._variant:
                asked.variant.close()  # it was loaded, because answers were damaged in the cache

    def _scored(self, unit: WorkUnit, asked: AskedVariant) -> UnitResult:
        if not unit.share.whole and not asked.answered():
            return UnitResult(unit=unit.id)
        outcome, metrics = asked.score(DATASET, self._step)
        others = [asked.score(order, self._step)[1].frame().assign(order=order) for order in asked.orders[1:]]
        scored = Scored(
            facts=asked.facts(),
            outcome=outcome,
            metrics=metrics.frame(),
            noise=pd.concat(others, ignore_index=True) if others else None,
        )
        return UnitResult(unit=unit.id, seconds=dict(asked.variant.seconds), scored=scored)

    def _drift(self, unit: WorkUnit) -> UnitResult:
        asked = self._of_cell(unit)
        baseline = self._opened.asked(unit.model, self._opened.plan.spec.baseline, unit.benchmark)
        its, mine = baseline.cached_answers(), asked.cached_answers()
        if its is None or mine is None:
            return UnitResult(unit=unit.id)
        drift = asked.method.drift(asked.benchmark.items, its, mine)
        self._step(1)
        return UnitResult(unit=unit.id, drift=drift)

    def _speed(self, unit: WorkUnit) -> UnitResult:
        asked, spec = self._of_cell(unit), self._opened.plan.spec
        speed = measure_speed(asked, batch_size=spec.per_batch, repeats=spec.speed)
        self._step(1)
        return UnitResult(unit=unit.id, speed=speed)

    def _asked(self, unit: WorkUnit) -> AskedVariant:
        """Who is asked what in a unit; the variant becomes the loaded one, unless the unit needs none."""
        asked = self._of_cell(unit)
        asked.variant.seconds.clear()
        if not _needs_no_model(unit):
            self._variant = asked.variant
        return asked

    def _of_cell(self, unit: WorkUnit) -> AskedVariant:
        """Who is asked what in a unit; refused where the answers could have other bits than those that are wanted."""
        asked = self._opened.asked(unit.model, unit.quantizer, unit.benchmark)
        if unit.key not in ("", asked.key):
            if asked.key != asked.key:  # computed anew each time: a provider may name something that changes
                raise TypeError("the key of the cell is another one each time: what decides an answer must not change")
            raise InputError(
                "on this machine the cell is another one than on the machine of the run, and its answers could have "
                f"other bits. Here it would be computed on: {asked.parts['numerics']}",
                where=platform.node(),
                fix="Use machines of one kind, with the same packages and the same data (docs/scale.md).",
            )
        return asked


def _needs_no_model(unit: WorkUnit) -> bool:
    """Whether a unit scores what other processes have answered."""
    return unit.kind is Kind.SCORE and not unit.wants.shares


class Work:
    """The function that an executor calls for each unit; see `qbench.executors.interface.UnitExecutor`.

    Pickled, it is the spec and two folders: in another process everything is opened anew, once.

    Parameters
    ----------
    spec : RunSpec
        What is run.
    cache : pathlib.Path
        The folder of the cache.
    worker : Worker, optional
        What executes the units in this process; made when the first unit comes if not given.
    """

    def __init__(self, spec: RunSpec, cache: Path, worker: Worker | None = None) -> None:
        self._spec, self._cache, self._worker = spec.model_dump_json(), str(cache.absolute()), worker
        self._folder = str(Path.cwd())

    def __call__(self, unit: str) -> UnitResult:
        """Execute a unit, given as the text of `WorkUnit.to_json`."""
        worker = self._worker or _worker(self._spec, self._cache, self._folder)
        return worker.execute(WorkUnit.from_json(unit))

    def __getstate__(self) -> dict[str, Any]:
        """The plain data only."""
        return {**self.__dict__, "_worker": None}


@cache
def _worker(spec: str, cache_folder: str, folder: str) -> Worker:
    """The worker of a process for one run.

    Raises
    ------
    MachineError
        The process is on a machine that does not have the folders of the run.
    """
    for wanted in (cache_folder, folder):
        if not Path(wanted).is_dir():
            raise MachineError(
                f"the machine {platform.node()} does not have this folder",
                where=wanted,
                fix="All machines need the folder of the cache (QBENCH_CACHE) and that in which the command runs.",
            )
    os.chdir(folder)  # relative paths mean what they mean in the process of the run
    plan, reporter = make_plan(RunSpec.model_validate_json(spec), installed()), Reporter()
    return Worker(Opened(plan, Cache(Path(cache_folder)), reporter), reporter.begins, reporter.ends)
