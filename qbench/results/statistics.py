"""The statistics of the installed plugins: by name for an analysis or a gate, and as a cell's metrics declare them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qbench.errors import InputError
from qbench.metrics.interface import StatisticRef
from qbench.plugins.options import make_options
from qbench.plugins.records import StatisticKind
from qbench.plugins.registry import OWN_DISTRIBUTION, Entry, installed
from qbench.statistics.interface import Statistic


@dataclass(frozen=True, kw_only=True)
class DeclaredStatistics:
    """How the metrics of a benchmark are made.

    Attributes
    ----------
    made : dict
        Name of a metric → its statistic.
    names : dict
        Name of a metric → the name of its statistic.
    missing : dict
        Name of a metric → why its statistic is not available.
    """

    made: dict[str, Statistic] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def installed_statistics() -> dict[str, Statistic]:
    """The installed statistics with default options, by qualified name, and by bare name where that is unambiguous."""
    registry = installed()
    found: dict[str, Statistic] = {}
    for entry in registry.statistics():
        try:
            made = entry.record.make(entry.record.options())
        except Exception:  # noqa: BLE001 - of a third-party plugin: its metrics then say why nothing is known of them
            continue
        found[entry.qualified] = made
        if _entry(entry.record.name) is entry:
            found[entry.record.name] = made
    return found


def statistic_names(metrics: Iterable[StatisticRef | None]) -> set[str]:
    """The names of the statistics that judge metrics, by what they declare."""
    return set(declared_statistics((str(i), declared) for i, declared in enumerate(metrics)).names.values())


def statistic_versions(names: Iterable[str]) -> dict[str, str]:
    """What each name of a statistic stands for now: ``plugin:name (distribution version)``, or empty if not installed.

    Parameters
    ----------
    names : iterable of str
        Names as metrics declare them.
    """
    found = {name: _entry(name) for name in sorted(set(names))}
    return {
        name: f"{entry.qualified} ({entry.plugin.distribution} {entry.plugin.version})" if entry else ""
        for name, entry in found.items()
    }


def _entry(name: str) -> Entry[StatisticKind] | None:
    try:
        return installed().statistic(name)
    except InputError:
        return None


def declared_statistics(metrics: Iterable[tuple[str, StatisticRef | None]]) -> DeclaredStatistics:
    """The statistics that metrics declare.

    Parameters
    ----------
    metrics : iterable of (str, StatisticRef or None)
        Name of each metric and what it declares; with nothing declared it is judged by the `fallback`.
    """
    found = DeclaredStatistics()
    for name, declared in metrics:
        try:
            reference = declared or fallback()
        except InputError as error:
            found.missing[name] = f"it declares no statistic, and {error.what}"
            continue
        found.names[name] = reference.name
        try:
            found.made[name] = make_statistic(reference)
        except InputError as error:
            found.missing[name] = f"its statistic {reference.name!r} is not available: {error.what}"
        except Exception as error:  # noqa: BLE001 - whatever a third-party plugin raises must not stop the analysis
            found.missing[name] = f"its statistic {reference.name!r} failed: {type(error).__name__}: {error}"
    return found


def fallback() -> StatisticRef:
    """What judges a metric that declares no statistic: the installed statistic that says so.

    Raises
    ------
    qbench.errors.InputError
        None is installed, or more than one.
    """
    found = [entry for entry in installed().statistics() if entry.record.fallback]
    if len(found) != 1:
        origins = " and ".join(f"{entry.qualified} ({entry.plugin.distribution})" for entry in found)
        raise InputError(f"more than one is the fallback: {origins}" if found else "none is installed as the fallback")
    bare = _entry(found[0].record.name) is found[0]
    return StatisticRef(found[0].record.name if bare else found[0].qualified)


def added_tables() -> dict[str, tuple[str, ...]]:
    """The tables that the installed statistics add to an analysis: name → columns. qbench's own have precedence."""
    tables: dict[str, tuple[str, ...]] = {}
    for entry in sorted(installed().statistics(), key=lambda entry: entry.plugin.distribution != OWN_DISTRIBUTION):
        for name, columns in entry.record.tables.items():
            tables.setdefault(name, tuple(columns))
    return tables


def make_statistic(reference: StatisticRef) -> Statistic:
    """The installed statistic that a reference names.

    Raises
    ------
    qbench.errors.InputError
        No plugin provides it, several do, or an option is not valid.
    """
    kind = installed().statistic(reference.name).record
    options: Mapping[str, object] = dict(reference.options)
    return kind.make(make_options(kind.options, options, where=f"the statistic {reference.name!r}"))
