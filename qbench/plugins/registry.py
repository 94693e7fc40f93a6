"""Finds plugins and loads them one at a time, so that a broken plugin does not affect the others.

pluggy's own loader stops at the first plugin that fails; here each import and each hook call has its own ``try``.
``qbench plugins`` shows the failures, and the error for an unknown name mentions them, because a plugin that failed to
load might have provided it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

import pluggy

from qbench.errors import InputError
from qbench.plugins import hookspecs
from qbench.plugins.import_guard import imported_now
from qbench.plugins.records import (
    Benchmark,
    Dataset,
    Executor,
    ModelSource,
    Probe,
    Quantizer,
    ReportSection,
    StatisticKind,
)
from qbench.plugins.selection import chosen

GROUP = "qbench"
OWN_DISTRIBUTION = "qbench-vlm"
"""The distribution of qbench itself: its statistics have their bare names whatever other plugins provide."""

Record = TypeVar("Record", ModelSource, Quantizer, Benchmark, Dataset, Probe, Executor, StatisticKind, ReportSection)

HOOKS: dict[str, type] = {
    "qbench_models": ModelSource,
    "qbench_quantizers": Quantizer,
    "qbench_benchmarks": Benchmark,
    "qbench_datasets": Dataset,
    "qbench_probes": Probe,
    "qbench_executors": Executor,
    "qbench_statistics": StatisticKind,
    "qbench_report_sections": ReportSection,
}


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin as it was found.

    Attributes
    ----------
    name : str
        The name of the entry point.
    module : str
        The module that the entry point names.
    distribution, version : str
        The distribution that declares the entry point.
    """

    name: str
    module: str
    distribution: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The failure of a plugin.

    Attributes
    ----------
    plugin : Plugin
        The plugin that failed.
    stage : str
        ``import``, ``hooks``, or the name of the hook that failed.
    message : str
        The type and the text of the error.
    """

    plugin: Plugin
    stage: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Heavy:
    """Heavy packages that a plugin imports too early, which makes every command slow.

    Attributes
    ----------
    plugin : Plugin
        The plugin.
    packages : tuple of str
        Packages of `qbench.plugins.import_guard.HEAVY` that were not imported before it.
    """

    plugin: Plugin
    packages: tuple[str, ...]

    def __str__(self) -> str:
        """One sentence that names the plugin."""
        return (
            f"{self.plugin.name} ({self.plugin.distribution} {self.plugin.version}) imports "
            f"{', '.join(self.packages)} at the top of {self.plugin.module} or in a hook: every command becomes slow"
        )


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[Record]):
    """A record and the plugin that provides it."""

    plugin: Plugin
    record: Record

    @property
    def qualified(self) -> str:
        """``plugin:name``: unique; results store this name."""
        return f"{self.plugin.name}:{self.record.name}"


@dataclass(kw_only=True)
class Registry:
    """The records of all loaded plugins.

    Attributes
    ----------
    plugins : list of Plugin
        The plugins that were loaded or failed.
    failures : list of Failure
        Their failures.
    entries : dict
        Hook → the records of all plugins.
    heavy : list of Heavy
        Plugins that import heavy packages too early.
    left_out : list of Plugin
        Plugins that the user chose not to load (`qbench.plugins.selection`).
    """

    plugins: list[Plugin] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    entries: dict[str, list[Entry[Any]]] = field(default_factory=lambda: {hook: [] for hook in HOOKS})
    heavy: list[Heavy] = field(default_factory=list)
    left_out: list[Plugin] = field(default_factory=list)

    def models(self) -> list[Entry[ModelSource]]:
        """The model sources, sorted by name."""
        return self.entries["qbench_models"]

    def quantizers(self) -> list[Entry[Quantizer]]:
        """The quantizers, sorted by name."""
        return self.entries["qbench_quantizers"]

    def benchmarks(self) -> list[Entry[Benchmark]]:
        """The benchmarks, sorted by name."""
        return self.entries["qbench_benchmarks"]

    def datasets(self) -> list[Entry[Dataset]]:
        """The datasets that can be written on demand, sorted by name."""
        return self.entries["qbench_datasets"]

    def probes(self) -> list[Entry[Probe]]:
        """The probes, sorted by name."""
        return self.entries["qbench_probes"]

    def executors(self) -> list[Entry[Executor]]:
        """The executors, sorted by name."""
        return self.entries["qbench_executors"]

    def statistics(self) -> list[Entry[StatisticKind]]:
        """The statistics, sorted by name."""
        return self.entries["qbench_statistics"]

    def report_sections(self) -> list[Entry[ReportSection]]:
        """The sections of the report, sorted by name."""
        return self.entries["qbench_report_sections"]

    def model(self, name: str) -> Entry[ModelSource]:
        """The model source called `name` (bare or ``plugin:name``)."""
        return self._one("model source", self.models(), name)

    def quantizer(self, name: str) -> Entry[Quantizer]:
        """The quantizer called `name` (bare or ``plugin:name``)."""
        return self._one("quantizer", self.quantizers(), name)

    def benchmark(self, name: str) -> Entry[Benchmark]:
        """The benchmark called `name` (bare or ``plugin:name``)."""
        return self._one("benchmark", self.benchmarks(), name)

    def dataset(self, name: str) -> Entry[Dataset]:
        """The dataset called `name` (bare or ``plugin:name``)."""
        return self._one("dataset", self.datasets(), name)

    def probe(self, name: str) -> Entry[Probe]:
        """The probe called `name` (bare or ``plugin:name``)."""
        return self._one("probe", self.probes(), name)

    def executor(self, name: str) -> Entry[Executor]:
        """The executor called `name` (bare or ``plugin:name``)."""
        return self._one("executor", self.executors(), name)

    def statistic(self, name: str) -> Entry[StatisticKind]:
        """The statistic called `name` (bare or ``plugin:name``).

        Metrics refer to statistics, not users, and stored results hold the reference. So a bare name means the
        statistic that qbench itself provides, even where a third-party plugin uses the same name: another plugin must
        not change or break the analysis of metrics that are not its own.
        """
        named = [e for e in self.statistics() if name in (e.record.name, e.qualified)]
        own = [e for e in named if e.plugin.distribution == OWN_DISTRIBUTION]
        return own[0] if len(own) == 1 else self._one("statistic", self.statistics(), name)

    def clashes(self, entries: Iterable[Entry[Any]]) -> dict[str, list[Entry[Any]]]:
        """The bare names that more than one plugin uses, each with its records."""
        by_name: dict[str, list[Entry[Any]]] = {}
        for entry in entries:
            by_name.setdefault(entry.record.name, []).append(entry)
        return {name: found for name, found in by_name.items() if len(found) > 1}

    def same_plugin_names(self) -> dict[str, list[Plugin]]:
        """The entry-point names that more than one distribution uses, so that qualified names are not unique."""
        by_name: dict[str, list[Plugin]] = {}
        for plugin in self.plugins:
            by_name.setdefault(plugin.name, []).append(plugin)
        return {name: found for name, found in by_name.items() if len(found) > 1}

    def _one(self, kind: str, entries: list[Entry[Record]], name: str) -> Entry[Record]:
        found = [e for e in entries if name in (e.record.name, e.qualified)]
        if len(found) == 1:
            return found[0]
        if found:
            origins = " and ".join(f"{e.qualified} ({e.plugin.distribution} {e.plugin.version})" for e in found)
            raise InputError(f"the {kind} {name!r} is ambiguous: {origins}", fix="Use one of these qualified names.")
        names = sorted({e.record.name for e in entries})
        close = difflib.get_close_matches(name, names, n=1)
        fix = f"Did you mean {close[0]!r}? " if close else ""
        fix += f"Available: {', '.join(names) or 'none'}."
        if self.failures:
            failed = ", ".join(sorted({f.plugin.distribution for f in self.failures}))
            fix += f" Plugins that failed to load and might provide it: {failed} (see `qbench plugins`)."
        if self.left_out:
            fix += f" Plugins that were not loaded: {', '.join(p.name for p in self.left_out)}."
        raise InputError(f"there is no {kind} called {name!r}", fix=fix)


def discover(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every plugin of the entry-point group ``qbench``, each on its own.

    Parameters
    ----------
    points : iterable of EntryPoint, optional
        The entry points to load; those of the installed distributions if not given. The user's choice of plugins
        (`qbench.plugins.selection`) applies to both.

    Returns
    -------
    Registry
        The records and failures, in an order that does not depend on the order of installation.

    Raises
    ------
    InputError
        The user's choice names a plugin that is not installed.
    """
    found = list(entry_points(group=GROUP) if points is None else points)
    wanted, registry = chosen(found), Registry()
    for point, plugin in _plugins(found):
        if not wanted(point):
            registry.left_out.append(plugin)
            continue
        before = imported_now()
        _load(point, plugin, registry)
        if heavy := imported_now() - before:
            registry.heavy.append(Heavy(plugin=plugin, packages=tuple(sorted(heavy))))
    for entries in registry.entries.values():
        entries.sort(key=lambda e: (e.record.name, e.plugin.name))
    return registry


@cache
def installed() -> Registry:
    """The registry of the installed plugins, loaded once per process."""
    return discover()


def _plugins(points: Iterable[EntryPoint]) -> list[tuple[EntryPoint, Plugin]]:
    """Each entry point once, with its plugin, in an order that does not depend on the order of installation."""
    read: dict[int, tuple[str, str]] = {}  # each of the two is read from the whole metadata, so once per distribution
    found = {}
    for point in points:
        if id(point.dist) not in read:
            read[id(point.dist)] = (point.dist.name, point.dist.version) if point.dist else ("", "")
        name, version = read[id(point.dist)]
        plugin = Plugin(
            name=point.name, module=point.value, distribution=name or "unknown", version=version or "unknown"
        )
        # One distribution may be seen twice (an editable install beside its folder); two distributions are two plugins.
        found[point.name, name, point.value] = point, plugin
    return [found[key] for key in sorted(found)]


def _load(point: EntryPoint, plugin: Plugin, registry: Registry) -> None:
    registry.plugins.append(plugin)
    try:
        module = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a third-party plugin may raise anything
        registry.failures.append(_failure(plugin, "import", error))
        return
    # One manager per plugin, so that a wrong hook signature fails this plugin only.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, plugin.name)
        manager.check_pending()
    except Exception as error:  # noqa: BLE001
        registry.failures.append(_failure(plugin, "hooks", error))
        return
    for hook, kind in HOOKS.items():
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            try:
                # A hook that fails halfway provides none of its records.
                records = list(_checked(implementation.function(), kind, hook))
            except (Exception, SystemExit) as error:  # noqa: BLE001
                registry.failures.append(_failure(plugin, hook, error))
            else:
                registry.entries[hook].extend(Entry(plugin=plugin, record=record) for record in records)


def _checked(records: Iterable[object], kind: type, hook: str) -> Iterator[Any]:
    for record in records:
        if not isinstance(record, kind):
            raise TypeError(f"{hook} must yield {kind.__name__} records, not {type(record).__name__}")
        yield record


def _failure(plugin: Plugin, stage: str, error: BaseException) -> Failure:
    return Failure(plugin=plugin, stage=stage, message=f"{type(error).__name__}: {error}")
