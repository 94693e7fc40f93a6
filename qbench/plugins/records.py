"""The records that plugins give: what there is to choose from, in light words.

A record is what ``qbench list`` shows and what a spec names. Building the thing itself, and importing torch and
friends for it, happens in the record's functions and nowhere before. Records are keyword-only and grow by fields with
defaults only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qbench.executors.interface import UnitExecutor
    from qbench.metrics.interface import MeasuredTask, MetricInfo
    from qbench.models.interface import Checkpoint, Context, Variant
    from qbench.plugins.report_blocks import Block
    from qbench.probes.interface import ProbeMethod
    from qbench.statistics.interface import Statistic


@dataclass(frozen=True)
class NoOptions:
    """For what has nothing to choose."""


@dataclass(frozen=True, kw_only=True)
class Located:
    """Whether a checkpoint is on this machine.

    Attributes
    ----------
    ready : bool
        Whether it can be opened without a download.
    where : str
        The folder, or the hub id and revision.
    how_to_get : str
        What to do where it is missing.
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
        The first half of a model's name in a spec: ``openai`` in ``openai/ViT-B-32``.
    summary : str
        One line for ``qbench list``.
    checkpoints : mapping of str to str
        Name → one line about it. Empty for a source that takes any name (a hub id, a folder).
    options : type
        A frozen dataclass with the options and their defaults; a value of the wrong kind raises ``ValueError``.
    locate : callable
        ``(checkpoint, options) -> Located``. Light: imports nothing heavy, downloads nothing.
    open : callable
        ``(checkpoint, options) -> Checkpoint``. Finds (or downloads, where allowed) and checks the files; loads no
        weights.
    requires : tuple of str
        Distributions whose versions decide the embeddings.
    licence : str
        Of the weights.
    probes : tuple of str
        The probes that its models answer; those that are the default if empty.
    accepts_path : callable or None
        ``(path) -> bool``: whether a path on the command line is a checkpoint of this source, which is then opened with
        the option ``path``. Light: reads a configuration at most.
    save : callable or None
        ``(model, processor, folder) -> bool``: write a model object that is in memory, with what belongs to it, into
        the empty `folder`, which is then opened with the option ``path``. `False`, with nothing written, where the
        object is not of this source; `qbench.errors.InputError` where it is but lacks something.
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
        Nominal bits a weight; 0 where the checkpoint decides.
    build : callable
        ``(checkpoint, context, options) -> Variant``. The only place where heavy packages are imported.
    options : type
        A frozen dataclass with the options and their defaults.
    kind : {"quantization", "control"}
        A control only casts; its coverage may be zero.
    devices : tuple of str
        Device kinds it runs on.
    batch_invariant : bool or None
        Whether the answer to an item is independent of the items beside it in the batch (up to rounding); `None` where
        that is not known.
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


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A task on a dataset. Hook: ``qbench_benchmarks``.

    Attributes
    ----------
    name : str
        Its name in a spec, such as ``facet``.
    summary : str
        One line for ``qbench list``.
    protocol : str
        Version of what is measured and how; part of every key, so raise it when a number would change.
    metrics : tuple of MetricInfo
        What it measures; the first one is its main metric.
    load : callable
        ``(options) -> Task``.
    options : type
        A frozen dataclass with the options and their defaults.
    how_to_get : str
        Where the data comes from and how it has to lie on disk.
    licence : str
        Of the data.
    citation : str
        Of the data.
    note : str
        What a reader of results on it has to know; shown at the top of the report.
    items : int
        Items of the whole published split under the default options, by which a check knows another one; 0 where
        there is no such number.
    root : pathlib.Path or None
        Where the data lies if the spec does not say: for data that the plugin's distribution holds.
    describe : callable or None
        ``(folder or file) -> Benchmark``, for a benchmark whose data says itself what is measured on it: the record
        for that data. Its ``name`` is then the name in results.
    folder : str
        The folder below ``QBENCH_DATA`` where the data lies; the benchmark's name if empty. For benchmarks that share a
        dataset.
    probes : tuple of str
        The probes that its task accepts, the preferred one first; those that are the default if empty.
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
    folder: str = ""
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that can be made or found without a path in the spec. Hook: ``qbench_datasets``.

    Attributes
    ----------
    name : str
        Its name in a spec: ``dataset = "demo-facet"`` in place of ``root``.
    summary : str
        One line for ``qbench list``.
    version : str
        Raise it when `write` would write something else; it names the folder in the cache.
    write : callable
        ``(folder) -> None``: writes the dataset into an empty folder, in the benchmark's own layout.
    licence : str
        Of the data.
    note : str
        What a reader of results on it has to know; shown at the top of the report.
    """

    name: str
    summary: str
    version: str
    write: Callable[[Path], None]
    licence: str = ""
    note: str = ""


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
        ``() -> ProbeMethod``. The only place where heavy packages are imported.
    providers : tuple of str
        Where answers can come from; see `Quantizer.provider`.
    default : bool
        Whether a benchmark or a model source that names no probe means this one.
    """

    name: str
    summary: str
    load: Callable[[], ProbeMethod]
    providers: tuple[str, ...] = ("model",)
    default: bool = False


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
        ``() -> UnitExecutor``. The only place where heavy packages are imported.
    """

    name: str
    summary: str
    load: Callable[[], UnitExecutor]


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
    """

    name: str
    summary: str
    make: Callable[[Any], Statistic]
    options: type = NoOptions


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """A section of the report. Hook: ``qbench_report_sections``.

    Attributes
    ----------
    name : str
        Its id in the page: letters, digits and dashes.
    title : str
        Its heading.
    render : callable
        ``(results, context) -> iterable of Block``. `results` is what ``qbench.load`` gives; `context` has
        ``baseline`` and ``gate``. Where it raises, the page shows the error in the section's place.
    before : str
        The name of the section that it stands before; empty for the end, before "Not measured".
    tables : callable or None
        ``(results) -> mapping of str to pandas.DataFrame``: tables that `qbench export` and `qbench report --tables`
        write beside qbench's own, under the name ``plugin:name``. Names consist of letters, digits, ``_`` and ``-``.
    """

    name: str
    title: str
    render: Callable[[Any, Any], Iterable[Block]]
    before: str = ""
    tables: Callable[[Any], Mapping[str, Any]] | None = None
