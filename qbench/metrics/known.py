"""The metrics that several benchmarks share, as declarations. Light: no numpy, no pandas."""

from __future__ import annotations

from qbench.metrics.interface import MetricInfo, StatisticRef

RECALL_BY_GROUP = (
    MetricInfo(
        name="accuracy",
        better="higher",
        unit="share",
        summary="Share of items whose class is recognised.",
        statistic=StatisticRef("share"),
    ),
    MetricInfo(
        name="recall",
        better="higher",
        unit="share",
        summary="Share of a class's items that are recognised.",
        statistic=StatisticRef("share"),
        classes_only=True,
    ),
    MetricInfo(
        name="mean_disparity",
        better="zero",
        unit="points",
        summary="Mean over the classes of the recall disparity, signs kept.",
        statistic=StatisticRef("mean_disparity"),
    ),
    MetricInfo(
        name="mean_abs_disparity",
        better="lower",
        unit="points",
        summary="Mean over the classes of the absolute recall disparity; noise alone makes it positive.",
        statistic=StatisticRef("mean_abs_disparity"),
        role="summary",
    ),
    MetricInfo(
        name="worst_disparity",
        better="zero",
        unit="points",
        summary="The recall disparity of the class where it is largest in absolute value, sign kept.",
        statistic=StatisticRef("selected"),
        role="summary",
    ),
    MetricInfo(
        name="disparity",
        better="zero",
        unit="points",
        summary="Recall of the first group minus recall of the second, in one class.",
        statistic=StatisticRef("disparity"),
        classes_only=True,
    ),
    MetricInfo(
        name="worst_group_recall",
        better="higher",
        unit="share",
        summary="Recall of the group that is recognised least, of those with enough items.",
        statistic=StatisticRef("selected"),
        role="summary",
    ),
    MetricInfo(
        name="recall_ratio",
        better="higher",
        unit="share",
        summary="Recall of the group that is recognised least, divided by that of the one recognised most.",
        statistic=StatisticRef("selected"),
        role="summary",
    ),
)
"""The numbers of `qbench.metrics.recall_by_group.measure_recall`."""

SKEWS = (
    MetricInfo(
        name="max_skew",
        better="lower",
        unit="nats",
        summary="ln(share in the top k / share it should have) of the most favoured group.",
        statistic=StatisticRef("max_skew"),
        role="summary",
    ),
    MetricInfo(
        name="min_skew",
        better="zero",
        unit="nats",
        summary="ln(share in the top k / share it should have) of the least favoured group.",
        statistic=StatisticRef("min_skew"),
        role="summary",
    ),
    MetricInfo(
        name="skew",
        better="zero",
        unit="nats",
        summary="ln(share in the top k / share it should have) of a group.",
        statistic=StatisticRef("skew"),
    ),
    MetricInfo(
        name="ndkl",
        better="lower",
        unit="nats",
        summary="Divergence of every prefix of the ranking from the shares it should have, discounted by depth.",
        statistic=StatisticRef("ndkl"),
        role="summary",
        margin=0.005,  # of a divergence over whole rankings, which is an order smaller than a skew at a cut-off
    ),
)
"""The numbers of `qbench.metrics.rankings.measure_skew`."""
