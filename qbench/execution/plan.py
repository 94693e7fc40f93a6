"""Spec → plan: every name resolved, every option checked, nothing opened.

A plan is records, options and folders, never live models or data; what it costs is imports of light modules only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qbench.errors import InputError
from qbench.plugins.options import changed_options, make_options
from qbench.plugins.records import Benchmark, Dataset, ModelSource, Quantizer
from qbench.plugins.registry import Entry, Registry
from qbench.spec.model import BenchmarkSpec, ModelSpec, QuantizerSpec, RunSpec


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A checkpoint to be opened."""

    label: str
    entry: Entry[ModelSource]
    checkpoint: str
    options: Any


@dataclass(frozen=True, kw_only=True)
class PlannedQuantizer:
    """A quantizer to be applied, and the device it runs on."""

    label: str
    entry: Entry[Quantizer]
    options: Any
    device: str


@dataclass(frozen=True, kw_only=True)
class PlannedBenchmark:
    """A benchmark to be run: on a folder of the user's, or on a dataset that a plugin writes."""

    label: str
    entry: Entry[Benchmark]
    options: Any
    root: Path | None
    dataset: Entry[Dataset] | None
    allow_missing: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a spec comes to; its cells are models × quantizers × benchmarks, in this order."""

    spec: RunSpec
    models: tuple[PlannedModel, ...]
    quantizers: tuple[PlannedQuantizer, ...]
    benchmarks: tuple[PlannedBenchmark, ...]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.models) * len(self.quantizers) * len(self.benchmarks)


def default_folder(spec: RunSpec) -> Path:
    """Where a spec runs unless told otherwise: always the same place, so that a second call goes on."""
    return Path("qbench-runs") / spec.name


def make_plan(spec: RunSpec, registry: Registry) -> Plan:
    """Resolve a spec against the installed plugins.

    Raises
    ------
    InputError
        A name or an option is unknown, two things carry one label, or the baseline is none of the quantizers.
    """
    plan = Plan(
        spec=spec,
        models=tuple(plan_model(m, registry) for m in spec.models),
        quantizers=tuple(plan_quantizer(q, spec.device, registry) for q in spec.quantizers),
        benchmarks=tuple(plan_benchmark(b, registry) for b in spec.benchmarks),
    )
    for kind, planned in (("models", plan.models), ("quantizers", plan.quantizers), ("benchmarks", plan.benchmarks)):
        _unique(kind, [p.label for p in planned])
    labels = [q.label for q in plan.quantizers]
    if spec.baseline not in labels:
        raise InputError(
            f"the baseline {spec.baseline!r} is none of the quantizers ({', '.join(labels)})",
            fix=f"Add {spec.baseline!r} to quantizers, or set baseline to one of them.",
        )
    return plan


def plan_model(spec: ModelSpec, registry: Registry) -> PlannedModel:
    """Resolve one model; raises `InputError` as `make_plan` does."""
    entry = registry.model(spec.source)
    name = f"{entry.record.name}/{spec.checkpoint}" if spec.checkpoint else entry.record.name
    options = make_options(entry.record.options, spec.options, where=f"model {name}")
    known = entry.record.checkpoints
    if known and spec.checkpoint not in known:
        raise InputError(
            f"the model source {entry.record.name!r} has no checkpoint {spec.checkpoint!r}",
            fix=f"It has: {', '.join(known)}.",
        )
    return PlannedModel(label=spec.label or name, entry=entry, checkpoint=spec.checkpoint, options=options)


def plan_quantizer(spec: QuantizerSpec, device: str, registry: Registry) -> PlannedQuantizer:
    """Resolve one quantizer, on `device` where it runs there; raises `InputError` as `make_plan` does."""
    entry = registry.quantizer(spec.name)
    options = make_options(entry.record.options, spec.options, where=f"quantizer {spec.name}")
    # A label goes into reports: of a folder of the user's it has the last name only.
    changed = ", ".join(f"{k}={Path(v).name if k == 'path' else v}" for k, v in changed_options(options).items())
    return PlannedQuantizer(
        label=spec.label or entry.record.name + (f" ({changed})" if changed else ""),
        entry=entry,
        options=options,
        device=_device(entry.record, device),
    )


def _device(record: Quantizer, wanted: str) -> str:
    """The device that was asked for; the CPU for methods that only run there."""
    if wanted.partition(":")[0] in record.devices:
        return wanted
    if "cpu" in record.devices:
        return "cpu"
    raise InputError(
        f"the quantizer {record.name!r} runs on {' or '.join(record.devices)}, not on {wanted!r}",
        fix=f'Set device = "{record.devices[0]}", or leave it out.',
    )


def plan_benchmark(spec: BenchmarkSpec, registry: Registry) -> PlannedBenchmark:
    """Resolve one benchmark; raises `InputError` as `make_plan` does."""
    entry = registry.benchmark(spec.name)
    dataset = registry.dataset(spec.dataset) if spec.dataset else None
    root, label = _root(spec, entry.record), spec.label or entry.record.name
    if entry.record.describe is not None:
        if root is None:
            raise InputError(
                "no dataset is named",
                where=f"benchmark {spec.name}",
                fix='Set root = "…", to a folder with a dataset.toml in it or to such a file.',
            )
        described = entry.record.describe(root)
        root, label = described.root, spec.label or described.name
        entry = Entry(plugin=entry.plugin, record=replace(described, name=entry.record.name))
    return PlannedBenchmark(
        label=label,
        entry=entry,
        options=make_options(entry.record.options, spec.options, where=f"benchmark {spec.name}"),
        root=root,
        dataset=dataset,
        allow_missing=spec.allow_missing,
    )


def _root(spec: BenchmarkSpec, record: Benchmark) -> Path | None:
    """The folder that the spec names, else the distribution's own, else the one below ``QBENCH_DATA``."""
    if spec.root:
        return Path(spec.root)
    if spec.dataset:
        return None
    if record.root is not None:
        return record.root
    if os.environ.get("QBENCH_DATA") and record.describe is None:
        return Path(os.environ["QBENCH_DATA"]).expanduser() / (record.folder or record.name)
    return None


def _unique(kind: str, labels: list[str]) -> None:
    double = sorted({label for label in labels if labels.count(label) > 1})
    if double:
        raise InputError(f"two {kind} are called {double[0]!r}", fix='Give one a name of its own with label = "…".')
