"""What judges a metric that declares no statistic is declared by the statistic, and is not named in the core."""

from __future__ import annotations

import dataclasses
from importlib.metadata import EntryPoint, entry_points

import pytest

from qbench.metrics.interface import StatisticRef
from qbench.plugins.registry import GROUP, Registry, discover
from qbench.results import statistics
from qbench.results.statistics import added_tables, declared_statistics


def _registry(*, fallbacks: int) -> Registry:
    """The built-in statistics, of which the first so many are the fallback."""
    registry = discover(entry_points(group=GROUP, name="statistics"))
    entries = registry.entries["qbench_statistics"]
    for i, entry in enumerate(entries):
        entries[i] = dataclasses.replace(entry, record=dataclasses.replace(entry.record, fallback=i < fallbacks))
    return registry


def test_the_built_in_fallback_resamples() -> None:
    found = declared_statistics([("error", None), ("accuracy", StatisticRef("share"))])
    assert found.names == {"error": "bootstrap", "accuracy": "share"}
    assert not found.missing


@pytest.mark.parametrize(
    ("fallbacks", "said"),
    [
        (0, "it declares no statistic, and none is installed as the fallback"),
        (2, "it declares no statistic, and more than one is the fallback: statistics:"),
    ],
)
def test_without_one_fallback_the_metric_says_why_it_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, fallbacks: int, said: str
) -> None:
    registry = _registry(fallbacks=fallbacks)
    monkeypatch.setattr(statistics, "installed", lambda: registry)
    found = declared_statistics([("error", None), ("accuracy", StatisticRef("share"))])
    assert found.missing["error"].startswith(said)
    assert list(found.made) == ["accuracy"]


def test_another_plugin_does_not_replace_a_table_of_a_built_in_statistic(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = discover([*entry_points(group=GROUP, name="statistics"), EntryPoint("none", "math", GROUP)])
    first = registry.entries["qbench_statistics"][0]
    other = dataclasses.replace(first.plugin, name="other", distribution="other")
    record = dataclasses.replace(first.record, name="aaa", tables={"squares": ("other",), "means": ("mean",)})
    registry.entries["qbench_statistics"].insert(0, dataclasses.replace(first, plugin=other, record=record))
    monkeypatch.setattr(statistics, "installed", lambda: registry)
    assert added_tables()["means"] == ("mean",)
    assert "change" in added_tables()["squares"]
