"""What a plan would do here: what is there, what is missing and how to get it, what it will cost. Runs nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from qbench.errors import MachineError, QbenchError
from qbench.execution.asked import AskedVariant
from qbench.execution.batch_size import SIZES, recorded_size, remembered_size
from qbench.execution.calibration import PreparedCalibration, check_disjoint, prepare_calibration
from qbench.execution.cluster import DecodingWork, VariantWork
from qbench.execution.gpu_speeds import GpuSpeeds
from qbench.execution.plan import Plan, PlannedBenchmark, PlannedModel, PlannedQuantizer, make_plan, plan_executor
from qbench.execution.prepare import (
    PreparedBenchmark,
    PreparedModel,
    prepare_benchmark,
    prepare_model,
    stored_dataset,
)
from qbench.execution.progress import Silent
from qbench.execution.sharding import Shard, whole_run
from qbench.execution.variant import VariantRun
from qbench.execution.work_left import WorkLeft
from qbench.executors.work_units import Share
from qbench.images.decoder import Decoder
from qbench.metrics.interface import Unavailable
from qbench.models.same_checkpoints import same_checkpoints
from qbench.plugins.registry import Registry, installed
from qbench.runfolder.writer import RunFolder
from qbench.spec.model import AUTO, BATCH_SIZE, RunSpec
from qbench.store.cache import Cache
from qbench.text import counted

LATER = "written at the first run"
"""The state of data that a plugin has not written yet."""
DONE, CACHED, TO_COMPUTE = "done", "answers are cached", "to compute"
"""The states of a cell whose model and data are there."""
UNUSABLE = "unusable"
"""The state of a model or benchmark that is there and cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A model or a benchmark of the plan.

    Attributes
    ----------
    label : str
        Its name.
    state : str
        ``ready``, ``missing``, ``written at the first run`` or ``unusable``.
    detail : str
        Where it is, how large it is, or how to get it.
    """

    label: str
    state: str
    detail: str


@dataclass(kw_only=True)
class Forecast:
    """What a plan comes to on this machine.

    Attributes
    ----------
    plan : Plan
        The plan.
    models, benchmarks, calibration : list of Part
        What is there and what is missing; of calibration data with the label of the quantizer that uses it.
    same_checkpoints : list of str
        One sentence for each checkpoint that several of the models are.
    unavailable : dict of str to tuple of Unavailable
        Benchmark → the numbers that its data cannot give; only benchmarks that have such numbers.
    done, cached, to_compute, unknown : int
        Cells that are done in the run folder; whose answers are cached; that have to be computed; of which nothing
        can be said because their model or data is missing.
    problems : dict of str to str
        The cells of usable models and data that a plugin made unusable (model · quantizer · benchmark), and what it
        raised.
    answers : dict of str to int
        What has to be asked (``images``, ``texts``) → how many answers the cache lacks, other orders included. Answers
        that several variants share, because they leave a tower alone, are counted once.
    seconds : float or None
        Estimated time of asking the models, from speeds measured on this machine; `None` where none was measured yet.
    unmeasured : int
        Cells whose model has not been asked here with this method yet, so that the estimate leaves them out.
    part : list of Part
        The cells that are computed: all whose model and data are there, or those of the shard that was asked for, with
        what the cache lacks of its share of the answers.
    variants : dict of str to VariantWork
        Variant → what is left to ask of it, with the answers that it shares with others at the first of them.
    decoding : dict of str to DecodingWork
        Key of a set of decoded images → what is left to decode.
    opening : float
        Seconds in which the data was read and the digests of its images were computed or looked up, now.
    batch_size_known : bool
        Whether the size of the batches is a number already. Otherwise it is found when the run begins, and all counts
        are those of `plan.spec.per_batch`.
    """

    plan: Plan
    models: list[Part] = field(default_factory=list)
    benchmarks: list[Part] = field(default_factory=list)
    calibration: list[Part] = field(default_factory=list)
    same_checkpoints: list[str] = field(default_factory=list)
    unavailable: dict[str, tuple[Unavailable, ...]] = field(default_factory=dict)
    done: int = 0
    cached: int = 0
    to_compute: int = 0
    unknown: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    unmeasured: int = 0
    part: list[Part] = field(default_factory=list)
    variants: dict[str, VariantWork] = field(default_factory=dict)
    decoding: dict[str, DecodingWork] = field(default_factory=dict)
    opening: float = 0.0
    batch_size_known: bool = True

    @property
    def disk_bytes(self) -> int:
        """Of the images that are still to be decoded into the cache."""
        return sum(work.pixel_bytes for work in self.decoding.values())

    @property
    def unusable(self) -> int:
        """Cells that cannot be run even if everything that is missing is got: their model, data or method is unusable.

        A run fails them; one of which every cell is unusable is refused.
        """
        models, benchmarks = ({x.label for x in part if x.state == UNUSABLE} for part in (self.models, self.benchmarks))
        sound = sum(model not in models and benchmark not in benchmarks for model, benchmark in self.plan.probes)
        return self.plan.cells - sound * len(self.plan.quantizers) + len(self.problems)

    @property
    def reasons(self) -> dict[str, str]:
        """Name of a model, benchmark or cell that is unusable → why."""
        parts = {x.label: x.detail for x in (*self.models, *self.benchmarks) if x.state == UNUSABLE}
        return parts | self.problems


def forecast(
    spec: RunSpec,
    out: Path,
    *,
    registry: Registry | None = None,
    cache: Cache | None = None,
    progress: Silent | None = None,
    shard: Shard | None = None,
    gpu: str = "",
) -> Forecast:
    """Look at what a spec needs. Annotations are read and files are hashed; nothing is downloaded or computed.

    With `shard`, the cells of this part of the run are listed, and time and disk space are what they need. With `gpu`,
    times are those on a GPU whose name contains it, as far as they were measured.

    Raises
    ------
    InputError
        The spec names something that does not exist, or no speed was measured on such a GPU.
    """
    cache = cache or Cache()
    speeds = GpuSpeeds(cache, gpu) if gpu else None
    told = progress or Silent()
    registry = registry or installed()
    plan = make_plan(spec, registry)
    plan_executor(spec.executor, registry)  # a name that does not exist is said now
    found = Forecast(plan=plan)
    with told:
        models = [m for planned in plan.models if (m := _model(planned, found)) is not None]
        begun = time.perf_counter()
        benchmarks = [b for planned in plan.benchmarks if (b := _benchmark(planned, found, cache, told)) is not None]
        drawn = {q.label: _calibration(q, found, benchmarks, cache) for q in plan.quantizers if q.calibration}
        found.opening = time.perf_counter() - begun
    found.same_checkpoints += same_checkpoints({m.planned.label: m.checkpoint.identity.fingerprint for m in models})
    shares = shard.shares(plan) if shard is not None else whole_run(plan)
    if spec.batch_size == AUTO:
        _batch_size(found, models, benchmarks, cache, RunFolder(out))
    _cells(found, models, benchmarks, drawn, cache, RunFolder(out), shares, WorkLeft(cache, speeds))
    return found


def _batch_size(
    found: Forecast, models: list[PreparedModel], benchmarks: list[PreparedBenchmark], cache: Cache, folder: RunFolder
) -> None:
    """Put the size of the batches into the plan: the one that a run would use, or else the default."""
    plan, decoder = found.plan, Decoder(cache, workers=1)
    small = plan.spec.model_copy(update={"batch_size": SIZES[0]})
    baseline = next(quantizer for quantizer in plan.quantizers if quantizer.label == plan.spec.baseline)
    model_of, data_of = {m.planned.label: m for m in models}, {b.planned.label: b for b in benchmarks}

    def ask(model: str, benchmark: str) -> AskedVariant:
        variant = VariantRun(cache, model_of[model], baseline)
        return AskedVariant(cache, variant, data_of[benchmark], plan.probes[model, benchmark], small, decoder)

    size = recorded_size(folder) or remembered_size(plan, ask)
    found.batch_size_known = size is not None
    found.plan = replace(plan, spec=plan.spec.model_copy(update={"batch_size": size or BATCH_SIZE}))


def _model(planned: PlannedModel, found: Forecast) -> PreparedModel | None:
    try:
        located = planned.entry.record.locate(planned.checkpoint, planned.options)
        if not located.ready:
            found.models.append(Part(label=planned.label, state="missing", detail=located.how_to_get))
            return None
        model = prepare_model(planned)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises makes its own models unusable only
        found.models.append(Part(label=planned.label, state=UNUSABLE, detail=_said(error)))
        return None
    found.models.append(Part(label=planned.label, state="ready", detail=located.where))
    return model


def _benchmark(planned: PlannedBenchmark, found: Forecast, cache: Cache, told: Silent) -> PreparedBenchmark | None:
    if planned.dataset is not None and stored_dataset(planned.dataset, cache).find() is None:
        detail = f"{planned.dataset.qualified}, made by its plugin"
        found.benchmarks.append(Part(label=planned.label, state=LATER, detail=detail))
        return None
    told.begin(f"reading {planned.label}", 0)
    spec = found.plan.spec
    try:
        probes = found.plan.probes_of(planned)
        data = prepare_benchmark(
            planned, cache, probes, limit=spec.limit, half=spec.half, workers=spec.processes, step=told.step
        )
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises makes its own benchmarks unusable only
        missing = isinstance(error, QbenchError) and (planned.root is None or not planned.root.is_dir())
        state = "missing" if missing else UNUSABLE
        found.benchmarks.append(Part(label=planned.label, state=state, detail=_said(error)))
        return None
    counts = _counts(data, max(questions.count for questions in data.questions.values()))
    found.benchmarks.append(Part(label=planned.label, state="ready", detail=counts))
    if data.unavailable:
        found.unavailable[planned.label] = data.unavailable
    return data


def _calibration(
    quantizer: PlannedQuantizer, found: Forecast, benchmarks: list[PreparedBenchmark], cache: Cache
) -> PreparedCalibration | str:
    """The calibration data of a quantizer, or why it is not there.

    Raises
    ------
    InputError
        A benchmark evaluates some of its images: a run would be refused.
    """
    planned = quantizer.calibration
    assert planned is not None
    source = planned.source
    dataset = source.dataset if isinstance(source, PlannedBenchmark) else None
    if dataset is not None and stored_dataset(dataset, cache).find() is None:
        found.calibration.append(Part(label=quantizer.label, state=LATER, detail=planned.label))
        return LATER
    try:
        data = prepare_calibration(planned, cache, workers=found.plan.spec.processes)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises makes its own quantizer unusable only
        found.calibration.append(Part(label=quantizer.label, state=UNUSABLE, detail=_said(error)))
        return _said(error)
    check_disjoint(data, benchmarks)
    counts = f"{planned.label}: {_counts(data, len(data.texts))}"
    found.calibration.append(Part(label=quantizer.label, state="ready", detail=counts))
    return data


def _counts(data: PreparedBenchmark | PreparedCalibration, texts: int) -> str:
    items, images = counted(len(data.items), "item"), counted(len(data.items.images), "image")
    return f"{items}, {images}, {counted(texts, 'text')}"


def _cells(
    found: Forecast,
    models: list[PreparedModel],
    benchmarks: list[PreparedBenchmark],
    drawn: Mapping[str, PreparedCalibration | str],
    cache: Cache,
    folder: RunFolder,
    shares: Mapping[tuple[str, str], Share],
    left: WorkLeft,
) -> None:
    plan = found.plan
    decoder = Decoder(cache, workers=plan.spec.processes)
    for model in models:
        for quantizer in plan.quantizers:
            share = shares.get((model.planned.label, quantizer.label))
            calibration = drawn.get(quantizer.label)
            variant = VariantRun(cache, model, quantizer, None if isinstance(calibration, str) else calibration)
            for data in benchmarks:
                if (model.planned.label, data.planned.label) not in plan.probes:
                    continue
                labels = (model.planned.label, quantizer.label, data.planned.label)
                if isinstance(calibration, str):
                    if calibration != LATER:
                        found.problems[" · ".join(labels)] = calibration
                    continue
                try:
                    probe = plan.probes[model.planned.label, data.planned.label]
                    asked = AskedVariant(cache, variant, data, probe, plan.spec, decoder)
                    key, missing = asked.key, any(asked.missing().values())
                except Exception as error:  # noqa: BLE001 - whatever a plugin raises fails its own cells only
                    found.problems[" · ".join(labels)] = _said(error)
                    continue
                left.learn(asked)
                state = TO_COMPUTE if missing else CACHED
                if folder.is_done(folder.cell(data.planned.label, model.planned.label, quantizer.label, key), key):
                    state = DONE
                found.done += state == DONE
                found.cached += state == CACHED
                found.to_compute += state == TO_COMPUTE
                if share is not None:
                    _add_part(found, " · ".join(labels), state, asked, share, left)
                    share = share.after(len(asked.orders))
    found.answers, found.seconds, found.unmeasured = left.answers, left.seconds, left.unmeasured
    found.variants, found.decoding = left.variants, left.decoding
    found.unknown = plan.cells - found.done - found.cached - found.to_compute - found.unusable


def _said(error: Exception) -> str:
    """What an error says; with its type where it is not meant for users."""
    error = MachineError.of(error) or error
    return str(error) if isinstance(error, QbenchError) else f"{type(error).__name__}: {error}"


def _add_part(found: Forecast, name: str, state: str, asked: AskedVariant, share: Share, left: WorkLeft) -> None:
    """Add a cell to what is computed: its share of the answers, its time, and its images."""
    if not asked.has_any(share):
        return
    missing = asked.missing(share=share)
    counts = ", ".join(f"{count:,} {of}" for of, count in missing.items()) if state == TO_COMPUTE else ""
    found.part.append(Part(label=name, state=state, detail=counts))
    if any(missing.values()) and state == TO_COMPUTE:
        left.add(asked, share)
