"""The records of a run folder as types: what a run, a cell, a speed, a machine and an analysis are described by.

Each is one JSON file. They are made by the execution, written by `qbench.runfolder.writer`, read by
`qbench.runfolder.reader`, and nobody else sees the JSON. Values are checked when a record is made and when it is read,
so that what a plugin gives is refused while its cell is computed and not when the report is made.

A file of an earlier format is brought up to date by `qbench.runfolder.upgrade` before it is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from qbench.data.items import Attribute
from qbench.images.preprocessing import Preprocessing
from qbench.metrics.interface import MetricInfo, Unavailable
from qbench.metrics.keys import MetricKey
from qbench.models.interface import Coverage
from qbench.policy.model import Policy
from qbench.statistics.settings import Settings
from qbench.vocabulary import CellStatus

FORMAT = 2
"""Of every JSON file of a run folder; raised when a reader of the earlier format would misread a file."""


class _Record(BaseModel):
    # What a later version adds to a format is ignored; a value of another type is refused, never converted.
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class _File(_Record):
    """A record that is a file of its own."""

    format: Literal[2] = 2

    def json_values(self) -> dict[str, Any]:
        """Plain values for JSON, in the order in which the fields are declared."""
        return self.model_dump(mode="json")


# --- a cell


class ModelInfo(_Record):
    """The model of a cell.

    Attributes
    ----------
    record, distribution, version : str
        The model source as ``plugin:name``, the distribution that it came from, and that one's version.
    checkpoint, licence : str
        The checkpoint's name in the source, and the source's licence.
    architecture, revision, fingerprint : str
        As in `qbench.models.interface.Identity`; empty where the checkpoint could not be opened.
    preprocessing : Preprocessing or None
        How the checkpoint wants its images; `None` where it could not be opened.
    """

    record: str
    distribution: str
    version: str
    checkpoint: str
    licence: str = ""
    architecture: str = ""
    revision: str = ""
    fingerprint: str = ""
    preprocessing: Preprocessing | None = None

    @property
    def source(self) -> str:
        """The name of the model source without its plugin."""
        return self.record.rpartition(":")[2]


class QuantizerInfo(_Record):
    """The quantizer of a cell.

    Attributes
    ----------
    record, distribution, version : str
        The quantizer as ``plugin:name``, the distribution that it came from, and that one's version.
    kind : {"quantization", "control"}
        A control arm only casts.
    bits : float
        Nominal bits per weight; 0 where the checkpoint decides.
    batch_invariant : bool or None
        Whether the answer to an image does not depend on the others of its batch; `None` where that is not known.
    device : str
        Where it ran.
    options : dict
        Its options that decide a result, defaults included; of a path only the last name.
    files : dict of str to str
        Name of an option → a digest of the files or folders that it names; of files that the quantizer finds itself,
        under ``content``. Earlier versions do not say it.
    """

    record: str
    distribution: str
    version: str
    kind: Literal["quantization", "control"]
    bits: int | float
    batch_invariant: bool | None
    device: str
    options: dict[str, Any]
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The quantizer's name without its plugin, whatever its label is."""
        return self.record.rpartition(":")[2]


class BenchmarkInfo(_Record):
    """The benchmark of a cell.

    Attributes
    ----------
    record, distribution, version : str
        The benchmark as ``plugin:name``, the distribution that it came from, and that one's version.
    protocol : str
        Version of its protocol.
    options : dict
        Its options that decide a result, defaults included; of a path only the last name.
    files : dict of str to str
        Name of an option → a digest of the files or folders that it names. Earlier versions do not say it.
    choices : dict of str to str
        Every choice that the sources leave open, in words.
    metrics : tuple of MetricInfo
        The metrics that it declares, the main one first.
    attributes : tuple of Attribute
        The groupings of its items; empty where the data could not be read.
    licence, citation : str
        Of the data.
    """

    record: str
    distribution: str
    version: str
    protocol: str
    options: dict[str, Any]
    files: dict[str, str] = Field(default_factory=dict)
    choices: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[MetricInfo, ...]
    attributes: tuple[Attribute, ...] = ()
    licence: str = ""
    citation: str = ""

    def metric(self, name: str) -> MetricInfo | None:
        """The declaration of a metric, whatever the cut-off in its name is; `None` where none is declared."""
        base = MetricKey.parse(name).name
        return next((metric for metric in self.metrics if metric.name == base), None)


class MissingItems(_Record):
    """Items of the annotations that have no image.

    Attributes
    ----------
    count, of : int
        How many they are, and of how many.
    by_group : dict
        Attribute → group → how many of them.
    """

    count: int
    of: int
    by_group: dict[str, dict[str, int]]


class DataInfo(_Record):
    """The data of a cell.

    Attributes
    ----------
    root : str
        Name of the dataset's folder, never its path.
    dataset : str or None
        The dataset of a plugin, where it was one.
    note : str
        What a reader of the numbers has to know of the data.
    limit : int or None
        How many items the run was limited to.
    fingerprint, prompts : str
        Digests of images, annotations and item table, and of the texts; empty where the data could not be read.
    items, images, texts : int or None
        Counts; `None` where the data could not be read.
    missing : MissingItems or None
        Items without an image; `None` where the data could not be read.
    unavailable : tuple of Unavailable
        Numbers that this data cannot give, with cause and remedy, as far as the benchmark says it.
    """

    root: str
    dataset: str | None
    note: str
    limit: int | None
    fingerprint: str = ""
    items: int | None = None
    images: int | None = None
    texts: int | None = None
    prompts: str = ""
    missing: MissingItems | None = None
    unavailable: tuple[Unavailable, ...] = ()


class BatchInfo(_Record):
    """The batches in which the answers were computed.

    Attributes
    ----------
    size : int
        Images (and texts) per batch.
    order : str
        The order of the items, such as ``dataset``.
    other_orders : int
        In how many other orders everything was computed again.
    """

    size: int
    order: str
    other_orders: int


class Failure(_Record):
    """Why a cell failed.

    Attributes
    ----------
    stage : str
        ``data``, ``model``, ``build``, ``encode`` or ``score``.
    type : str
        Name of the exception.
    what, where, fix : str
        What is wrong, the file or name it concerns, and what can be done about it.
    """

    stage: str
    type: str
    what: str
    where: str
    fix: str

    @property
    def words(self) -> str:
        """Where and what, as one sentence."""
        return ": ".join(part for part in (self.where, self.what) if part)


class ControlInfo(_Record):
    """The control arm that a variant names.

    Attributes
    ----------
    name : str
        The quantizer that casts to the same type; empty where the variant names none.
    note : str
        What it does not match.
    """

    name: str
    note: str


class VariantFacts(_Record):
    """What is known of a variant before anything is asked of it; kept in the cache beside its answers.

    Attributes
    ----------
    coverage, dtype, control
        As in `CellRecord`.
    kind : {"quantization", "control"} or None
        What it is, where that is known of the variant only; `None` where the quantizer's record says it.
    numerics : str
        Which kernels made the answers, in words, where that was not on this machine.
    """

    coverage: Coverage
    dtype: str
    control: ControlInfo | None = None
    kind: Literal["quantization", "control"] | None = None
    numerics: str = ""


class Chance(_Record):
    """What random answers would score on some of the items.

    Attributes
    ----------
    name : str
        Which question it is about, for a reader.
    chance : float
        The expected share of correct answers, 0 to 1.
    where : dict
        Columns of the items, and the value (or the list of values) that they have in the items it holds for.
    metrics : tuple of str
        The metrics that are made of these answers, without their cut-offs. Empty where `where` and the statistics of
        the metrics say it, see `qbench.results.flag_scopes`.
    """

    name: str = "correct"
    chance: float = Field(ge=0, le=1)
    where: dict[str, Any] = Field(default_factory=dict)
    metrics: tuple[str, ...] = ()

    def holds_for(self, column: str) -> list[Any]:
        """The values of a column that the items have."""
        wanted = self.where[column]
        return wanted if isinstance(wanted, list) else [wanted]


class KnownFacts(_Record):
    """What qbench itself reads of a benchmark's facts; the rest is the benchmark's own.

    Attributes
    ----------
    chance : tuple of Chance
        Empty where there are no correct answers.
    classes : tuple of str or None
        The candidates among which every prediction is; `None` where predictions are something else.
    tied_classes : tuple of (str, str)
        Pairs of classes with equal embeddings, which the benchmark does not know of.
    """

    chance: tuple[Chance, ...] = ()
    classes: tuple[str, ...] | None = None
    tied_classes: tuple[tuple[str, str], ...] = ()


class CellRecord(_File):
    """One model × quantizer × benchmark of a run: ``cell.json``.

    Attributes
    ----------
    key : str
        The whole key; empty where the model or the data could not be opened.
    model, quantizer, benchmark : str
        The labels of the spec.
    status : CellStatus
        Done or failed.
    model_info, quantizer_info, benchmark_info, data_info
        What the labels stand for.
    probe : str
        How the model was asked, as ``plugin:name``; empty in files that do not say, where it was by embeddings.
    batch : BatchInfo or None
        `None` where nothing was computed here.
    error : Failure or None
        Why it failed; `None` where it is done.
    coverage : Coverage or None
        What was quantized; `None` where it failed.
    dtype : str
        The type of the layers that were not quantized.
    control : ControlInfo or None
        The control arm; `None` where it is not known.
    numerics : str
        The kernels that ran, in words.
    versions : dict of str to str
        Packages that decide the answers.
    facts : dict
        The benchmark's facts, as its outcome gives them; see `known_facts`.
    seconds : dict of str to float
        Seconds of each stage; a stage whose result was in the cache is missing.
    """

    key: str
    model: str
    quantizer: str
    benchmark: str
    status: Literal[CellStatus.DONE, CellStatus.FAILED]
    error: Failure | None
    model_info: ModelInfo
    quantizer_info: QuantizerInfo
    benchmark_info: BenchmarkInfo
    data_info: DataInfo
    probe: str = ""
    batch: BatchInfo | None
    coverage: Coverage | None = None
    dtype: str = ""
    control: ControlInfo | None = None
    numerics: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    seconds: dict[str, float] = Field(default_factory=dict)

    @cached_property
    def known_facts(self) -> KnownFacts:
        """The facts that qbench reads."""
        return KnownFacts.model_validate(self.facts, strict=False)

    @model_validator(mode="after")
    def _complete(self) -> CellRecord:
        if self.status is CellStatus.DONE and self.coverage is None:
            raise ValueError("the cell is done, and 'coverage' is missing")
        if self.status is CellStatus.FAILED and self.error is None:
            raise ValueError("the cell failed, and 'error' is missing")
        _checked("facts", lambda: self.known_facts)
        return self


# --- a run


@dataclass(frozen=True, kw_only=True)
class AnalysisChoices(Settings):
    """The ``[analysis]`` of a spec.

    Attributes
    ----------
    allow : tuple of str
        Differences between a variant and its baseline that are meant: ``preprocessing``, ``prompts``, ``batch``,
        ``checkpoint``.
    """

    allow: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The part of it that an analysis is made with."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})


class CellLabels(_Record):
    """Which cell a folder is for, also before the cell is there.

    Attributes
    ----------
    model, quantizer, benchmark : str
        The labels.
    """

    model: str
    quantizer: str
    benchmark: str


class RunRecord(_File):
    """A run: ``run.json``.

    Attributes
    ----------
    name : str
        Of the spec; empty where the folder's name stands for it.
    qbench_version : str
        The version that wrote it.
    baseline : str
        Label of the quantizer that the others are compared with.
    created, updated : str
        ISO 8601 in UTC.
    seconds : float or None
        Wall-clock time of the latest call.
    spec : dict
        The resolved spec: the values of `qbench.spec.model.RunSpec`. See `analysis`.
    cells : tuple of str
        The folders of the cells of the latest plan, relative to the run folder.
    labels : dict of str to CellLabels
        Folder of a cell → its labels: a folder's name does not tell them.
    speed, drift : tuple of str
        Files of speeds, and of distances from this plan's baseline, relative to the run folder.
    notes : tuple of str
        What a reader of the numbers has to know.
    """

    name: str = ""
    qbench_version: str = ""
    baseline: str
    created: str = ""
    updated: str = ""
    seconds: float | None = None
    spec: dict[str, Any] = Field(default_factory=dict)
    cells: tuple[str, ...]
    labels: dict[str, CellLabels] = Field(default_factory=dict)
    speed: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def analysis(self) -> AnalysisChoices:
        """How the spec wants changes to be judged; defaults where it does not say."""
        return _CHOICES.validate_python(self.spec.get("analysis") or {}, strict=False)

    @property
    def policy(self) -> Policy | None:
        """What the spec says that the run may lose; `None` where it does not say."""
        said = self.spec.get("policy")
        return Policy.model_validate(said, strict=False) if said else None

    @property
    def tolerances(self) -> dict[str, Any]:
        """The margins and limits of its policy: what decides verdicts of the analysis."""
        return self.policy.tolerances if self.policy else {"margins": {}, "limits": []}

    def with_policy(self, policy: Policy) -> RunRecord:
        """The same run as if its spec had named this policy."""
        return self.model_copy(update={"spec": {**self.spec, "policy": policy.model_dump(mode="json")}})

    @model_validator(mode="after")
    def _readable(self) -> RunRecord:
        _checked("spec.policy", lambda: self.policy)
        _checked("spec.analysis", lambda: self.analysis)
        return self


class Rate(_Record):
    """How fast something was: median, slowest and fastest repeat, per second."""

    per_second: float
    low: float
    high: float


class SpeedRecord(_File):
    """Speed and memory of a variant: a file in ``speed/``.

    Attributes
    ----------
    model, quantizer : str
        The labels.
    numerics : str
        The kernels that ran, in words.
    batch_size, repeats : int
        Images (or texts) per batch, and batches that were timed.
    load_seconds : float
        Seconds until the variant was built.
    peak_bytes : int or None
        Bytes that loading and running added; `None` where the system does not tell.
    rates : dict of str to Rate
        What was answered (``images``, ``texts``) → how many of it per second.
    """

    model: str
    quantizer: str
    numerics: str
    load_seconds: float
    rates: dict[str, Rate]
    peak_bytes: int | None
    batch_size: int
    repeats: int


class EnvironmentRecord(_File):
    """Where a run ran: ``environment.json``. No path, no user name.

    Attributes
    ----------
    python, platform, cpu : str
        Version of Python, system and processor; empty where not recorded.
    cores, threads : int or None
        Processor cores, and threads of the kernels.
    memory_gb : float or None
        Memory of the machine.
    gpu : str or None
        The accelerators; `None` where there is none.
    packages : dict of str to str
        Package → version.
    """

    python: str = ""
    platform: str = ""
    cpu: str = ""
    cores: int | None = None
    threads: int | None = None
    memory_gb: float | None = None
    gpu: str | None = None
    packages: dict[str, str] = Field(default_factory=dict)


class AnalysisRecord(_File):
    """What an analysis was made of: ``analysis/analysis.json``.

    Attributes
    ----------
    key : str
        A hash of all that decides it.
    settings : Settings
        How changes were judged.
    spec : AnalysisChoices or None
        The ``[analysis]`` of the spec that it was made for: `settings` differ from it by what ``qbench analyse`` was
        told. `None` in analyses of earlier versions, which are made again.
    tables : dict of str to str
        Name of a table → SHA-256 of its file: a table of another analysis is not taken for one of this.
    qbench_version : str
        The version that made it.
    statistics : dict of str to str
        Name of a statistic, as metrics declare it → ``plugin:name (distribution version)`` of what judged them; empty
        where it was not installed. Analyses of earlier versions do not say it.
    """

    key: str
    settings: Settings
    spec: AnalysisChoices | None = None
    tables: dict[str, str] = Field(default_factory=dict)
    qbench_version: str = ""
    statistics: dict[str, str] = Field(default_factory=dict)


_CHOICES: TypeAdapter[AnalysisChoices] = TypeAdapter(AnalysisChoices)


def complaint(error: ValidationError, within: str = "") -> str:
    """The first complaint as one line: the field and what is wrong with it."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in (*([within] if within else []), *first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _checked(field: str, part: Callable[[], object]) -> None:
    """Read a part of a record that has a type of its own, so that what is wrong with it is said with the record."""
    try:
        part()
    except ValidationError as error:
        raise ValueError(complaint(error, field)) from None
