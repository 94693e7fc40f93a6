"""How much of the spread of the changes goes with quantizer, size, source, model, group. Descriptive, no test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qbench.analysis.verdicts import void
from qbench.models.same_checkpoints import one_per_checkpoint
from qbench.stats.variance import chance_shares, variance_shares

NUMBER = ["quantizer", "benchmark", "metric", "attribute", "group"]
COLUMNS = ["benchmark", "metric", "attribute", "factor", "share", "chance", "changes"]


def variance_table(
    effects: pd.DataFrame, source: Mapping[str, str], size: Mapping[str, str], checkpoint: Mapping[str, str]
) -> pd.DataFrame:
    """Shares of the variance of the changes over all classes, by factor, for each metric × attribute.

    What the model adds to its source and its size, to the quantizer and to the group has a row of its own, ``model``.
    ``chance`` is the share to expect where the labels mean nothing.

    Void numbers are left out, and `effects` has to hold changes from each model's own baseline only: a declared
    comparison is about two variants, and its label is not a quantizer. A checkpoint that several models are counts
    once. With nine checkpoints that share three sources this describes these checkpoints; it estimates nothing about
    others.
    """
    valid = effects["change"].notna() & ~effects["flags"].map(void).astype(bool)
    whole = effects[(effects["class"] == "") & valid]
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
        y = group["change"].to_numpy(np.float64)
        shares, chance = variance_shares(y, several), chance_shares(y, several)
        names = {"benchmark": benchmark, "metric": metric, "attribute": attribute, "changes": len(group)}
        models = group["model"].astype(str).tolist()
        if len(set(models)) > 1:
            nested = {**several, "model": models}
            for of, by in ((shares, variance_shares(y, nested)), (chance, chance_shares(y, nested))):
                of |= {"model": max(of["rest"] - by["rest"], 0.0), "rest": by["rest"]}
        order = [x for x in (*several, "model", "rest") if x in shares]
        rows += [{**names, "factor": x, "share": shares[x], "chance": chance[x]} for x in order]
    return pd.DataFrame(rows, columns=COLUMNS)
