"""The run spec: what a TOML file may say, checked by pydantic. Plain data, no plugin is asked here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from qbench.comparisons import DeclaredComparison
from qbench.models.control_arms import CONTROL_ARMS
from qbench.policy.model import Policy
from qbench.statistics.settings import FAMILY, MOST_RESAMPLES, FamilyColumn
from qbench.toml_types import FirstFormat

HalfName = Literal["first", "second"]
LABEL = re.compile(r"[^\x00-\x1f\x7f/\\][^\x00-\x1f\x7f\\]*")
CHECKPOINT = re.compile(r"(?![/~]|\.{1,2}(?:/|$)|[A-Za-z]:)[^\x00-\x1f\x7f\\]*")
"""A name, such as a hub ID, and no path."""


AUTO: Literal["auto"] = "auto"
"""The `RunSpec.batch_size` that is found when a run begins."""
BATCH_SIZE, MOST_PER_BATCH = 64, 4096


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Labelled(_Strict):
    label: str = Field(default="", max_length=200)
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("label")
    @classmethod
    def _printable(cls, value: str) -> str:
        if value and not LABEL.fullmatch(value):
            raise ValueError("a label may not hold control characters or backslashes, nor start with a slash")
        return value


class ModelSpec(_Labelled):
    """A checkpoint: ``"openai/ViT-B-32"``, or ``{source = "openai", checkpoint = "ViT-B-32", options = {…}}``.

    Attributes
    ----------
    source : str
        The model source, bare or as ``plugin:name``.
    checkpoint : str
        The checkpoint's name in that source.
    label : str
        Its name in results; ``source/checkpoint`` if not given.
    options : dict
        The source's options, such as ``path`` and ``revision``.
    """

    source: str
    checkpoint: str = Field(default="", max_length=200)

    @field_validator("checkpoint")
    @classmethod
    def _no_path(cls, value: str) -> str:
        if not CHECKPOINT.fullmatch(value):
            raise ValueError(
                "a checkpoint is given by its name, which results show; give a folder on this machine as "
                'options = { path = "…" }, of which results keep the last name only'
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, str):
            source, _, checkpoint = value.partition("/")
            return {"source": source, "checkpoint": checkpoint}
        return value


class QuantizerSpec(_Labelled):
    """A quantizer: ``"hf-int4"``, or ``{name = "hf-int4", options = {quant_type = "fp4"}}``.

    Attributes
    ----------
    name : str
        The quantizer, bare or as ``plugin:name``.
    label : str
        Its name in results; the name and the options that differ from their defaults if not given.
    options : dict
        The quantizer's options.
    calibration : CalibrationSpec or None
        Its calibration data, where it uses such data; those of the run if not given.
    """

    name: str
    calibration: CalibrationSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


class BenchmarkSpec(_Labelled):
    """A benchmark and its data.

    Attributes
    ----------
    name : str
        The benchmark, bare or as ``plugin:name``.
    root : str
        The dataset's folder. If neither this nor `dataset` is given: ``$QBENCH_DATA/<name>``.
    dataset : str
        In place of `root`, a dataset that a plugin writes on demand.
    allow_missing : bool
        Go on where images of the annotations are not on disk; the report says how many, and of which groups.
    models : list of str
        The labels of the models that are asked; all models of the spec if none is named.
    label : str
        Its name in results; the name if not given.
    options : dict
        The benchmark's options.
    """

    name: str
    root: str = ""
    dataset: str = ""
    allow_missing: bool = Field(default=False, strict=True)
    models: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> BenchmarkSpec:
        if self.root and self.dataset:
            raise ValueError("give root or dataset, not both")
        return self


class CalibrationSpec(_Strict):
    """Images and texts on which quantizers may measure activations; none of the images is evaluated.

    The images come from exactly one of `benchmark`, `dataset` and `folder`.

    Attributes
    ----------
    benchmark : BenchmarkSpec or None
        A benchmark, whose items and prompts are used: ``"imagenet"``, or a table as in ``benchmarks``.
    dataset : str
        A declared dataset: a ``dataset.toml`` or its folder.
    folder : str
        A folder of images, without groups and without texts.
    texts : str
        A UTF-8 file with one text per line, in place of the prompts of the benchmark.
    items : int
        How many items are drawn, and at most how many texts.
    seed : int
        Of the draw.
    balance : dict
        An attribute and the mix of its groups: ``"equal"``, or group → share of the items. Without it, items are drawn
        from all, whatever their groups are.
    """

    benchmark: BenchmarkSpec | None = None
    dataset: str = ""
    folder: str = ""
    texts: str = ""
    items: int = Field(default=128, ge=1, le=100_000, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)
    balance: dict[str, Literal["equal"] | dict[str, Annotated[float, Field(ge=0, le=1, strict=True)]]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _one_source(self) -> CalibrationSpec:
        if sum(map(bool, (self.benchmark, self.dataset, self.folder))) != 1:
            raise ValueError("name one of benchmark, dataset and folder")
        return self

    @model_validator(mode="after")
    def _one_mix(self) -> CalibrationSpec:
        if len(self.balance) > 1:
            raise ValueError("balance names one attribute")
        if self.balance and self.folder:
            raise ValueError("the images of a folder have no groups to balance")
        for attribute, mix in self.balance.items():
            if mix != "equal" and abs(sum(mix.values()) - 1) > 1e-6:
                raise ValueError(
                    f"the shares of {attribute!r} add up to {sum(mix.values()):g}; they have to add up to 1"
                )
        return self


class ExecutorSpec(_Strict):
    """What executes the work of a run: ``"local"``, or ``{name = "ray", options = {…}}``.

    Attributes
    ----------
    name : str
        The executor, bare or as ``plugin:name``.
    options : dict
        Its options.
    """

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


class HalfSpec(_Strict):
    """One half of the items of each benchmark: ``half = { part = "first", seed = 0 }``.

    Attributes
    ----------
    part : {"first", "second"}
        Which one. No image is in both, and each has about half of the items of every group.
    seed : int
        Which division into halves.
    """

    part: HalfName
    seed: int = Field(default=0, ge=0, strict=True)


class AnalysisSpec(_Strict):
    """How changes are judged: ``[analysis]``.

    Attributes
    ----------
    confidence : float
        Of the intervals; tests are made at ``1 - confidence``.
    margins : dict
        Changes up to which count as none, by ``benchmark.metric``, by metric, or by unit (``share``, ``share/group``,
        ``share/class``, ``points``, ``points/class``, ``nats``, ``nats/class``); in the unit of the change.
    family : list of str
        The columns that one family of tests shares: p-values are corrected within it.
    resamples : int
        Draws of permutations and bootstraps.
    seed : int
        Of these draws.
    allow : list of str
        Differences between a variant and its baseline that are meant, such as a preprocessing of its own.
    """

    confidence: float = Field(default=0.95, gt=0.5, lt=1, strict=True)
    margins: dict[str, Annotated[float, Field(strict=True)]] = Field(default_factory=dict)
    family: list[FamilyColumn] = Field(default_factory=lambda: list(FAMILY))
    resamples: int = Field(default=1999, ge=99, le=MOST_RESAMPLES, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)
    allow: list[Literal["preprocessing", "prompts", "batch", "checkpoint"]] = Field(default_factory=list)

    @field_validator("margins")
    @classmethod
    def _positive(cls, value: dict[str, float]) -> dict[str, float]:
        wrong = [name for name, margin in value.items() if not 0 < margin < float("inf")]
        if wrong:
            raise ValueError(f"the margin of {wrong[0]!r} is {value[wrong[0]]:g}; it is above 0")
        return value


class RunSpec(_Strict):
    """A run: every model × quantizer × benchmark is a cell, but for benchmarks that name their `models`.

    Attributes
    ----------
    name : str
        Names the run and, by default, its folder.
    note : str
        What a reader of the report has to know; shown at its top.
    baseline : str
        The label of the quantizer that the others are compared with, on the same checkpoint.
    models, quantizers, benchmarks : list
        What is run.
    device : str
        ``cpu``, ``cuda`` or ``cuda:1``. A quantizer that does not run there runs on the CPU, and the results say so.
    batch_size : int or "auto"
        Images (and texts) per batch. Part of the experiment, because some quantizers see the whole batch. ``"auto"``: a
        number is found when the run begins, see `qbench.execution.batch_size`.
    limit : int or None
        At most so many items per benchmark: a fixed, stratified subset, for trials.
    half : HalfSpec or None
        Evaluate one half of the items only, to choose something on one half and to confirm it on the other.
    noise : int
        Other orders in which every cell is embedded again, to measure what the batches alone do to each number.
    speed : int
        Batches that are timed for each variant, to measure its speed and memory; 0 measures none.
    workers : int or None
        Processes that decode images, and threads that read files; as many as there are processor cores if not given. It
        never changes a result.
    calibration : CalibrationSpec or None
        The data of all quantizers that use calibration data and name none of their own.
    executor : ExecutorSpec
        What executes the work of the run, see ``qbench list executors``. It never changes a result.
    base : str
        The folder that relative paths in options are relative to; that of the spec's file if not given.
    comparisons : list of DeclaredComparison
        What is compared besides each variant with its model's baseline, such as a student with its teacher; it changes
        no number and no key.
    analysis : AnalysisSpec
        How changes are judged; it changes no number and no key.
    policy : Policy or None
        What the run may lose and for whom, as a table, or as the path of a policy file relative to the spec; the gate's
        built-in policy if not given. Its margins and limits decide the verdicts too.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    note: str = ""
    baseline: str = CONTROL_ARMS["float32"]  # the control arm in single precision, which every model source can load
    models: list[ModelSpec] = Field(min_length=1)
    quantizers: list[QuantizerSpec] = Field(min_length=1)
    benchmarks: list[BenchmarkSpec] = Field(min_length=1)
    device: str = "cpu"
    batch_size: int | Literal["auto"] = BATCH_SIZE
    limit: int | None = Field(default=None, ge=1, strict=True)
    half: HalfSpec | None = None
    noise: int = Field(default=0, ge=0, le=100, strict=True)
    speed: int = Field(default=0, ge=0, le=1000, strict=True)
    workers: int | None = Field(default=None, ge=1, le=256, strict=True)
    calibration: CalibrationSpec | None = None
    executor: ExecutorSpec = ExecutorSpec(name="local")
    base: str = ""
    comparisons: list[DeclaredComparison] = Field(default_factory=list)
    analysis: AnalysisSpec = Field(default_factory=AnalysisSpec)
    policy: Policy | None = None
    format: FirstFormat = 1

    @field_validator("batch_size", mode="before")
    @classmethod
    def _whole_batch(cls, value: object) -> object:
        if value != AUTO and (type(value) is not int or not 1 <= value <= MOST_PER_BATCH):
            raise ValueError(f'Input should be a valid integer from 1 to {MOST_PER_BATCH:,}, or "{AUTO}"')
        return value

    @property
    def per_batch(self) -> int:
        """`batch_size`, where it is a number: once a run has begun."""
        if isinstance(self.batch_size, str):
            raise TypeError("the size of the batches has not been found yet")
        return self.batch_size

    @property
    def processes(self) -> int:
        """`workers`, or as many as there are processor cores."""
        from qbench.images.workers import cores

        return self.workers or cores()
