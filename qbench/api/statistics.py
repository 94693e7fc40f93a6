"""Statistics: the record, the interface, and the numerics to build one of. Hook: ``qbench_statistics``.

A statistic is everything that is known of one way to make numbers: the estimate, the paired change with its interval
and test, the standard error of the level, the sample size. The record (`StatisticKind`) and the options are light; what
computes is imported when it is first used, so import those names in the module that your record's ``make`` imports.

`StandardErrorStatistic` is the base to begin with: `estimate` and `judge` are left to write. `judge` gets a
`Comparison` (the outcomes of a variant and its baseline on the same items) and fills in a `Ledger` (columns beside
the numbers). Helpers:

- Which items count: `HitOptions` and `hits` (what a hit is), `counted` (the rows that ``where`` names), `codes`
  (groups as whole numbers), `change_of` and `sum_of` (of each item, after minus before and after plus before).
- Counts of items that changed: `count_cells` gives `Counts` of gains, losses and items in cells of classes and
  groups, with the design effect of items that share an image; `correlation` is that of two cells through such images,
  `mean_variance` the variance of a mean.
- Changes with their standard errors, with images as units: `linear_change` (means over classes, also as weighted
  counts), `skew_change`, `ndkl_levels` and `ndkl_change` (rankings), `bootstrap_change` (anything that a benchmark
  measures; `swing` and `cautious_error` where few images change), `squared_disparity` (the size of disparities).
- Intervals and tests: `tango_interval` and `tango_p` (shares), `mover_difference` and `disparity_p` (differences of
  two shares), `mcnemar`, `share_test`, `swap_absolute` (a permutation test), `normal_p`, `two_sided_p`, `quantile`.
- What follows from a stored table, for `Statistic.bounds`, `Statistic.test` and `Statistic.power`: `spread_bounds` and
  `power_of_errors` (from ``se`` and ``df``), `tango_bounds`, `tango_test`, `mover_bounds`, `mover_test` and
  `power_of_counts` (from counts).
- Skews themselves: `target_shares`, `top_shares`, `skew`, `max_skew`, `min_skew`, `ndkl`.
- What a p-value tests, for the column ``null``: `NO_CHANGE`, `ZERO_MEAN`, `EXCHANGEABLE`, `SAME_IN_GROUPS`, and
  `NOT_JUDGED` where nothing is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.data.pairs import GroupPair
from qbench.metrics.keys import MetricKey
from qbench.plugins.records import StatisticKind
from qbench.statistics.hit_options import HitOptions
from qbench.statistics.interface import Measure, Measured, Number, Statistic
from qbench.statistics.settings import Settings

if TYPE_CHECKING:
    from qbench.metrics.skew import Target, max_skew, min_skew, ndkl, skew, target_shares, top_shares
    from qbench.statistics.hits import (
        Counts,
        change_of,
        codes,
        correlation,
        count_cells,
        counted,
        hits,
        mean_variance,
        sum_of,
    )
    from qbench.statistics.intervals import mover_bounds, mover_test, spread_bounds, tango_bounds, tango_test
    from qbench.statistics.ledger import Comparison, Floats, Ledger, Rows
    from qbench.statistics.sample_size import power_of_counts, power_of_errors
    from qbench.statistics.standard_error import StandardErrorStatistic
    from qbench.stats.bootstrap import BootstrapChange, bootstrap_change, cautious_error, swing
    from qbench.stats.flips import mcnemar, share_test
    from qbench.stats.linear import LinearChange, linear_change
    from qbench.stats.mover import disparity_p, mover_difference
    from qbench.stats.ndkl import NdklLevels, ndkl_change, ndkl_levels
    from qbench.stats.nulls import EXCHANGEABLE, NO_CHANGE, NOT_JUDGED, SAME_IN_GROUPS, ZERO_MEAN
    from qbench.stats.permutation import Permuted, swap_absolute
    from qbench.stats.ranked import RankedChange
    from qbench.stats.skew import SkewChange, skew_change
    from qbench.stats.squares import SquaredDisparity, squared_disparity
    from qbench.stats.student import normal_p, quantile, two_sided_p
    from qbench.stats.tango import tango_interval, tango_p

__getattr__ = import_on_use(
    __name__,
    {
        "BootstrapChange": "qbench.stats.bootstrap",
        "Comparison": "qbench.statistics.ledger",
        "Counts": "qbench.statistics.hits",
        "EXCHANGEABLE": "qbench.stats.nulls",
        "Floats": "qbench.statistics.ledger",
        "Ledger": "qbench.statistics.ledger",
        "LinearChange": "qbench.stats.linear",
        "NO_CHANGE": "qbench.stats.nulls",
        "NOT_JUDGED": "qbench.stats.nulls",
        "NdklLevels": "qbench.stats.ndkl",
        "Permuted": "qbench.stats.permutation",
        "RankedChange": "qbench.stats.ranked",
        "Rows": "qbench.statistics.ledger",
        "SAME_IN_GROUPS": "qbench.stats.nulls",
        "SkewChange": "qbench.stats.skew",
        "SquaredDisparity": "qbench.stats.squares",
        "StandardErrorStatistic": "qbench.statistics.standard_error",
        "Target": "qbench.metrics.skew",
        "ZERO_MEAN": "qbench.stats.nulls",
        "bootstrap_change": "qbench.stats.bootstrap",
        "cautious_error": "qbench.stats.bootstrap",
        "swing": "qbench.stats.bootstrap",
        "change_of": "qbench.statistics.hits",
        "codes": "qbench.statistics.hits",
        "correlation": "qbench.statistics.hits",
        "count_cells": "qbench.statistics.hits",
        "counted": "qbench.statistics.hits",
        "disparity_p": "qbench.stats.mover",
        "hits": "qbench.statistics.hits",
        "linear_change": "qbench.stats.linear",
        "max_skew": "qbench.metrics.skew",
        "mcnemar": "qbench.stats.flips",
        "mean_variance": "qbench.statistics.hits",
        "min_skew": "qbench.metrics.skew",
        "mover_bounds": "qbench.statistics.intervals",
        "mover_difference": "qbench.stats.mover",
        "mover_test": "qbench.statistics.intervals",
        "ndkl": "qbench.metrics.skew",
        "ndkl_change": "qbench.stats.ndkl",
        "ndkl_levels": "qbench.stats.ndkl",
        "normal_p": "qbench.stats.student",
        "power_of_counts": "qbench.statistics.sample_size",
        "power_of_errors": "qbench.statistics.sample_size",
        "quantile": "qbench.stats.student",
        "share_test": "qbench.stats.flips",
        "skew": "qbench.metrics.skew",
        "skew_change": "qbench.stats.skew",
        "spread_bounds": "qbench.statistics.intervals",
        "squared_disparity": "qbench.stats.squares",
        "sum_of": "qbench.statistics.hits",
        "swap_absolute": "qbench.stats.permutation",
        "tango_bounds": "qbench.statistics.intervals",
        "tango_test": "qbench.statistics.intervals",
        "tango_interval": "qbench.stats.tango",
        "tango_p": "qbench.stats.tango",
        "target_shares": "qbench.metrics.skew",
        "top_shares": "qbench.metrics.skew",
        "two_sided_p": "qbench.stats.student",
    },
)

__all__ = [
    "EXCHANGEABLE",
    "NOT_JUDGED",
    "NO_CHANGE",
    "SAME_IN_GROUPS",
    "ZERO_MEAN",
    "BootstrapChange",
    "Comparison",
    "Counts",
    "Floats",
    "GroupPair",
    "HitOptions",
    "Ledger",
    "LinearChange",
    "Measure",
    "Measured",
    "MetricKey",
    "NdklLevels",
    "Number",
    "Permuted",
    "RankedChange",
    "Rows",
    "Settings",
    "SkewChange",
    "SquaredDisparity",
    "StandardErrorStatistic",
    "Statistic",
    "StatisticKind",
    "Target",
    "bootstrap_change",
    "cautious_error",
    "change_of",
    "codes",
    "correlation",
    "count_cells",
    "counted",
    "disparity_p",
    "hits",
    "linear_change",
    "max_skew",
    "mcnemar",
    "mean_variance",
    "min_skew",
    "mover_bounds",
    "mover_difference",
    "mover_test",
    "ndkl",
    "ndkl_change",
    "ndkl_levels",
    "normal_p",
    "power_of_counts",
    "power_of_errors",
    "quantile",
    "share_test",
    "skew",
    "skew_change",
    "spread_bounds",
    "squared_disparity",
    "sum_of",
    "swap_absolute",
    "swing",
    "tango_bounds",
    "tango_interval",
    "tango_p",
    "tango_test",
    "target_shares",
    "top_shares",
    "two_sided_p",
]
