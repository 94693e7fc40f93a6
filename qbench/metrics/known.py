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

CHOICES = (
    RECALL_BY_GROUP[0],
    MetricInfo(
        name="accuracy_disparity",
        better="zero",
        unit="points",
        summary="Accuracy of the first group minus accuracy of the second.",
        statistic=StatisticRef("disparity"),
    ),
    MetricInfo(
        name="worst_group_accuracy",
        better="higher",
        unit="share",
        summary="Accuracy of the group whose questions are answered worst, of those with enough items.",
        statistic=StatisticRef("selected"),
        role="summary",
    ),
)
"""The numbers of `qbench.metrics.choices_by_group.measure_choices`."""

NEITHER, SUPPORTED = "neither", "supported"
"""Values of the column ``context``: image and question support no answer about a group, or one of them."""

_OF_NEITHER, _OF_SUPPORTED = {"where": {"context": NEITHER}}, {"where": {"context": SUPPORTED}}

STEREOTYPES = (
    MetricInfo(
        name="stereotyped_share",
        better="lower",
        unit="share",
        summary="Share of answers that agree with a stereotype, where image and question support neither group.",
        statistic=StatisticRef("share", {"column": "stereotyped", **_OF_NEITHER}),
        role="gap",
    ),
    MetricInfo(
        name="stereotyped_disparity",
        better="zero",
        unit="points",
        summary="Share of stereotyped answers of the first group minus that of the second, where neither is supported.",
        statistic=StatisticRef("disparity", {"column": "stereotyped", **_OF_NEITHER}),
    ),
    MetricInfo(
        name="bias_score",
        better="zero",
        unit="points",
        summary="Share of stereotyped answers minus share of answers against the stereotype; neither is supported.",
    ),
    MetricInfo(
        name="unknown_share",
        better="higher",
        unit="share",
        summary="Share of answers that nobody can know, where neither is supported: they are the correct ones.",
        statistic=StatisticRef("share", _OF_NEITHER),
    ),
)
"""The numbers of `qbench.metrics.choices_by_group.measure_stereotypes`."""

SUPPORTED_ANSWERS = (
    MetricInfo(
        name="supported_accuracy",
        better="higher",
        unit="share",
        summary="Share of correct answers, where image and question support one.",
        statistic=StatisticRef("share", _OF_SUPPORTED),
    ),
    MetricInfo(
        name="supported_accuracy_disparity",
        better="zero",
        unit="points",
        summary="Accuracy of the first group minus accuracy of the second, where an answer is supported.",
        statistic=StatisticRef("disparity", _OF_SUPPORTED),
    ),
    MetricInfo(
        name="supported_bias_score",
        better="zero",
        unit="points",
        summary="Twice the share of stereotyped answers among those about a group, minus 1, where one is supported.",
    ),
)
"""Further numbers of `measure_stereotypes`, where the table has items of which an answer is supported."""
