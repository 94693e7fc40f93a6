"""How much of the spread of the changes goes with quantizer, size, source, attribute. Descriptive, no test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qbench.models.same_checkpoints import one_per_checkpoint
from qbench.stats.variance import variance_shares

NUMBER = ["quantizer", "benchmark", "metric", "attribute", "group"]
COLUMNS = ["benchmark", "metric", "attribute", "factor", "share", "changes"]


def variance_table(
    effects: pd.DataFrame, source: Mapping[str, str], size: Mapping[str, str], checkpoint: Mapping[str, str]
) -> pd.DataFrame:
    """Shares of the variance of the changes over all classes, by factor, for each metric × attribute.

    A checkpoint that several models are counts once. With nine checkpoints that share three sources this describes
    these checkpoints; it estimates nothing about others.
    """
    whole = effects[(effects["class"] == "") & effects["change"].notna()]
    whole = one_per_checkpoint(whole, checkpoint, NUMBER)
    rows = []
    for (benchmark, metric, attribute), group in whole.groupby(["benchmark", "metric", "attribute"], sort=False):
        factors = {
            "quantizer": group["quantizer"].astype(str).tolist(),
            "source": [source.get(str(m), "") for m in group["model"]],
            "size": [size.get(str(m), "") for m in group["model"]],
            "group": group["group"].astype(str).tolist(),
        }
        several = {name: values for name, values in factors.items() if len(set(values)) > 1}
        if len(group) < 3 or not several:
            continue
        shares = variance_shares(group["change"].to_numpy(np.float64), several)
        names = {"benchmark": benchmark, "metric": metric, "attribute": attribute, "changes": len(group)}
        rows += [{**names, "factor": factor, "share": share} for factor, share in shares.items()]
    return pd.DataFrame(rows, columns=COLUMNS)
