"""What a cell was, as the records that stand in ``cell.json``: model, quantizer, benchmark, data, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qbench.execution.calibration import PreparedCalibration
from qbench.execution.option_files import content_digests
from qbench.execution.plan import Plan, PlannedBenchmark, PlannedModel, PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.executors.problems import Problem
from qbench.plugins.options import file_options, option_paths, public_options
from qbench.plugins.records import Probe
from qbench.plugins.registry import Entry
from qbench.runfolder.schema import BenchmarkInfo, DataInfo, Failure, MissingItems, ModelInfo, QuantizerInfo


def model_info(planned: PlannedModel, prepared: PreparedModel | None) -> ModelInfo:
    """The model: its record, and the checkpoint's identity where it was found."""
    info = ModelInfo(
        record=planned.entry.qualified,
        distribution=planned.entry.plugin.distribution,
        version=planned.entry.plugin.version,
        checkpoint=planned.checkpoint,
        licence=planned.entry.record.licence,
    )
    if prepared is None:
        return info
    identity = prepared.checkpoint.identity
    return info.model_copy(
        update={
            "architecture": identity.architecture,
            "revision": identity.revision,
            "fingerprint": identity.fingerprint,
            "preprocessing": prepared.checkpoint.preprocessing,
        }
    )


def quantizer_info(
    planned: PlannedQuantizer,
    files: Mapping[str, Mapping[str, str]],
    calibration: PreparedCalibration | None = None,
) -> QuantizerInfo:
    """The quantizer: its record, options and calibration data; of files the last name, and a digest of the content."""
    record = planned.entry.record
    return QuantizerInfo(
        record=planned.entry.qualified,
        distribution=planned.entry.plugin.distribution,
        version=planned.entry.plugin.version,
        kind=record.kind,
        bits=record.bits,
        batch_invariant=record.batch_invariant,
        device=planned.device,
        options=public_options(planned.options),
        files=content_digests(files),
        calibration=calibration.info if calibration else None,
    )


def benchmark_info(planned: PlannedBenchmark, prepared: PreparedBenchmark | None) -> BenchmarkInfo:
    """The benchmark: its record, options, and the choices that were made."""
    record = planned.entry.record
    items = prepared.items if prepared else None
    return BenchmarkInfo(
        record=planned.entry.qualified,
        distribution=planned.entry.plugin.distribution,
        version=planned.entry.plugin.version,
        protocol=record.protocol,
        options=public_options(planned.options),
        files=content_digests(prepared.files) if prepared else {},
        choices=items.choices if items else {},
        metrics=tuple(record.metrics),
        attributes=tuple(items.attributes) if items else (),
        licence=record.licence,
        citation=record.citation,
    )


def data_info(
    planned: PlannedBenchmark, prepared: PreparedBenchmark | None, probe: Entry[Probe], limit: int | None
) -> DataInfo:
    """The data: its name (never its path), fingerprint and counts."""
    dataset = planned.dataset.record if planned.dataset else None
    info = DataInfo(
        root=planned.root.name if planned.root else "",
        dataset=dataset.name if dataset else None,
        note=(dataset.note if dataset else "") or planned.entry.record.note,
        limit=limit,
    )
    if prepared is None:
        return info
    questions = prepared.questions[probe.qualified]
    return info.model_copy(
        update={
            "fingerprint": prepared.items_key,
            "items": len(prepared.items),
            "images": len(prepared.items.images),
            "texts": questions.count,
            "prompts": questions.digest,
            "missing": MissingItems.model_validate(prepared.missing),
            "unavailable": prepared.unavailable,
        }
    )


def failure(problem: Problem, plan: Plan) -> Failure:
    """Why a cell failed, without the folders of this machine."""
    return Failure(
        stage=problem.stage,
        type=problem.type,
        **{name: without_folders(getattr(problem, name), plan) for name in ("what", "where", "fix")},
    )


def public_spec(plan: Plan) -> dict[str, Any]:
    """The spec as a run folder keeps it: that is shared, and of the user's folders it has the last names only."""
    values = plan.spec.model_dump(mode="json", exclude={"base"})
    values["executor"] = plan.spec.executor.name  # where its machines are is nobody else's concern
    drawn = [found["calibration"] for found in (values, *values["quantizers"]) if found["calibration"]]
    for benchmark in (*values["benchmarks"], *(found["benchmark"] for found in drawn if found["benchmark"])):
        benchmark["root"] = Path(benchmark["root"]).name
    for found in drawn:
        found |= {name: Path(found[name]).name for name in ("dataset", "folder", "texts")}
    planned_parts: dict[str, Sequence[PlannedModel | PlannedQuantizer | PlannedBenchmark]] = {
        "models": plan.models,
        "quantizers": plan.quantizers,
        "benchmarks": plan.benchmarks,
    }
    for kind, parts in planned_parts.items():
        for found, planned in zip(values[kind], parts, strict=True):
            public = public_options(planned.options)
            found["options"] |= {
                name: public[name] for name in file_options(type(planned.options)) if name in found["options"]
            }
    return values


def without_folders(text: str, plan: Plan) -> str:
    """`text` with the user's folders cut to their last name: a run folder is shared, the paths in it need not be."""
    drawn = [q.calibration for q in plan.quantizers if q.calibration]
    sources = [found.source for found in drawn if isinstance(found.source, PlannedBenchmark)]
    folders = [b.root for b in (*plan.benchmarks, *sources) if b.root]
    folders += [path for found in drawn for path in (found.source, found.texts) if isinstance(path, Path)]
    parts = (plan.models, plan.quantizers, plan.benchmarks, sources)
    options = [planned.options for kind in parts for planned in kind]
    for found in options:
        folders += [path for paths in option_paths(found).values() for path in paths]
    for parent in sorted({str(f.parent) for f in folders} | {str(Path.cwd()), str(Path.home())}, key=len, reverse=True):
        if len(parent) > 1:
            text = text.replace(f"{parent}/", "")
    return text
