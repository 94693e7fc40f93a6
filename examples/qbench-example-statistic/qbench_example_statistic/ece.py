"""The expected calibration error (Guo et al., ICML 2017): its estimate, and the standard error of its change.

With s_b the sign of (accuracy − confidence) in bin b, ECE is the mean over items of ``s_b (correct − confidence)``.
Where a bin is clearly too sure or too unsure, its sign is the same in another sample, so that the change of ECE is a
mean of differences of such values, whose standard error is known. Near perfect calibration ECE is biased upwards, and
its interval describes that biased number.
"""

import numpy as np

from qbench.api.statistics import ZERO_MEAN, StandardErrorStatistic, linear_change


def item_values(items, inside, weights, bins):
    """``(n,)`` the value of each item, whose weighted mean over `inside` is the ECE there."""
    gap = items["correct"].to_numpy(dtype=float) - items["confidence"].to_numpy(dtype=float)
    cell = np.minimum((items["confidence"].to_numpy(dtype=float) * bins).astype(int), bins - 1)
    signs = np.sign(np.bincount(cell[inside], (weights * gap)[inside], bins))
    return signs[cell] * gap


def members(items, attribute, group):
    """``(n,)`` bool: the items of a group; all of them where no attribute is named."""
    return (items[attribute] == group).to_numpy() if attribute else np.ones(len(items), dtype=bool)


def ece(items, inside, weights, bins=10):
    """The expected calibration error of the items `inside`; NaN where they have no weight."""
    total = weights[inside].sum()
    if not total > 0:
        return float("nan")
    return float((weights * item_values(items, inside, weights, bins))[inside].sum() / total)


class CalibrationError(StandardErrorStatistic):
    def __init__(self, bins):
        self.bins = bins

    def estimate(self, measured, number):
        items = measured.outcome.items
        weights = np.ones(len(items)) if measured.weights is None else measured.weights
        return ece(items, members(items, number.attribute, number.group), weights, self.bins)

    def judge(self, metric, comparison, ledger, settings):
        before, after = comparison.before.items, comparison.after.items
        ones = np.ones(len(before))
        for row in ledger.rows(metric=metric, classes=False):
            inside = members(before, *(ledger.column(name)[row] for name in ("attribute", "group")))
            change = item_values(after, inside, ones, self.bins) - item_values(before, inside, ones, self.bins)
            found = linear_change(change, np.where(inside, 0, -1), [1.0], comparison.image)
            if found.reason:
                ledger.put([row], why=found.reason)
            else:
                ledger.put([row], method="ece", null=ZERO_MEAN, se=found.se, df=found.df, sample_size=inside.sum())
                ledger.influence[int(row)] = found.influence
