"""Executing a plan: prepare everything, decode, embed, score; one cell at a time, each kept as soon as it is done.

A cell that fails is recorded with its error and the rest goes on. The same call again computes only what is missing:
done cells are recognised by their key, embeddings and images are in the cache.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from qbench.errors import InputError, QbenchError
from qbench.execution.describe import benchmark_info, data_info, failure, model_info, quantizer_info
from qbench.execution.environment import environment
from qbench.execution.plan import Plan, PlannedBenchmark, PlannedModel, PlannedQuantizer, make_plan
from qbench.execution.prepare import PreparedBenchmark, PreparedModel, prepare_benchmark, prepare_model
from qbench.execution.progress import Silent
from qbench.execution.quiet import quiet
from qbench.execution.speed import measure_speed
from qbench.execution.variant import VariantRun
from qbench.images.pixel_store import ROOM, pixel_store, store_parts
from qbench.images.preprocessing import Geometry
from qbench.metrics.interface import Metrics, Outcome
from qbench.models.numerics import check_device
from qbench.plugins.registry import Registry, installed
from qbench.probes.batch_order import DATASET
from qbench.probes.embedding.drift import drift_table
from qbench.probes.embedding.similarity import CosineSimilarity
from qbench.runfolder.schema import CellRecord, RunRecord
from qbench.runfolder.writer import RunFolder
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.keys import key_of
from qbench.store.lock import locked
from qbench.vocabulary import CellStatus

log = logging.getLogger("qbench.execution")


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
        Cells of earlier specs that lie in the folder and are not part of this run.
    seconds : float
        Wall-clock time of this call.
    """

    folder: Path
    done: int
    computed: int
    failed: int
    kept: int
    seconds: float


@dataclass(frozen=True)
class _Failure:
    """Why a benchmark, a model or a cell cannot be had."""

    stage: str
    error: Exception


@dataclass(frozen=True)
class _Cell:
    """A cell of the plan: its key is empty where its model or data could not be opened."""

    model: PlannedModel
    quantizer: PlannedQuantizer
    benchmark: PlannedBenchmark
    variant: VariantRun | None
    key: str
    folder: str

    @property
    def name(self) -> str:
        return f"{self.model.label} · {self.quantizer.label} · {self.benchmark.label}"


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
        The run folder; made, or gone on with.
    registry : Registry, optional
        The plugins; the installed ones if not given.
    cache : Cache, optional
        The user's cache if not given.
    progress : Silent, optional
        Who is told; nobody if not given.

    Raises
    ------
    InputError
        The spec names what there is not, the folder is in use or holds other things, or not one cell can be computed.
    """
    plan = make_plan(spec, registry or installed())
    folder = RunFolder(out)
    folder.check_usable()
    with locked(out), quiet(folder.log), progress or Silent() as told:
        check_device(spec.device)
        return _Run(plan, folder, cache or Cache(), told).go()


class _Run:
    def __init__(self, plan: Plan, folder: RunFolder, cache: Cache, progress: Silent) -> None:
        self.plan, self.spec = plan, plan.spec
        self.folder, self.cache, self.progress = folder, cache, progress
        self.benchmarks: dict[str, PreparedBenchmark | _Failure] = {}
        self.models: dict[str, PreparedModel | _Failure] = {}
        self.begun = time.perf_counter()
        self.created = folder.created() or _now()

    def go(self) -> Summary:
        self._prepare()
        cells = self._cells()
        self._write_run(cells)
        self.folder.write_environment(environment())
        todo = [cell for cell in cells if not self.folder.is_done(cell.folder, cell.key)]
        self._decode(todo)
        self.progress.begin("embedding", sum(self._to_embed(cell) for cell in todo))
        computed = 0
        # Cells are in the order of the plan, so that each variant is loaded once and released before the next.
        for variant, group in itertools.groupby(todo, key=lambda cell: cell.variant):
            computed += sum(self._run_cell(cell) for cell in group)
            if variant is not None:
                variant.close()
        self._measure_drift(cells)
        if self.spec.speed:
            self._measure_speed(cells)
        self._write_run(cells)
        return Summary(
            folder=self.folder.root,
            done=len(cells) - len(todo) + computed,
            computed=computed,
            failed=len(todo) - computed,
            kept=self.folder.forget_failures(cell.folder for cell in cells),
            seconds=time.perf_counter() - self.begun,
        )

    # --- before anything is computed

    def _prepare(self) -> None:
        """Open all data and all checkpoints, so that whatever is missing is said at once."""
        for planned in self.plan.benchmarks:
            self.progress.begin(f"reading {planned.label}", 0)
            try:
                self.benchmarks[planned.label] = prepare_benchmark(
                    planned, self.cache, limit=self.spec.limit, workers=self.spec.workers, step=self.progress.step
                )
            except Exception as error:  # noqa: BLE001 - a plugin's task may raise anything; it fails its own cells
                self.benchmarks[planned.label] = self._failure(planned.label, "data", error)
        for model in self.plan.models:
            self.progress.begin(f"opening {model.label}", 0)
            try:
                self.models[model.label] = prepare_model(model)
            except Exception as error:  # noqa: BLE001 - likewise
                self.models[model.label] = self._failure(model.label, "model", error)
        for things in (self.benchmarks, self.models):
            failures = [x for x in things.values() if isinstance(x, _Failure)]
            if len(failures) == len(things):
                raise InputError("nothing can be run:\n" + "\n".join(str(f.error) for f in failures))

    def _cells(self) -> list[_Cell]:
        cells = []
        for model in self.plan.models:
            opened = self.models[model.label]
            for quantizer in self.plan.quantizers:
                variant = None
                if isinstance(opened, PreparedModel):
                    variant = VariantRun(self.cache, opened, quantizer, self.spec)
                for benchmark in self.plan.benchmarks:
                    data = self.benchmarks[benchmark.label]
                    key = variant.cell_key(data) if variant and isinstance(data, PreparedBenchmark) else ""
                    folder = self.folder.cell(benchmark.label, model.label, quantizer.label, key or "not-opened")
                    cells.append(_Cell(model, quantizer, benchmark, variant, key, folder))
        return cells

    def _decode(self, todo: Iterable[_Cell]) -> None:
        """Decode what the variants will need, once for all models that share a geometry."""
        wanted: dict[str, tuple[PreparedBenchmark, Geometry]] = {}
        for cell in todo:
            data = self.benchmarks[cell.benchmark.label]
            if cell.variant is not None and not cell.variant.elsewhere and isinstance(data, PreparedBenchmark):
                geometry = cell.variant.model.checkpoint.preprocessing.geometry
                parts = store_parts(data.images_key, geometry)
                if not self.cache.path(ROOM, parts, ".npy").exists():
                    wanted[key_of(parts)] = data, geometry
        self.progress.begin("decoding", sum(len(data.items.images) for data, _ in wanted.values()))
        for data, geometry in wanted.values():
            label = data.planned.label
            if isinstance(self.benchmarks[label], _Failure):
                continue  # another geometry of it has failed already
            self.progress.doing(f"decoding {label}")
            try:
                pixel_store(
                    self.cache,
                    data.items.images,
                    data.images_key,
                    geometry,
                    workers=self.spec.workers,
                    step=self.progress.step,
                )
            except Exception as error:  # noqa: BLE001 - a full disk, too, fails this benchmark only
                self.benchmarks[label] = self._failure(label, "data", error)

    def _to_embed(self, cell: _Cell) -> int:
        data = self.benchmarks[cell.benchmark.label]
        if cell.variant is None or isinstance(data, _Failure):
            return 0
        return sum(cell.variant.lacking(data))

    # --- the cells

    def _run_cell(self, cell: _Cell) -> bool:
        """Compute a cell and keep it, or record why not; whether it is done."""
        self.progress.doing(cell.name)
        opened, data = self.models[cell.model.label], self.benchmarks[cell.benchmark.label]
        failures = [x for x in (opened, data) if isinstance(x, _Failure)]
        if failures:
            self._record_failure(cell, failures[0])
            return False
        assert cell.variant is not None
        assert isinstance(data, PreparedBenchmark)
        try:
            self._compute(cell, cell.variant, data)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises fails its cell, not the run
            self._record_failure(cell, self._failure(cell.name, cell.variant.stage(data), error))
            return False
        return True

    def _compute(self, cell: _Cell, variant: VariantRun, data: PreparedBenchmark) -> None:
        variant.seconds.clear()
        facts = variant.facts()
        outcome, metrics = self._score(variant, data, DATASET)
        noise = None
        if variant.orders[1:]:
            scored = [(order, self._score(variant, data, order)[1].frame()) for order in variant.orders[1:]]
            noise = pd.concat([frame.assign(order=order) for order, frame in scored], ignore_index=True)
        described = self._described(cell)
        if facts.kind:
            described["quantizer_info"] = described["quantizer_info"].model_copy(update={"kind": facts.kind})
        record = CellRecord(
            **described,
            status=CellStatus.DONE,
            error=None,
            coverage=facts.coverage,
            dtype=facts.dtype,
            control=facts.control,
            numerics=facts.numerics or variant.parts["numerics"],
            versions=variant.parts["versions"],
            facts=outcome.facts,
            seconds=dict(variant.seconds),
        )
        self.folder.write_cell(cell.folder, record, outcome=outcome, metrics=metrics.frame(), noise=noise)

    def _score(self, variant: VariantRun, data: PreparedBenchmark, order: str) -> tuple[Outcome, Metrics]:
        images = variant.images(data, order, self.progress.step)
        texts = variant.texts(data, order, self.progress.step)
        with variant.timed("score"):
            similarity = CosineSimilarity(images, data.items.table["image_index"].to_numpy(), texts, data.prompts)
            outcome = data.task.predict(similarity, data.items)
            return outcome, data.task.measure(outcome)

    # --- how far the embeddings moved: last, since the baseline may come after a variant

    def _measure_drift(self, cells: list[_Cell]) -> None:
        """Compare each variant's image embeddings with its baseline's, where the cache has both."""
        for cell, variant, baseline, path in self._drifts(cells):
            data = self.benchmarks[cell.benchmark.label]
            if path.exists() or isinstance(data, _Failure) or not self.folder.is_done(cell.folder, cell.key):
                continue
            try:
                mine, its = variant.cached_images(data), baseline.cached_images(data)
                if mine is not None and its is not None:
                    self.folder.write_drift(path, drift_table(data.items, its, mine))
            except Exception as error:  # noqa: BLE001 - the cell itself is done and stays so
                self._failure(cell.name, "drift", error)

    def _drifts(self, cells: list[_Cell]) -> Iterator[tuple[_Cell, VariantRun, VariantRun, Path]]:
        """Each cell that has a baseline, its variant and the baseline's, and the file for the distance between them."""
        bases = {(c.model.label, c.benchmark.label): c for c in cells if c.quantizer.label == self.spec.baseline}
        for cell in cells:
            base = bases[cell.model.label, cell.benchmark.label]
            data = self.benchmarks[cell.benchmark.label]
            if cell is not base and cell.variant and base.variant and isinstance(data, PreparedBenchmark):
                file = self.folder.drift(cell.folder, base.variant.image_key(data))
                yield cell, cell.variant, base.variant, file

    # --- speed, where it was asked for

    def _measure_speed(self, cells: Iterable[_Cell]) -> None:
        """Time each variant that has a cell and runs here, unless this folder knows its speed already."""
        here = [c for c in cells if c.variant is not None and not c.variant.elsewhere and c.key]
        variants = {(c.model.label, c.quantizer.label): c for c in reversed(here)}
        missing = [(c, path) for c in variants.values() if not (path := self._speed_path(c)).exists()]
        self.progress.begin("measuring speed", len(missing))
        for cell, path in reversed(missing):
            data = self.benchmarks[cell.benchmark.label]
            if cell.variant is None or isinstance(data, _Failure):
                continue
            name = f"{cell.model.label} · {cell.quantizer.label}"
            self.progress.doing(f"speed of {name}")
            try:
                speed = measure_speed(
                    self.cache,
                    cell.variant.model,
                    cell.quantizer,
                    data,
                    batch_size=self.spec.batch_size,
                    repeats=self.spec.speed,
                    numerics=cell.variant.parts["numerics"],
                )
            except Exception as error:  # noqa: BLE001 - a variant that cannot be built has said so in its cells
                self._failure(name, "speed", error)
            else:
                self.folder.write_speed(path, speed)
            self.progress.step()

    def _speed_path(self, cell: _Cell) -> Path:
        assert cell.variant is not None
        parts = {**cell.variant.parts, "batch_size": self.spec.batch_size, "repeats": self.spec.speed}
        return self.folder.speed(cell.model.label, cell.quantizer.label, key_of(parts))

    # --- failures and records

    def _failure(self, name: str, stage: str, error: Exception) -> _Failure:
        # The errors of qbench say all there is to say; of anything else the traceback is wanted later.
        log.error("%s failed (%s): %s", name, stage, error, exc_info=None if isinstance(error, QbenchError) else error)
        self.progress.say(f"failed: {name}: {error or type(error).__name__}", style="red")
        return _Failure(stage, error)

    def _record_failure(self, cell: _Cell, found: _Failure) -> None:
        error = failure(found.stage, found.error, self.plan)
        self.folder.write_cell(cell.folder, CellRecord(**self._described(cell), status=CellStatus.FAILED, error=error))

    def _described(self, cell: _Cell) -> dict[str, Any]:
        """The fields of a cell's record that do not depend on how it ended."""
        opened, data = self.models[cell.model.label], self.benchmarks[cell.benchmark.label]
        model = opened if isinstance(opened, PreparedModel) else None
        benchmark = data if isinstance(data, PreparedBenchmark) else None
        return {
            "key": cell.key,
            "model": cell.model.label,
            "quantizer": cell.quantizer.label,
            "benchmark": cell.benchmark.label,
            "model_info": model_info(cell.model, model),
            "quantizer_info": quantizer_info(cell.quantizer),
            "benchmark_info": benchmark_info(cell.benchmark, benchmark),
            "data_info": data_info(cell.benchmark, benchmark, self.spec.limit),
            "batch": cell.variant.batch if cell.variant else None,  # without a variant nothing was embedded
        }

    def _write_run(self, cells: list[_Cell]) -> None:
        notes = [self.spec.note] if self.spec.note else []
        for planned in self.plan.benchmarks:
            notes += [planned.dataset.record.note if planned.dataset else "", planned.entry.record.note]
        speed = dict.fromkeys(self._speed_path(cell) for cell in cells if cell.key and self.spec.speed)
        drift = [path for *_, path in self._drifts(cells)]
        self.folder.write_run(
            RunRecord(
                name=self.spec.name,
                qbench_version=version("qbench-vlm"),
                baseline=self.spec.baseline,
                created=self.created,
                updated=_now(),
                seconds=round(time.perf_counter() - self.begun, 1),
                spec=_public(self.spec),
                cells=tuple(cell.folder for cell in cells),
                speed=self._existing(speed),
                drift=self._existing(drift),
                notes=tuple(note for note in dict.fromkeys(notes) if note),
            )
        )

    def _existing(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """The files that are there, relative to the run folder."""
        return tuple(path.relative_to(self.folder.root).as_posix() for path in paths if path.exists())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _public(spec: RunSpec) -> dict[str, Any]:
    """The resolved spec with folders cut to their names: a run folder is shared, a user's paths are not."""
    values = spec.model_dump(mode="json")
    for benchmark in values["benchmarks"]:
        if benchmark["root"]:
            benchmark["root"] = Path(benchmark["root"]).name
    for part in (*values["models"], *values["quantizers"]):
        if part["options"].get("path"):
            part["options"]["path"] = Path(part["options"]["path"]).name
    return values
