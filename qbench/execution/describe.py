"""What a cell was, as the records that stand in ``cell.json``: model, quantizer, benchmark, data, and why it failed."""

from __future__ import annotations

from pathlib import Path

from qbench.errors import QbenchError
from qbench.execution.plan import Plan, PlannedBenchmark, PlannedModel, PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.plugins.options import options_dict
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


def quantizer_info(planned: PlannedQuantizer) -> QuantizerInfo:
    """The quantizer: its record and options; of a ``path`` the last name only."""
    record = planned.entry.record
    options = options_dict(planned.options)
    if options.get("path"):
        options["path"] = Path(options["path"]).name
    return QuantizerInfo(
        record=planned.entry.qualified,
        distribution=planned.entry.plugin.distribution,
        version=planned.entry.plugin.version,
        kind=record.kind,
        bits=record.bits,
        batch_invariant=None if record.embeddings else record.batch_invariant,  # None: not known here
        device=planned.device,
        options=options,
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
        options=options_dict(planned.options),
        choices=items.choices if items else {},
        metrics=tuple(record.metrics),
        attributes=tuple(items.attributes) if items else (),
        licence=record.licence,
        citation=record.citation,
    )


def data_info(planned: PlannedBenchmark, prepared: PreparedBenchmark | None, limit: int | None) -> DataInfo:
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
    return info.model_copy(
        update={
            "fingerprint": prepared.items_key,
            "items": len(prepared.items),
            "images": len(prepared.items.images),
            "texts": len(prepared.prompts.texts),
            "prompts": prepared.texts_key,
            "missing": MissingItems.model_validate(prepared.missing),
        }
    )


def failure(stage: str, error: Exception, plan: Plan) -> Failure:
    """Why a cell failed: what qbench's own errors say, or the message of any other, which `run.log` has in full."""
    said = {"what": str(error) or type(error).__name__, "where": "", "fix": "See run.log for the traceback."}
    if isinstance(error, QbenchError):
        said = {"what": error.what, "where": error.where, "fix": error.fix}
    return Failure(
        stage=stage,
        type=type(error).__name__,
        **{name: without_folders(text, plan) for name, text in said.items()},
    )


def without_folders(text: str, plan: Plan) -> str:
    """`text` with the user's folders cut to their last name: a run folder is shared, the paths in it need not be."""
    folders = [b.root for b in plan.benchmarks if b.root]
    parts = (*plan.spec.models, *plan.spec.quantizers)
    folders += [Path(x.options["path"]) for x in parts if x.options.get("path")]
    for parent in sorted({str(f.parent) for f in folders} | {str(Path.cwd()), str(Path.home())}, key=len, reverse=True):
        if len(parent) > 1:
            text = text.replace(f"{parent}/", "")
    return text
