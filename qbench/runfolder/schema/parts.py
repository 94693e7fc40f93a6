"""The parts of a cell's record: model, quantizer, benchmark, data, batches, failure, control, facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from qbench.data.items import Attribute
from qbench.images.preprocessing import Preprocessing
from qbench.metrics.interface import MetricInfo, Unavailable
from qbench.metrics.keys import MetricKey
from qbench.models.interface import Coverage
from qbench.runfolder.schema.base import Record


class ModelInfo(Record):
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


class CalibrationInfo(Record):
    """The calibration data of a quantizer.

    Attributes
    ----------
    source : str
        The benchmark, dataset or folder, by name.
    digest : str
        SHA-256 of all images and texts, in order.
    items, images, texts : int
        Counts.
    seed : int
        Of the draw.
    balance : dict
        The attribute and the mix of its groups that were asked for; empty where items were drawn from all.
    groups : dict
        Attribute → group → items.
    """

    source: str
    digest: str
    items: int
    images: int
    texts: int
    seed: int
    balance: Mapping[str, str | dict[str, float]] = Field(default_factory=dict)
    groups: dict[str, dict[str, int]] = Field(default_factory=dict)


class QuantizerInfo(Record):
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
    calibration : CalibrationInfo or None
        The data on which it measured activations; `None` where it used none.
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
    calibration: CalibrationInfo | None = None

    @property
    def name(self) -> str:
        """The quantizer's name without its plugin, whatever its label is."""
        return self.record.rpartition(":")[2]


class BenchmarkInfo(Record):
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


class MissingItems(Record):
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


class DataInfo(Record):
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


class BatchInfo(Record):
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


class Failure(Record):
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


class ControlInfo(Record):
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


class VariantFacts(Record):
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


class Chance(Record):
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


class KnownFacts(Record):
    """What qbench itself reads of a benchmark's facts; the rest is the benchmark's own.

    Attributes
    ----------
    chance : tuple of Chance
        Empty where there are no correct answers.
    correct_shows_guessing : bool
        Whether correct answers can tell that a model guesses. Not where the correct answer is always that nobody can
        know: who never gives it is not at chance level.
    classes : tuple of str or None
        The candidates among which every prediction is; `None` where predictions are something else.
    tied_classes : tuple of (str, str)
        Pairs of classes with equal embeddings, which the benchmark does not know of, or of answers that are equally
        likely for every image.
    """

    chance: tuple[Chance, ...] = ()
    correct_shows_guessing: bool = True
    classes: tuple[str, ...] | None = None
    tied_classes: tuple[tuple[str, str], ...] = ()
