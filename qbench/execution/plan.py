"""Spec → plan: every name resolved, every option checked, nothing opened.

A plan is records, options and folders, never live models or data; what it costs is imports of light modules only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qbench.comparisons import check_comparisons
from qbench.declared.record import NAME
from qbench.errors import InputError
from qbench.models.control_arms import CONTROL_ARMS
from qbench.models.interface import Tower
from qbench.models.layer_options import ENCODERS, LayerOptions
from qbench.plugins.options import absolute_options, changed_options, make_options
from qbench.plugins.records import Benchmark, Dataset, Executor, ModelSource, Probe, Quantizer
from qbench.plugins.registry import Entry, Registry
from qbench.spec.model import BenchmarkSpec, CalibrationSpec, ExecutorSpec, ModelSpec, QuantizerSpec, RunSpec
from qbench.statistics.settings import check_margins
from qbench.store.files import user_path

HERE = Path()
"""What relative paths are relative to if nothing else is said: the working folder."""


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A checkpoint to be opened."""

    label: str
    entry: Entry[ModelSource]
    checkpoint: str
    options: Any


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
class PlannedCalibration:
    """Calibration data to be drawn.

    Attributes
    ----------
    spec : CalibrationSpec
        What is drawn, and how many.
    source : PlannedBenchmark or pathlib.Path
        The benchmark from whose items it is drawn, or a folder of images.
    texts : pathlib.Path or None
        The file of the texts, where one is named.
    """

    spec: CalibrationSpec
    source: PlannedBenchmark | Path
    texts: Path | None

    @property
    def label(self) -> str:
        """The name of the data: of a benchmark with a dataset's both, of a folder the last name only."""
        if isinstance(self.source, Path):
            return self.source.name
        written, root = self.source.dataset, self.source.root
        place = written.record.name if written else root.name if root else ""
        return f"{self.source.label} on {place}" if place and place != self.source.label else self.source.label


@dataclass(frozen=True, kw_only=True)
class PlannedQuantizer:
    """A quantizer to be applied, the device it runs on, and the data on which it may measure activations.

    Attributes
    ----------
    label : str
        Its name in results.
    entry : Entry of Quantizer
        The method.
    options : object
        Its options.
    device : str
        Where it runs.
    calibration : PlannedCalibration or None
        The data on which it may measure activations.
    arm : PlannedQuantizer or None
        The control arm whose answers the towers give that the options leave alone; `None` where they leave none alone.
    """

    label: str
    entry: Entry[Quantizer]
    options: Any
    device: str
    calibration: PlannedCalibration | None = None
    arm: PlannedQuantizer | None = None

    def answering(self, tower: Tower | None) -> PlannedQuantizer:
        """What decides the answers of a tower: this method, or the control arm if the tower is left alone."""
        return self if self.arm is None or tower is None or tower in self.options.changed_towers else self.arm


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a spec comes to; its cells are models × quantizers × benchmarks, in this order, without what is not asked.

    Attributes
    ----------
    spec : RunSpec
        The spec.
    models, quantizers, benchmarks : tuple
        What it names.
    probes : mapping
        Labels of a model and a benchmark → the probe by which all variants of the model are asked, for each model that
        is asked about the benchmark. Baseline and variants share it, because answers to different questions cannot be
        compared.
    """

    spec: RunSpec
    models: tuple[PlannedModel, ...]
    quantizers: tuple[PlannedQuantizer, ...]
    benchmarks: tuple[PlannedBenchmark, ...]
    probes: Mapping[tuple[str, str], Entry[Probe]]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.probes) * len(self.quantizers)

    def asked_about(self, model: str) -> list[PlannedBenchmark]:
        """The benchmarks about which the model of this label is asked."""
        return [benchmark for benchmark in self.benchmarks if (model, benchmark.label) in self.probes]

    def left_alone(self, quantizer: PlannedQuantizer) -> list[Tower]:
        """The towers whose answers are those of the quantizer's control arm, where any model is asked by tower."""
        if quantizer.arm is None or not any(probe.record.by_tower for probe in self.probes.values()):
            return []
        towers: tuple[Tower, ...] = ("image", "text")
        return [tower for tower in towers if quantizer.answering(tower) is quantizer.arm]

    def probes_of(self, benchmark: PlannedBenchmark) -> list[Entry[Probe]]:
        """The probes by which the models are asked about one benchmark, each once."""
        found = {p.qualified: p for (_, label), p in self.probes.items() if label == benchmark.label}
        return list(found.values())


def default_folder(spec: RunSpec) -> Path:
    """Where a spec runs unless told otherwise: always the same folder, so that a second call continues the run."""
    return Path("qbench-runs") / spec.name


def make_plan(spec: RunSpec, registry: Registry) -> Plan:
    """Resolve a spec against the installed plugins.

    Raises
    ------
    InputError
        A name or an option is unknown, two things have one label, the baseline is not one of the quantizers, there is
        no probe by which a model can be asked about a benchmark, a model is asked about no benchmark, or a comparison
        that the spec declares is wrong.
    """
    base = Path(spec.base)
    models = tuple(plan_model(m, registry, base) for m in spec.models)
    quantizers = tuple(plan_quantizer(q, spec.device, registry, base, spec.calibration) for q in spec.quantizers)
    benchmarks = tuple(plan_benchmark(b, registry, base) for b in spec.benchmarks)
    for kind, planned in (("models", models), ("quantizers", quantizers), ("benchmarks", benchmarks)):
        _unique(kind, [p.label for p in planned])
    _check_calibration(spec, quantizers)
    labels = [q.label for q in quantizers]
    if spec.baseline not in labels:
        raise InputError(
            f"the baseline {spec.baseline!r} is not one of the quantizers ({', '.join(labels)})",
            fix=f"Add {spec.baseline!r} to quantizers, or set baseline to one of them.",
        )
    check_comparisons(spec.comparisons, [m.label for m in models], labels, spec.baseline)
    declared = [(b.label, metric) for b in benchmarks for metric in b.entry.record.metrics]
    check_margins(spec.analysis.margins, declared, where="[analysis.margins]")
    pairs = _asked_pairs(spec, models, benchmarks)
    probes = {(m.label, b.label): _probe(m, b, quantizers, registry) for m, b in pairs}
    _check_asked_alike(spec, benchmarks, probes)
    return Plan(spec=spec, models=models, quantizers=quantizers, benchmarks=benchmarks, probes=probes)


def narrowed(
    spec: RunSpec,
    registry: Registry,
    *,
    model: str | None = None,
    quantizer: str | None = None,
    benchmark: str | None = None,
) -> RunSpec:
    """The spec with the model, the quantizer or the benchmark of one label only; all of those without a label.

    The baseline stays, and a model keeps the benchmarks about which it is asked.

    Raises
    ------
    InputError
        As `make_plan`, or the spec has nothing of such a label.
    """
    if model is None and quantizer is None and benchmark is None:
        return spec
    plan = make_plan(spec, registry)
    models, benchmarks = list(spec.models), list(spec.benchmarks)
    quantizers = list(spec.quantizers)
    if benchmark is not None:
        benchmarks = [benchmarks[_place("benchmark", benchmark, [b.label for b in plan.benchmarks])]]
    if model is not None:
        models = [models[_place("model", model, [m.label for m in plan.models])]]
        benchmarks = [b.model_copy(update={"models": []}) for b in benchmarks if model in (b.models or [model])]
    if quantizer is not None:
        labels = [q.label for q in plan.quantizers]
        place = _place("quantizer", quantizer, labels)
        quantizers = [q for i, q in enumerate(quantizers) if i == place or labels[i] == spec.baseline]
    if not benchmarks:
        raise InputError(f"the model {model!r} is not asked about the benchmark {benchmark!r}", where="--benchmark")
    changes = {"models": models, "benchmarks": benchmarks, "quantizers": quantizers, "comparisons": []}
    return spec.model_copy(update=changes)


def _place(kind: str, label: str, labels: Sequence[str]) -> int:
    """Where a label is among all of its kind."""
    if label not in labels:
        raise InputError(f"the spec has no {kind} {label!r}", where=f"--{kind}", fix=f"It has: {', '.join(labels)}.")
    return labels.index(label)


def _asked_pairs(
    spec: RunSpec, models: Sequence[PlannedModel], benchmarks: Sequence[PlannedBenchmark]
) -> list[tuple[PlannedModel, PlannedBenchmark]]:
    """Each model with the benchmarks about which it is asked."""
    known = [model.label for model in models]
    named = {b.label: set(said.models or known) for b, said in zip(benchmarks, spec.benchmarks, strict=True)}
    for label, labels in named.items():
        if unknown := sorted(labels.difference(known)):
            raise InputError(
                f"the benchmark {label} names the model {unknown[0]!r}, which is not one of the models",
                where=f"benchmark {label}: models",
                fix=f"The labels of the models are: {', '.join(known)}.",
            )
    if idle := [label for label in known if not any(label in labels for labels in named.values())]:
        raise InputError(
            f"the model {idle[0]} is asked about no benchmark",
            where="benchmarks",
            fix="Leave it out, or name it in the models of a benchmark.",
        )
    return [(model, benchmark) for model in models for benchmark in benchmarks if model.label in named[benchmark.label]]


def _check_asked_alike(
    spec: RunSpec, benchmarks: Iterable[PlannedBenchmark], probes: Mapping[tuple[str, str], Entry[Probe]]
) -> None:
    """Refuse comparisons of two models that are asked through different probes."""
    for place, one in enumerate(spec.comparisons):
        for benchmark in benchmarks:
            asked = [probes.get((side.model, benchmark.label)) for side in (one.variant, one.baseline)]
            if asked[0] and asked[1] and asked[0].qualified != asked[1].qualified:
                mine, its = (f"{probe.record.name!r}" for probe in asked if probe)
                raise InputError(
                    f"{one.variant.model} and {one.baseline.model} are asked about {benchmark.label} through different "
                    f"probes, {mine} and {its}, and answers to different questions cannot be compared",
                    where=f"comparisons.{place}",
                    fix="Leave out the comparison, or run the benchmark in another spec.",
                )


def _probe(
    model: PlannedModel, benchmark: PlannedBenchmark, quantizers: Iterable[PlannedQuantizer], registry: Registry
) -> Entry[Probe]:
    """The first probe of the benchmark that the model and every quantizer answer."""
    asked = _named(benchmark.entry.record.probes, registry)
    answered = _named(model.entry.record.probes, registry)
    common = [entry for name, entry in asked.items() if name in answered]
    if not common:
        raise InputError(
            f"{model.label} cannot be asked about {benchmark.label}: the benchmark accepts the probes "
            f"{_listed(asked)}, and the model answers {_listed(answered)}",
            fix="Name the models that are asked in the models of the benchmark, or run them in different specs.",
        )
    refused = ""
    for entry in common:
        unable = [q.label for q in quantizers if not _answers(q, entry, registry)]
        if not unable:
            return entry
        refused = refused or f"{entry.record.name} is not answered by {', '.join(unable)}"
    raise InputError(
        f"the variants of {model.label} have no common probe for {benchmark.label}: {refused}",
        fix="A variant and its baseline are asked in the same way: run those quantizers in another spec.",
    )


def _named(names: Sequence[str], registry: Registry) -> dict[str, Entry[Probe]]:
    """The probes of these names by their qualified names; the default probe if none is named."""
    if not names:
        default = default_probe(registry)
        return {default.qualified: default}
    return _resolved(names, registry) or {name: registry.probe(name) for name in names}  # the latter says what is wrong


def _resolved(names: Sequence[str], registry: Registry) -> dict[str, Entry[Probe]]:
    """The probes of these names (bare or ``plugin:name``) by their qualified names, without those not installed."""
    known = {name for entry in registry.probes() for name in (entry.record.name, entry.qualified)}
    entries = [registry.probe(name) for name in names if name in known]
    return {entry.qualified: entry for entry in entries}


def default_probe(registry: Registry) -> Entry[Probe]:
    """The probe of benchmarks and model sources that name none.

    Raises
    ------
    InputError
        There is none, or more than one.
    """
    found = [entry for entry in registry.probes() if entry.record.default]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError("no installed plugin provides a default probe", fix="See `qbench plugins`.")
    origins = " and ".join(f"{e.qualified} ({e.plugin.distribution} {e.plugin.version})" for e in found)
    raise InputError(
        f"more than one probe is the default: {origins}",
        fix="Leave out one of these plugins: results with another default probe cannot be compared.",
    )


def _listed(probes: Mapping[str, Entry[Probe]]) -> str:
    return ", ".join(entry.record.name for entry in probes.values())


def _answers(quantizer: PlannedQuantizer, probe: Entry[Probe], registry: Registry) -> bool:
    record = quantizer.entry.record
    named = record.probes is None or probe.qualified in _resolved(record.probes, registry)
    return named and record.provider in probe.record.providers


def plan_executor(spec: ExecutorSpec, registry: Registry) -> tuple[Entry[Executor], Any]:
    """Resolve what executes a run: its record and its options; raises `InputError` as `make_plan` does."""
    entry = registry.executor(spec.name)
    _check_installed(entry, "executor")
    return entry, make_options(entry.record.options, spec.options, where=f"executor {spec.name}")


def plan_model(spec: ModelSpec, registry: Registry, base: Path = HERE) -> PlannedModel:
    """Resolve one model, with relative paths against `base`; raises `InputError` as `make_plan` does."""
    entry = registry.model(spec.source)
    _check_installed(entry, "model source")
    name = f"{entry.record.name}/{spec.checkpoint}" if spec.checkpoint else entry.record.name
    options = make_options(entry.record.options, spec.options, where=f"model {name}")
    known = entry.record.checkpoints
    if known and spec.checkpoint not in known:
        raise InputError(
            f"the model source {entry.record.name!r} has no checkpoint {spec.checkpoint!r}",
            fix=f"It has: {', '.join(known)}.",
        )
    options = absolute_options(options, base)
    return PlannedModel(label=spec.label or name, entry=entry, checkpoint=spec.checkpoint, options=options)


def _check_installed(entry: Entry[Any], what: str) -> None:
    if entry.record.install:
        raise InputError(
            f"the {what} {entry.record.name!r} needs packages that are not installed",
            fix=f"Install them: {entry.record.install}",
        )


def plan_quantizer(
    spec: QuantizerSpec,
    device: str,
    registry: Registry,
    base: Path = HERE,
    calibration: CalibrationSpec | None = None,
) -> PlannedQuantizer:
    """Resolve one quantizer, on `device` where it runs there, with the calibration data of its own or of the run.

    Raises `InputError` as `make_plan` does.
    """
    entry = registry.quantizer(spec.name)
    _check_installed(entry, "quantizer")
    if spec.calibration is not None and not entry.record.calibrates:
        raise InputError(
            f"the quantizer {entry.record.name!r} uses no calibration data",
            where=f"quantizer {spec.name}",
            fix="Leave out its calibration.",
        )
    wanted = (spec.calibration or calibration) if entry.record.calibrates else None
    options = make_options(entry.record.options, spec.options, where=f"quantizer {spec.name}")
    changed = ", ".join(f"{name}={value}" for name, value in changed_options(options).items())
    runs_on = _device(entry.record, device)
    return PlannedQuantizer(
        label=spec.label or entry.record.name + (f" ({changed})" if changed else ""),
        entry=entry,
        options=absolute_options(options, base),
        device=runs_on,
        arm=_arm(options, runs_on, registry),
        calibration=plan_calibration(wanted, registry, base) if wanted else None,
    )


def plan_calibration(spec: CalibrationSpec, registry: Registry, base: Path = HERE) -> PlannedCalibration:
    """Resolve calibration data, with relative paths against `base`; raises `InputError` as `make_plan` does."""
    texts = user_path(spec.texts, base=base, where="calibration: texts") if spec.texts else None
    if spec.folder:
        folder = user_path(spec.folder, base=base, where="calibration: folder")
        return PlannedCalibration(spec=spec, source=folder, texts=texts)
    named = spec.benchmark or BenchmarkSpec(name=NAME, root=spec.dataset)
    if named.root:
        root = str(user_path(named.root, base=base, where="calibration: root"))
        named = named.model_copy(update={"root": root})
    return PlannedCalibration(spec=spec, source=plan_benchmark(named, registry, base), texts=texts)


def with_own_calibration(spec: RunSpec, registry: Registry) -> RunSpec:
    """The same spec with the calibration data of the run at each quantizer that uses it, so that they can be parted."""
    using = [registry.quantizer(q.name).record.calibrates for q in spec.quantizers]
    if not any(using):
        return spec
    quantizers = [
        q.model_copy(update={"calibration": q.calibration or spec.calibration}) if uses else q
        for q, uses in zip(spec.quantizers, using, strict=True)
    ]
    return spec.model_copy(update={"quantizers": quantizers, "calibration": None})


def check_has_calibration(quantizer: PlannedQuantizer) -> None:
    """Raise `InputError` for a quantizer that uses calibration data and for which none is named."""
    if quantizer.entry.record.calibrates and quantizer.calibration is None:
        raise InputError(
            f"the quantizer {quantizer.label!r} measures activations, and no calibration data is named for it",
            fix='Set calibration = { folder = "…" }, or a benchmark or a dataset, in a spec (docs/spec.md).',
        )


def _check_calibration(spec: RunSpec, quantizers: Iterable[PlannedQuantizer]) -> None:
    """Refuse a quantizer without the calibration data that it uses, and such data that no quantizer uses."""
    calibrating = [q for q in quantizers if q.entry.record.calibrates]
    for quantizer in calibrating:
        check_has_calibration(quantizer)
    if spec.calibration is not None and not calibrating:
        raise InputError(
            "the spec names calibration data, and none of its quantizers uses any",
            where="calibration",
            fix="Leave it out, or add a quantizer that uses it.",
        )


def _arm(options: Any, device: str, registry: Registry) -> PlannedQuantizer | None:
    """The control arm of the towers that the options leave alone; `None` where there are none, or it is not known."""
    if not isinstance(options, LayerOptions) or options.changed_towers == ENCODERS:
        return None
    name = CONTROL_ARMS[options.other_dtype]
    known = [entry for entry in registry.quantizers() if entry.record.name == name]
    if len(known) != 1 or known[0].record.kind != "control":
        return None
    arm = known[0].record
    return PlannedQuantizer(label=name, entry=known[0], options=arm.options(), device=device)


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


def plan_benchmark(spec: BenchmarkSpec, registry: Registry, base: Path = HERE) -> PlannedBenchmark:
    """Resolve one benchmark, with relative paths against `base`; raises `InputError` as `make_plan` does."""
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
    options = make_options(entry.record.options, spec.options, where=f"benchmark {spec.name}")
    return PlannedBenchmark(
        label=label,
        entry=entry,
        options=absolute_options(options, base),
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
        return user_path(os.environ["QBENCH_DATA"], where="QBENCH_DATA") / (record.folder or record.name)
    return None


def _unique(kind: str, labels: list[str]) -> None:
    double = sorted({label for label in labels if labels.count(label) > 1})
    if double:
        raise InputError(f"two {kind} are called {double[0]!r}", fix='Give one a name of its own with label = "…".')
