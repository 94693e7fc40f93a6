"""What a cell was, as plain values: the records, options, data and versions that stand in ``cell.json``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from qbench.execution.plan import Plan, PlannedBenchmark, PlannedModel, PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.plugins.options import options_dict


def model_info(planned: PlannedModel, prepared: PreparedModel | None) -> dict[str, Any]:
    """The model: its record, and the checkpoint's identity where it was found."""
    info: dict[str, Any] = {
        "record": planned.entry.qualified,
        "distribution": planned.entry.plugin.distribution,
        "version": planned.entry.plugin.version,
        "checkpoint": planned.checkpoint,
        "licence": planned.entry.record.licence,
    }
    if prepared is not None:
        identity = prepared.checkpoint.identity
        info |= {
            "architecture": identity.architecture,
            "revision": identity.revision,
            "fingerprint": identity.fingerprint,
            "preprocessing": asdict(prepared.checkpoint.preprocessing),
        }
    return info


def quantizer_info(planned: PlannedQuantizer) -> dict[str, Any]:
    """The quantizer: its record and options; of a ``path`` the last name only."""
    record = planned.entry.record
    options = options_dict(planned.options)
    if options.get("path"):
        options["path"] = Path(options["path"]).name
    return {
        "record": planned.entry.qualified,
        "distribution": planned.entry.plugin.distribution,
        "version": planned.entry.plugin.version,
        "kind": record.kind,
        "bits": record.bits,
        "batch_invariant": None if record.embeddings else record.batch_invariant,  # None: not known here
        "device": planned.device,
        "options": options,
    }


def benchmark_info(planned: PlannedBenchmark, prepared: PreparedBenchmark | None) -> dict[str, Any]:
    """The benchmark: its record, options, and the choices that were made."""
    record = planned.entry.record
    items = prepared.items if prepared else None
    return {
        "record": planned.entry.qualified,
        "distribution": planned.entry.plugin.distribution,
        "version": planned.entry.plugin.version,
        "protocol": record.protocol,
        "options": options_dict(planned.options),
        "choices": items.choices if items else {},
        "metrics": [asdict(m) for m in record.metrics],
        "attributes": [asdict(a) for a in items.attributes] if items else [],
        "licence": record.licence,
        "citation": record.citation,
    }


def data_info(planned: PlannedBenchmark, prepared: PreparedBenchmark | None, limit: int | None) -> dict[str, Any]:
    """The data: its name (never its path), fingerprint and counts."""
    dataset = planned.dataset.record if planned.dataset else None
    info: dict[str, Any] = {
        "root": planned.root.name if planned.root else "",
        "dataset": dataset.name if dataset else None,
        "note": (dataset.note if dataset else "") or planned.entry.record.note,
        "limit": limit,
    }
    if prepared is not None:
        info |= {
            "fingerprint": prepared.items_key,
            "items": len(prepared.items),
            "images": len(prepared.items.images),
            "texts": len(prepared.prompts.texts),
            "prompts": prepared.texts_key,
            "missing": prepared.missing,
        }
    return info


def without_folders(text: str, plan: Plan) -> str:
    """`text` with the user's folders cut to their last name: a run folder is shared, the paths in it need not be."""
    folders = [b.root for b in plan.benchmarks if b.root]
    parts = (*plan.spec.models, *plan.spec.quantizers)
    folders += [Path(x.options["path"]) for x in parts if x.options.get("path")]
    for parent in sorted({str(f.parent) for f in folders} | {str(Path.cwd()), str(Path.home())}, key=len, reverse=True):
        if len(parent) > 1:
            text = text.replace(f"{parent}/", "")
    return text
