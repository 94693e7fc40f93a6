"""Changes over checkpoints: is one direction consistent over a population of models, or only over these?

All checkpoints saw the same images, so their changes are correlated, and a t-test over them that ignores it raises
false alarms in up to three of ten runs without any effect. The covariance comes from what each image adds to each
checkpoint's change (`qbench.stats.population`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from qbench.analysis.verdicts import void
from qbench.statistics.ledger import Floats
from qbench.statistics.settings import Settings
from qbench.stats.population import covariance, population
from qbench.vocabulary import PopulationVerdict

KEYS = ["quantizer", "baseline", "benchmark", "metric", "attribute", "group", "better", "unit", "margin"]
COLUMNS = [
    *KEYS[:-1],
    *["checkpoints", "left_out", "mean", "se", "df", "low", "high", "fixed_low", "fixed_high", "pi_low", "pi_high"],
    *["q", "q_df", "q_p", "same_sign", "without_low", "without_high", "margin", "verdict", "reason"],
]


def population_table(
    effects: pd.DataFrame, influence: Mapping[int, Floats], sources: Mapping[str, str], settings: Settings
) -> pd.DataFrame:
    """One row for each quantizer and number over all classes.

    Parameters
    ----------
    effects : pandas.DataFrame
        With verdict columns; its index is what `influence` is keyed by.
    influence : mapping
        Row of `effects` → ``(images,)``: what each image adds to the change.
    sources : mapping
        Model → where it comes from.
    settings : Settings
        Confidence.
    """
    whole = effects[effects["class"] == ""]
    rows = []
    for keys, group in whole.groupby(KEYS, sort=False, dropna=False):
        change = group["change"].to_numpy(np.float64)
        sound = np.isfinite(change) & ~group["flags"].map(void).to_numpy(dtype=bool)
        usable = [int(i) for i in group.index[sound]]
        known = [i for i in usable if i in influence and np.isfinite(influence[i]).all()]
        found = dict(zip(KEYS, keys, strict=True))
        told = {"checkpoints": len(known), "left_out": len(group) - len(known)}
        if not known:
            why = "no checkpoint has an interval for it" if usable else "no checkpoint has a valid number"
            rows.append({**found, **told, "verdict": PopulationVerdict.INCONCLUSIVE.value, "reason": why})
            continue
        result = population(
            group.loc[known, "change"].to_numpy(np.float64),
            covariance(np.stack([influence[i] for i in known]), group.loc[known, "se"].to_numpy(np.float64)),
            margin=float(group["margin"].iloc[0]),
            confidence=settings.confidence,
            sources=[sources.get(str(m), "") for m in group.loc[known, "model"]],
        )
        rows.append({**found, **told, **{k: v for k, v in asdict(result).items() if k in COLUMNS and k not in told}})
    counts = dict.fromkeys(("checkpoints", "left_out", "same_sign", "q_df"), "Int64")
    return pd.DataFrame(rows, columns=COLUMNS).astype(counts)
