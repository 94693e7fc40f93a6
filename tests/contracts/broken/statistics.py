"""Statistics: the mean of a column, and what can be wrong with one."""

from __future__ import annotations

from broken.caught import CAUGHT
from qbench.api import StatisticKind


def statistic(name, caught="", said="", tables=None, **wrong):
    CAUGHT[name] = caught, said

    def make(options):
        return _mean_of_scores(wrong)

    return StatisticKind(name=name, summary="broken", make=make, tables=tables or {})


def _mean_of_scores(wrong):
    import numpy as np

    from qbench.api.statistics import ZERO_MEAN, StandardErrorStatistic, linear_change

    class MeanScore(StandardErrorStatistic):
        """The mean of the column ``score``; `wrong` says what it gets wrong."""

        def estimate(self, measured, number):
            score = measured.outcome.items["score"].to_numpy(dtype=float)
            weights = (
                measured.weights if measured.weights is not None and "unweighted" not in wrong else np.ones(len(score))
            )
            return float(weights @ score / weights.sum()) if weights.sum() else float("nan")

        def judge(self, metric, comparison, ledger, settings):
            before, after = (x.items["score"].to_numpy(dtype=float) for x in (comparison.before, comparison.after))
            stratum = np.zeros(len(before), dtype=int)
            found = linear_change(after - before, stratum, [1.0], comparison.image)
            level = linear_change(after + before, stratum, [1.0], comparison.image)
            rows = ledger.rows(metric=metric)
            if "adds" in wrong:
                ledger.add_row(wrong["adds"], total=float((after - before).sum()))
            if "silent" in wrong or (found.reason and "certain" not in wrong):
                ledger.put(rows, why=found.reason or "nothing is said")
                return
            se = found.se * wrong.get("narrow", 1.0) * (1 + wrong.get("random", 0.0) * np.random.default_rng().random())
            if "certain" in wrong and not (after - before).any():
                se = 0.0
            null = "" if "mute" in wrong else ZERO_MEAN
            sum_se = float("nan") if "unsure" in wrong else level.se * wrong.get("sure", 1.0)
            ledger.put(rows, method="mean", null=null, se=se, df=found.df, sum_se=sum_se)

        def bounds(self, effects, confidence):
            low, high = super().bounds(effects, confidence)
            if "fixed" in wrong:
                return super().bounds(effects, np.asarray(1 - confidence / 2))
            return low, high

    return MeanScore()


STATISTICS = [
    statistic("good-statistic"),
    statistic("good-tables", tables={"good-sums": ("total",)}, adds="good-sums"),
    statistic("t-table", "test_added_tables_are_declared", "not among the declared tables", adds="t-sums"),
    statistic("t-taken", "test_added_tables_are_declared", "is the name of one of qbench's", tables={"flips": ()}),
    statistic(
        "t-column",
        "test_added_tables_are_declared",
        "lacks error",
        tables={"t-sums": ("total", "error")},
        adds="t-sums",
    ),
    statistic("t-unweighted", "test_the_estimate_follows_the_weights", "weights are not what", unweighted=True),
    statistic("t-random", "test_the_same_data_give_the_same_answer", "", random=0.5),
    statistic("t-narrow", "test_intervals_cover_the_truth", "hold the truth in", narrow=0.5),
    statistic("t-silent", "test_intervals_cover_the_truth", "only 0 of", silent=True),
    statistic("t-fixed", "test_intervals_are_nested", "are not nested", fixed=True),
    statistic("t-mute", "test_tests_and_sizes_are_in_range", "does not say what it tests", mute=True),
    statistic("t-sure", "test_the_error_of_the_level_is_its_spread", "sum_se is too small", sure=0.3),
    statistic("t-unsure", "test_the_error_of_the_level_is_its_spread", "not given although", unsure=True),
    statistic("t-certain", "test_degenerate_data_are_no_certainty", "has no length", certain=True),
]
