"""A task with the expected calibration error beside its own numbers: of all items, and of each group."""

from dataclasses import replace

import numpy as np
import pandas as pd

from qbench.api import INDEX, Metrics
from qbench_example_statistic.ece import ece, members


class WithCalibration:
    def __init__(self, task):
        self._task = task

    def __getattr__(self, name):  # everything else is the task's own
        return getattr(self._task, name)

    def unavailable(self, items):
        """A group whose accuracy these items cannot give has no calibration error either."""
        own = self._task.unavailable(items)
        return (*own, *(replace(one, metric="ece") for one in own if one.metric == "accuracy"))

    def measure(self, outcome, weights=None):
        found = self._task.measure(outcome, weights)
        items = outcome.items
        sets = np.ones((1, len(items))) if weights is None else weights
        groups = found.index.loc[found.index["metric"] == "accuracy", ["attribute", "group"]]
        rows, values, counts = [], [], []
        for attribute, group in groups.itertuples(index=False, name=None):
            inside = members(items, attribute, group)
            rows.append(("ece", attribute, group, ""))
            values.append([ece(items, inside, one) for one in sets])
            counts.append(int(inside.sum()))
        index = pd.DataFrame(rows, columns=list(INDEX), dtype="str")
        return Metrics(
            index=pd.concat([found.index, index], ignore_index=True),
            values=np.hstack([found.values, np.array(values, dtype=np.float64).T]),
            n=np.concatenate([found.n, np.array(counts, dtype=np.int64)]),
        )
