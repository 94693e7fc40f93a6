"""The records that plugins yield: what a user can choose from.

``qbench list`` shows records, and a spec names them. Torch and other heavy packages are imported by the functions of a
record, never by the module that yields it. Records are frozen and keyword-only, and grow by fields with defaults only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qbench.vocabulary import MetricRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qbench.data.items import Attribute
    from qbench.executors.interface import UnitExecutor
    from qbench.metrics.interface import MeasuredTask, MetricInfo
    from qbench.models.interface import Checkpoint, Context, Variant
    from qbench.plugins.report_blocks import Block, Place
    from qbench.probes.interface import ProbeMethod
    from qbench.statistics.interface import Measure, Statistic


@dataclass(frozen=True)
class NoOptions:
    """The options of a record that has none."""


@dataclass(frozen=True, kw_only=True)
class Located:
    """Whether a checkpoint is on this machine.

    Attributes
    ----------
    ready : bool
        Whether it can be opened without a download.
    where : str
        The folder, or the hub ID and revision.
    how_to_get : str
        What the user has to do if it is missing.
    """

    ready: bool
    where: str
    how_to_get: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A family of checkpoints, such as OpenAI's CLIP. Hook: ``qbench_models``.

    Attributes
    ----------
    name : str
        The part of a model's name in a spec before the slash: ``openai`` in ``openai/ViT-B-32``.
    summary : str
        One line for ``qbench list``.
    checkpoints : mapping of str to str
        Name → one line about it. Empty for a source that takes any name (a hub ID, a folder).
    options : type
        A frozen dataclass with the options and their defaults. Its ``__post_init__`` raises ``ValueError`` for a value
        that cannot be used.
    locate : callable
        ``(checkpoint, options) -> Located``. Imports nothing heavy and downloads nothing.
    open : callable
        ``(checkpoint, options) -> Checkpoint``. Finds the files (or downloads them, if that is allowed) and checks
        them; loads no weights.
    requires : tuple of str
        Distributions whose versions decide the embeddings.
    licence : str
        The licence of the weights.
    probes : tuple of str
        The probes that its models answer; the default probe if empty.
    accepts_path : callable or None
        ``(path) -> bool``: whether a path on the command line is a checkpoint of this source, which is then opened with
        the option ``path``. It imports nothing heavy and reads a configuration at most.
    save : callable or None
        ``(model, processor, folder) -> bool``: writes a model in memory, with everything that belongs to it, into the
        empty `folder`, which is then opened with the option ``path``. Returns `False` and writes nothing if the model
        is not of this source; raises `qbench.errors.InputError` if something that it needs is missing.
    install : str
        The command that installs the optional packages which it needs and which are not there; see `Quantizer`.
    """

    name: str
    summary: str
    locate: Callable[[str, Any], Located]
    open: Callable[[str, Any], Checkpoint]
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    options: type = NoOptions
    requires: tuple[str, ...] = ()
    licence: str = ""
    probes: tuple[str, ...] = ()
    accepts_path: Callable[[Path], bool] | None = None
    save: Callable[[Any, Any, Path], bool] | None = None
    install: str = ""


@dataclass(frozen=True, kw_only=True)
class Quantizer:
    """A way to compress a checkpoint, or a control arm. Hook: ``qbench_quantizers``.

    Attributes
    ----------
    name : str
        Its name in a spec, such as ``hf-int4``.
    summary : str
        One line for ``qbench list``.
    bits : float
        Nominal bits per weight; 0 if the checkpoint decides.
    build : callable
        ``(checkpoint, context, options) -> Variant``. Heavy packages are imported here and nowhere else.
    options : type
        A frozen dataclass with the options and their defaults.
    kind : {"quantization", "control"}
        A control arm only casts; its coverage may be zero.
    devices : tuple of str
        The kinds of devices that it runs on.
    batch_invariant : bool or None
        Whether the answer to an item does not depend on the other items of its batch (up to rounding); `None` if this
        is not known.
    requires : tuple of str
        Distributions whose versions decide the answers.
    probes : tuple of str or None
        The probes that its variants answer; `None` for all that the model answers.
    provider : str
        Where the answers of its variants come from, one of the providers of the probe: ``model`` for a variant that
        runs on this machine, ``precomputed`` for answers that are read from files.
    files : callable or None
        ``(checkpoint, options) -> iterable of Path``: the files and folders whose content decides a variant. If not
        given, those that the options name (`qbench.plugins.options.FILES`).
    calibrates : bool
        Whether `build` uses ``context.calibration``. If so, a spec has to name calibration data, and their digest is
        part of the key; if not, the context has none.
    install : str
        The command that installs the optional packages which it needs and which are not there, such as ``pip install
        'qbench-vlm[onnx]'``; empty if nothing is missing. A plan that names it is refused with this command.
    """

    name: str
    summary: str
    bits: float
    build: Callable[[Checkpoint, Context, Any], Variant]
    options: type = NoOptions
    kind: Literal["quantization", "control"] = "quantization"
    devices: tuple[str, ...] = ("cpu", "cuda")
    batch_invariant: bool | None = False
    requires: tuple[str, ...] = ()
    probes: tuple[str, ...] | None = None
    provider: str = "model"
    files: Callable[[Checkpoint, Any], Iterable[Path]] | None = None
    calibrates: bool = False
    install: str = ""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A task on a dataset, with its metrics. Hook: ``qbench_benchmarks``.

    Attributes
    ----------
    name : str
        Its name in a spec, such as ``facet``.
    summary : str
        One line for ``qbench list``.
    protocol : str
        The version of what is measured and how. It is part of every key: raise it when a number would change.
    metrics : tuple of MetricInfo
        The metrics; the first one is the main metric. Each has to declare the role by which it is judged, unless its
        direction and unit imply one (`qbench.vocabulary.MetricRole.implied`): else the record is refused.
    load : callable
        ``(options) -> Task``.
    options : type
        A frozen dataclass with the options and their defaults.
    how_to_get : str
        Where the data comes from, and the layout on disk that the benchmark expects.
    licence : str
        The licence of the data.
    citation : str
        How to cite the data.
    note : str
        What a reader of results on it has to know; shown at the top of the report.
    items : int
        The number of items in the whole published split with the default options, so that a check notices another
        split; 0 if there is no such number.
    root : pathlib.Path or None
        The folder of the data if the spec names none: for data that comes with the plugin's distribution.
    describe : callable or None
        ``(folder or file) -> Benchmark``, for a benchmark whose data says what is measured on it, as a
        ``dataset.toml`` does: makes the record for that data. Results carry the ``name`` of that record.
    stored_measure : callable or None
        ``(attributes, facts) -> Measure``, for such a benchmark: makes the measure from what a run folder keeps, where
        the data that says what is measured is not there. It raises an `InputError` where that is not enough.
    folder : str
        The folder of the data below ``QBENCH_DATA``, if it is not called like the benchmark: for benchmarks that share
        a dataset.
    probes : tuple of str
        The probes that its task accepts, the preferred one first; the default probe if empty.
    """

    name: str
    summary: str
    protocol: str
    metrics: tuple[MetricInfo, ...]
    load: Callable[[Any], MeasuredTask]
    options: type = NoOptions
    how_to_get: str = ""
    licence: str = ""
    citation: str = ""
    note: str = ""
    items: int = 0
    root: Path | None = None
    describe: Callable[[Path], Benchmark] | None = None
    stored_measure: Callable[[Sequence[Attribute], Mapping[str, Any]], Measure] | None = None
    folder: str = ""
    probes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a metric that no rule would judge because nothing says what it measures."""
        for info in self.metrics:
            if info.role is None and MetricRole.implied(info.better, info.unit) is None:
                judged = ", ".join(repr(role.value) for role in MetricRole if role.judged)
                raise ValueError(
                    f"the metric {info.name!r} of the benchmark {self.name!r} declares no role, and "
                    f"better={info.better!r} with unit={info.unit!r} does not imply one: declare role= as one of "
                    f"{judged}, or as 'summary' if it restates other numbers, which no rule of the built-in policy "
                    "judges"
                )


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that a plugin writes when a spec names it. Hook: ``qbench_datasets``.

    Attributes
    ----------
    name : str
        Its name in a spec, which says ``dataset = "…"`` in place of ``root``.
    summary : str
        One line for ``qbench list``.
    version : str
        Raise it when `write` would write something else; it is part of the folder's name in the cache folder.
    write : callable
        ``(folder) -> None``: writes the dataset into an empty folder, in the layout that the benchmark expects.
    licence : str
        The licence of the data.
    note : str
        What a reader of results on it has to know; shown at the top of the report.
    size : int
        About how many bytes `write` writes, so that a disk without so much free space is refused before; 0 if that is
        not known.
    """

    name: str
    summary: str
    version: str
    write: Callable[[Path], None]
    licence: str = ""
    note: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A way to ask a model, such as by embeddings. Hook: ``qbench_probes``.

    Attributes
    ----------
    name : str
        Its name in the records of benchmarks, model sources and quantizers, such as ``embedding``.
    summary : str
        One line for ``qbench list``.
    load : callable
        ``() -> ProbeMethod``. Heavy packages are imported here and nowhere else.
    providers : tuple of str
        Where answers can come from; see `Quantizer.provider`.
    default : bool
        Whether a benchmark or a model source that names no probe means this one. Only one installed probe may say so,
        and qbench has one already: a plan with a second one is refused.
    by_tower : bool
        Whether each tower alone gives some of the answers (`AnswerPart.tower`), so that those of a tower that a
        quantizer leaves alone are taken from its control arm. `qbench plan` says so.
    """

    name: str
    summary: str
    load: Callable[[], ProbeMethod]
    providers: tuple[str, ...] = ("model",)
    default: bool = False
    by_tower: bool = False


@dataclass(frozen=True, kw_only=True)
class Executor:
    """A way to execute the work units of a run, such as on several machines. Hook: ``qbench_executors``.

    Attributes
    ----------
    name : str
        Its name in a spec: ``executor = "local"``.
    summary : str
        One line for ``qbench list``.
    load : callable
        ``(options) -> UnitExecutor``. Heavy packages are imported here and nowhere else.
    options : type
        A frozen dataclass with the options and their defaults. They change no result.
    install : str
        The command that installs the optional packages which it needs and which are not there; see `Quantizer`.
    """

    name: str
    summary: str
    load: Callable[[Any], UnitExecutor]
    options: type = NoOptions
    install: str = ""


@dataclass(frozen=True, kw_only=True)
class StatisticKind:
    """A way to make numbers of outcomes and to judge their changes. Hook: ``qbench_statistics``.

    Attributes
    ----------
    name : str
        Its name in `qbench.metrics.interface.StatisticRef`, such as ``share``.
    summary : str
        One line for ``qbench list``.
    make : callable
        ``(options) -> Statistic``. The only place where heavy packages are imported.
    options : type
        A frozen dataclass with the options and their defaults.
    tables : mapping of str to tuple of str
        Tables of its own that it adds to the analysis with `qbench.statistics.ledger.Ledger.add_row`: name → columns,
        after ``model``, ``quantizer`` and ``benchmark``. Names consist of letters, digits, ``_`` and ``-``, and are not
        those of qbench's own tables. They are exported by ``qbench export --table NAME``.
    fallback : bool
        Whether it judges the metrics that declare no statistic. Only one installed statistic may say so, and qbench
        has one already.
    """

    name: str
    summary: str
    make: Callable[[Any], Statistic]
    options: type = NoOptions
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fallback: bool = False


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """A section of the report. Hook: ``qbench_report_sections``.

    Attributes
    ----------
    name : str
        Its ID in the page: letters, digits and dashes.
    title : str
        Its heading.
    render : callable
        ``(results, context) -> iterable of Block``. `results` is what ``qbench.load`` returns; `context` has
        ``baseline`` and ``gate``. If it raises, the page shows the error in place of the section.
    place : {"main", "appendix"}
        ``main`` if everybody who reads the report needs it; a section of the appendix is folded.
    before : str
        The name of the section of the same place before which it stands; if empty, it stands at the end of its place.
    tables : callable or None
        ``(results) -> mapping of str to pandas.DataFrame``: tables that `qbench export` and `qbench report --tables`
        write beside qbench's own, under the name ``plugin:name``. Names consist of letters, digits, ``_`` and ``-``.
    """

    name: str
    title: str
    render: Callable[[Any, Any], Iterable[Block]]
    place: Place = "appendix"
    before: str = ""
    tables: Callable[[Any], Mapping[str, Any]] | None = None
