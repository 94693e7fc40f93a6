"""What is written into a run folder while a run is executed: by one process, or by several shards of the run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from typing import Any

from qbench.execution.cells import PlannedCell, first_of_each_variant, speed_file, with_own_baseline
from qbench.execution.describe import benchmark_info, data_info, failure, model_info, public_spec, quantizer_info
from qbench.execution.environment import environment
from qbench.execution.plan import Plan
from qbench.executors.problems import Problem
from qbench.executors.work_units import Scored, UnitResult
from qbench.models.numerics import version_of
from qbench.runfolder.schema import CellLabels, CellRecord, RunRecord
from qbench.runfolder.writer import RunFolder
from qbench.vocabulary import CellStatus

DECIDING = ("models", "quantizers", "benchmarks", "baseline", "device", "batch_size", "limit", "noise", "calibration")
"""The keys of a spec that decide what the cells of a run are."""


class Recorder:
    """Keeps each result as soon as it is there.

    Parameters
    ----------
    plan : Plan
        What is run.
    folder : RunFolder
        Where to.
    cells : sequence of PlannedCell
        The cells of the plan.
    begun : float
        When the run began, by `time.perf_counter`.
    shared : bool
        Whether other processes write into the folder as well: what they have recorded is then kept.
    """

    def __init__(
        self, plan: Plan, folder: RunFolder, cells: Sequence[PlannedCell], begun: float, *, shared: bool = False
    ) -> None:
        self._plan, self._folder, self._cells = plan, folder, cells
        self._spec = plan.spec
        self._begun, self._shared = begun, shared
        self.pairs = list(with_own_baseline(cells, self._spec.baseline))
        self._seconds: dict[str, dict[str, float]] = {}
        self._drift: dict[Path, str] = {}
        """The drift files that are there and whole, with their digests; as far as they were looked at."""

    def begin(self) -> None:
        """Record the plan and the machine, so that the folder can be read while the run goes on."""
        if not self._shared:
            self.look(self.pairs)
        self._write_run()
        self._folder.write_environment(environment())

    def look(self, pairs: Iterable[tuple[PlannedCell, PlannedCell]]) -> None:
        """See which drift files of cells with their baselines are there and whole."""
        known = self._folder.known()
        for path in starmap(self.drift_file, pairs):
            if path not in self._drift and (digest := self._folder.drift_digest(path, known)):
                self._drift[path] = digest

    def alone(self) -> None:
        """No other process writes into the folder any more: see what all have left."""
        self._shared = False
        self.look(self.pairs)

    def other_spec(self) -> list[str]:
        """The keys in which the spec of the run in the folder differs, of those that decide what its cells are."""
        known = self._folder.known()
        if known is None:
            return []
        mine = public_spec(self._plan)
        return [name for name in DECIDING if known.spec.get(name) != mine[name]]

    def end(self) -> None:
        """Record what there is now."""
        self._write_run()

    # --- results

    def keep(self, cell: PlannedCell, result: UnitResult) -> None:
        """Write what a unit gave for a cell.

        Raises
        ------
        qbench.errors.InputError
            A table of a plugin lacks a column, or holds something else than it should.
        """
        total = self._seconds.setdefault(cell.name, {})
        for name, seconds in result.seconds.items():
            total[name] = total.get(name, 0.0) + seconds
        if result.scored is not None:
            self._write_cell(cell, result.scored, total)
        if result.drift is not None:
            baseline = next(base for found, base in self.pairs if found is cell)
            path = self.drift_file(cell, baseline)
            self._drift[path] = self._folder.write_drift(path, result.drift)
        if result.speed is not None:
            self._folder.write_speed(self.speed_file(cell), result.speed)

    def fail(self, cell: PlannedCell, problem: Problem) -> None:
        """Record why a cell failed, unless another process has completed it meanwhile."""
        if self._shared and self._folder.ended(cell.folder, cell.key) is CellStatus.DONE:
            return
        record = CellRecord(**self._described(cell), status=CellStatus.FAILED, error=failure(problem, self._plan))
        self._folder.write_cell(cell.folder, record)

    def _write_cell(self, cell: PlannedCell, scored: Scored, seconds: dict[str, float]) -> None:
        assert cell.asked is not None
        facts, described = scored.facts, self._described(cell)
        if facts.kind:
            described["quantizer_info"] = described["quantizer_info"].model_copy(update={"kind": facts.kind})
        record = CellRecord(
            **described,
            status=CellStatus.DONE,
            error=None,
            coverage=facts.coverage,
            dtype=facts.dtype,
            control=facts.control,
            numerics=facts.numerics or cell.asked.parts["numerics"],
            versions=cell.asked.parts["versions"],
            facts=scored.outcome.facts,
            seconds=dict(seconds),
        )
        self._folder.write_cell(cell.folder, record, outcome=scored.outcome, metrics=scored.metrics, noise=scored.noise)

    def _described(self, cell: PlannedCell) -> dict[str, Any]:
        """The fields of a cell's record that do not depend on how it ended."""
        probe = self._plan.probes[cell.model.label, cell.benchmark.label]
        files = cell.asked.parts.get("files", {}) if cell.asked else {}
        calibration = cell.asked.variant.calibration if cell.asked else None
        return {
            "key": cell.key,
            **cell.labels,
            "model_info": model_info(cell.model, cell.opened_model),
            "quantizer_info": quantizer_info(cell.quantizer, files, calibration),
            "benchmark_info": benchmark_info(cell.benchmark, cell.opened_benchmark),
            "data_info": data_info(cell.benchmark, cell.opened_benchmark, probe, self._spec.limit),
            "probe": probe.qualified,
            "batch": cell.asked.batch if cell.asked else None,
        }

    # --- files beside the cells

    def drift_file(self, cell: PlannedCell, baseline: PlannedCell) -> Path:
        """The file with the drift of a cell from its baseline."""
        assert baseline.asked is not None
        return self._folder.drift(cell.folder, baseline.asked.answers_key)

    def lacks_drift(self, cell: PlannedCell, baseline: PlannedCell) -> bool:
        """Whether the drift of a cell is to be computed: it is not there, or damaged."""
        return self.drift_file(cell, baseline) not in self._drift

    def lacks_speed(self, cell: PlannedCell) -> bool:
        """Whether the speed of a cell's variant is to be measured: it is not there, or damaged."""
        return not self._folder.has_speed(self.speed_file(cell))

    def speed_file(self, cell: PlannedCell) -> Path:
        """The file with the speed of a cell's variant."""
        return speed_file(cell, self._folder, batch_size=self._spec.per_batch, repeats=self._spec.speed)

    # --- the run

    def _write_run(self) -> None:
        self._folder.update_run(self._record)

    def _record(self, known: RunRecord | None) -> RunRecord:
        """What ``run.json`` has to say, where it says what is `known`."""
        notes = [self._spec.note] if self._spec.note else []
        for planned in self._plan.benchmarks:
            notes += [planned.dataset.record.note if planned.dataset else "", planned.entry.record.note]
        timed = first_of_each_variant(self._cells) if self._spec.speed else []
        recorded = (known.digests or {}) if known is not None and self._shared else {}
        mine = {self._relative(path): digest for path, digest in self._drift.items()}
        files = map(self._relative, starmap(self.drift_file, self.pairs))
        drift = {name: digest for name in files if (digest := mine.get(name) or recorded.get(name))}
        return RunRecord(
            name=self._spec.name,
            qbench_version=version_of("qbench-vlm"),
            baseline=self._spec.baseline,
            created=(known.created if known is not None else "") or _now(),
            updated=_now(),
            seconds=round(time.perf_counter() - self._begun, 1),
            spec=public_spec(self._plan),
            cells=tuple(cell.folder for cell in self._cells),
            labels={cell.folder: CellLabels(**cell.labels) for cell in self._cells},
            speed=tuple(self._relative(self.speed_file(cell)) for cell in timed if not self.lacks_speed(cell)),
            drift=tuple(drift),
            digests=drift,
            notes=tuple(note for note in dict.fromkeys(notes) if note),
        )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._folder.root).as_posix()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
