"""The built-in statistics: shares, means over classes, disparities, skews, NDKL, the bootstrap. Light: records only."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from qbench.api import NoOptions, StatisticKind, hookimpl
from qbench.api.statistics import HitOptions, Statistic

SQUARES = (
    *("attribute", "group", "before", "after", "change", "se", "low", "high"),
    *("classes", "reason"),
)
"""Columns of the table ``squares``: mean squared disparities have an interval where mean absolute ones have none."""


def _kind(name: str, summary: str, options: type = NoOptions, **declared: Any) -> StatisticKind:
    """The statistic of a module of this package: the class there that is called like it."""
    class_name = "Ndkl" if name == "ndkl" else "".join(part.title() for part in name.split("_"))

    def make(given: Any) -> Statistic:
        made: Statistic = getattr(import_module(f"qbench_statistics.{name}"), class_name)(given)
        return made

    return StatisticKind(name=name, summary=summary, make=make, options=options, **declared)


KINDS = (
    _kind("share", "share of hits: Tango's score interval, McNemar's mid-p test", HitOptions),
    _kind("class_mean", "mean over the classes of the share of hits: Tango's interval of weighted counts", HitOptions),
    _kind("disparity", "difference of two groups' shares, in a class or in all: MOVER of Tango intervals", HitOptions),
    _kind("mean_disparity", "mean over the classes of the disparity: MOVER of weighted counts", HitOptions),
    _kind(
        "mean_abs_disparity",
        "mean over the classes of the absolute disparity: a permutation test",
        HitOptions,
        tables={"squares": SQUARES},
    ),
    _kind("selected", "the number of a class or group chosen because it is extreme: no interval"),
    _kind("skew", "skew of a group in the top k: influence of each image of the gallery"),
    _kind("max_skew", "skew of the most favoured group in the top k: influence of each image"),
    _kind("min_skew", "skew of the least favoured group in the top k: influence of each image"),
    _kind("ndkl", "NDKL of whole rankings: a delete-one jackknife over images"),
    _kind("bootstrap", "any number, by resampling images through the benchmark's own measure", fallback=True),
)


@hookimpl
def qbench_statistics() -> Iterable[StatisticKind]:
    """The built-in statistics."""
    yield from KINDS
