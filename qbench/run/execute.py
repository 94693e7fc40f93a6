"""Executing a plan: prepare everything, decode, embed, score; one cell at a time, each kept as soon as it is done.

A cell that fails is recorded with its error and the rest goes on. The same call again computes only what is missing:
done cells are recognised by their key, embeddings and pictures are in the cache.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qbench.data.store import ROOM, pixel_store, store_parts
from qbench.encode.numerics import check_device
from qbench.errors import InputError, QbenchError
from qbench.extension.registry import Registry, installed
from qbench.metrics.similarity import CosineSimilarity
from qbench.run.describe import benchmark_info, data_info, model_info, quantizer_info
from qbench.run.environment import environment
from qbench.run.keys import ORDER, cell_parts
from qbench.run.plan import Plan, PlannedBenchmark, PlannedModel, PlannedQuantizer, make_plan
from qbench.run.prepare import PreparedBenchmark, PreparedModel, prepare_benchmark, prepare_model
from qbench.run.progress import Silent
from qbench.run.quiet import quiet
from qbench.run.variant import VariantRun
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.keys import key_of
from qbench.store.lock import locked
from qbench.store.runfolder import RunFolder

log = logging.getLogger("qbench.run")


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
    stage: str
    error: Exception


@dataclass
class _Found:
    """What preparing came to: a thing, or the failure that stands in for it, by label."""

    benchmarks: dict[str, PreparedBenchmark | _Failure] = field(default_factory=dict)
    models: dict[str, PreparedModel | _Failure] = field(default_factory=dict)


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
        self.found = _Found()
        self.cells: list[str] = []
        self.failed = self.computed = 0

    def go(self) -> Summary:
        begun = time.perf_counter()
        self.folder.write_environment(environment())
        self._prepare()
        self._write_run(begun)
        variants = self._variants()
        self._decode(variants)
        self.progress.begin("embedding", sum(self._to_embed(v, self._todo(v)) for v in variants.values()))
        for model in self.plan.models:
            for quantizer in self.plan.quantizers:
                self._run_variant(model, quantizer, variants.get((model.label, quantizer.label)))
                self._write_run(begun)
        return Summary(
            folder=self.folder.root,
            done=len(self.cells) - self.failed,
            computed=self.computed,
            failed=self.failed,
            kept=self.folder.forget_failures(self.cells),
            seconds=time.perf_counter() - begun,
        )

    # --- before anything is computed

    def _prepare(self) -> None:
        """Open all data and all checkpoints, so that whatever is missing is said at once."""
        for planned in self.plan.benchmarks:
            self.progress.begin(f"reading {planned.label}", 0)
            try:
                self.found.benchmarks[planned.label] = prepare_benchmark(
                    planned,
                    self.cache,
                    limit=self.spec.limit,
                    workers=self.spec.workers,
                    step=self.progress.step,
                )
            except Exception as error:  # noqa: BLE001 - a plugin's task may raise anything; it fails its own cells
                self.found.benchmarks[planned.label] = self._failure(planned.label, "data", error)
        for model in self.plan.models:
            self.progress.begin(f"opening {model.label}", 0)
            try:
                self.found.models[model.label] = prepare_model(model)
            except Exception as error:  # noqa: BLE001 - likewise
                self.found.models[model.label] = self._failure(model.label, "model", error)
        for things in (self.found.benchmarks, self.found.models):
            failures = [x for x in things.values() if isinstance(x, _Failure)]
            if len(failures) == len(things):
                raise InputError("nothing can be run:\n" + "\n".join(str(f.error) for f in failures))

    def _variants(self) -> dict[tuple[str, str], VariantRun]:
        return {
            (model.label, quantizer.label): VariantRun(
                self.cache, found, quantizer, batch_size=self.spec.batch_size, workers=self.spec.workers
            )
            for model in self.plan.models
            for quantizer in self.plan.quantizers
            if isinstance(found := self.found.models[model.label], PreparedModel)
        }

    def _decode(self, variants: Mapping[tuple[str, str], VariantRun]) -> None:
        """Decode what the variants will need, once for all models that share a geometry."""
        wanted: dict[str, tuple[PreparedBenchmark, VariantRun]] = {}
        for variant in variants.values():
            geometry = variant.model.checkpoint.preprocessing.geometry
            for benchmark in self._todo(variant):
                parts = store_parts(benchmark.pictures_key, geometry)
                if not self.cache.path(ROOM, parts, ".npy").exists():
                    wanted.setdefault(key_of(parts), (benchmark, variant))
        self.progress.begin("decoding", sum(len(b.items.pictures) for b, _ in wanted.values()))
        for benchmark, variant in wanted.values():
            label = benchmark.planned.label
            if isinstance(self.found.benchmarks[label], _Failure):
                continue  # another geometry of it has failed already
            self.progress.doing(f"decoding {label}")
            try:
                pixel_store(
                    self.cache,
                    benchmark.items.pictures,
                    benchmark.pictures_key,
                    variant.model.checkpoint.preprocessing.geometry,
                    workers=self.spec.workers,
                    step=self.progress.step,
                )
            except QbenchError as error:
                self.found.benchmarks[label] = self._failure(label, "data", error)

    # --- the cells

    def _run_variant(self, model: PlannedModel, quantizer: PlannedQuantizer, variant: VariantRun | None) -> None:
        try:
            for benchmark in self.plan.benchmarks:
                self._run_cell(model, quantizer, variant, benchmark)
        finally:
            if variant is not None:
                variant.close()

    def _run_cell(
        self,
        model: PlannedModel,
        quantizer: PlannedQuantizer,
        variant: VariantRun | None,
        planned: PlannedBenchmark,
    ) -> None:
        name = f"{model.label} · {quantizer.label} · {planned.label}"
        self.progress.doing(name)
        opened, data = self.found.models[model.label], self.found.benchmarks[planned.label]
        record: dict[str, Any] = {
            "model": model.label,
            "quantizer": quantizer.label,
            "benchmark": planned.label,
            "model_info": model_info(model, None if isinstance(opened, _Failure) else opened),
            "quantizer_info": quantizer_info(quantizer),
            "benchmark_info": benchmark_info(planned, None if isinstance(data, _Failure) else data),
            "data_info": data_info(planned, None if isinstance(data, _Failure) else data, self.spec.limit),
            "batch": {"size": self.spec.batch_size, "order": ORDER},
        }
        if isinstance(opened, _Failure):
            self._record_failure(record, opened)
        elif isinstance(data, _Failure):
            self._record_failure(record, data)
        elif variant is not None:
            key = key_of(cell_parts(variant.image_parts(data), variant.text_parts(data), data))
            cell = self.folder.cell(planned.label, model.label, quantizer.label, key)
            if self.folder.is_done(cell, key):
                self.cells.append(cell)
                return
            try:
                self._compute(record | {"key": key}, cell, variant, data)
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises fails its cell, not the run
                stage = (
                    "score" if not any(variant.lacking(data)) else "encode" if "build" in variant.seconds else "build"
                )
                self._record_failure(record | {"key": key}, self._failure(name, stage, error), cell)

    def _compute(self, record: dict[str, Any], cell: str, variant: VariantRun, data: PreparedBenchmark) -> None:
        variant.seconds.clear()
        facts = variant.facts()
        images = variant.images(data, self.progress.step)
        texts = variant.texts(data, self.progress.step)
        begun = time.perf_counter()
        similarity = CosineSimilarity(images, data.items.table["picture"].to_numpy(), texts, data.prompts)
        outcome = data.task.predict(similarity, data.items)
        metrics = data.task.measure(outcome)
        tables = {"items": outcome.items, "metrics": metrics.frame()}
        if outcome.rankings is not None:
            tables["rankings"] = outcome.rankings
        record |= {
            "status": "done",
            "error": None,
            "coverage": facts["coverage"],
            "dtype": facts["dtype"],
            "numerics": variant.parts["numerics"],
            "versions": variant.parts["versions"],
            "facts": outcome.facts,
            "seconds": {**variant.seconds, "score": time.perf_counter() - begun},
        }
        self.folder.write_cell(cell, record, tables)
        self.cells.append(cell)
        self.computed += 1

    # --- failures and records

    def _failure(self, name: str, stage: str, error: Exception) -> _Failure:
        log.error("%s failed (%s)", name, stage, exc_info=error)
        self.progress.say(f"failed: {name}: {error or type(error).__name__}", style="red")
        return _Failure(stage, error)

    def _record_failure(self, record: dict[str, Any], failure: _Failure, cell: str = "") -> None:
        error = failure.error
        known = isinstance(error, QbenchError)
        record["status"] = "failed"
        record["error"] = {
            "stage": failure.stage,
            "type": type(error).__name__,
            "what": error.what if isinstance(error, QbenchError) else str(error) or type(error).__name__,
            "where": error.where if isinstance(error, QbenchError) else "",
            "fix": error.fix if isinstance(error, QbenchError) else "See run.log for the traceback.",
        }
        record.setdefault("key", "")
        cell = cell or self.folder.cell(record["benchmark"], record["model"], record["quantizer"], "failed--")
        self.folder.write_cell(cell, record | {"expected": known}, {})
        self.cells.append(cell)
        self.failed += 1

    def _todo(self, variant: VariantRun) -> Iterator[PreparedBenchmark]:
        """The benchmarks whose cell of this variant is not done yet."""
        for data in self.found.benchmarks.values():
            if isinstance(data, _Failure):
                continue
            key = key_of(cell_parts(variant.image_parts(data), variant.text_parts(data), data))
            labels = data.planned.label, variant.model.planned.label, variant.quantizer.label
            if not self.folder.is_done(self.folder.cell(*labels, key), key):
                yield data

    def _to_embed(self, variant: VariantRun, todo: Iterator[PreparedBenchmark]) -> int:
        return sum(sum(variant.lacking(data)) for data in todo)

    def _write_run(self, begun: float) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        notes = [self.spec.note] if self.spec.note else []
        notes += [b.dataset.record.note for b in self.plan.benchmarks if b.dataset and b.dataset.record.note]
        self.folder.write_run(
            {
                "name": self.spec.name,
                "qbench_version": version("qbench-vlm"),
                "baseline": self.spec.baseline,
                "updated": now,
                "seconds": round(time.perf_counter() - begun, 1),
                "spec": _public(self.spec),
                "cells": sorted(self.cells),
                "notes": list(dict.fromkeys(notes)),
            }
        )


def _public(spec: RunSpec) -> dict[str, Any]:
    """The resolved spec with folders cut to their names: a run folder is shared, a user's paths are not."""
    values = spec.model_dump(mode="json")
    for benchmark in values["benchmarks"]:
        if benchmark["root"]:
            benchmark["root"] = Path(benchmark["root"]).name
    for model in values["models"]:
        if model["options"].get("path"):
            model["options"]["path"] = Path(model["options"]["path"]).name
    return values
