"""Changes over checkpoints: is one direction consistent over a population of models, or only over these?

All checkpoints saw the same images, so their changes are correlated, and a t-test over them that ignores it raises
false alarms in up to three of ten runs without any effect. The covariance comes from what each image adds to each
checkpoint's change (`qbench.stats.population`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis.verdicts import void
from qbench.models.same_checkpoints import one_per_checkpoint
from qbench.statistics.ledger import Floats
from qbench.statistics.settings import Settings
from qbench.stats.population import Population, covariance, population, verdict_of
from qbench.stats.student import quantile
from qbench.vocabulary import PopulationVerdict

KEYS = ["quantizer", "baseline", "benchmark", "metric", "attribute", "group", "better", "unit"]
COLUMNS = [
    *KEYS,
    *["checkpoints", "left_out", "mean", "se", "df", "low", "high", "fixed_low", "fixed_high", "pi_low", "pi_high"],
    *["q", "q_df", "q_p", "same_sign", "without_low", "without_high", "margin", "verdict", "reason"],
]


def population_table(
    effects: pd.DataFrame,
    influence: Mapping[int, Floats],
    sources: Mapping[str, str],
    settings: Settings,
    checkpoints: Mapping[str, str],
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
    checkpoints : mapping
        Model → the first model that is the same checkpoint: of several, one counts.
    """
    whole = one_per_checkpoint(effects[effects["class"] == ""], checkpoints, KEYS)
    change, se = (whole[name].to_numpy(np.float64) for name in ("change", "se"))
    index, models, margins = whole.index.to_numpy(), whole["model"].to_numpy(), whole["margin"].to_numpy(np.float64)
    usable = np.isfinite(change) & ~whole["flags"].map(void).to_numpy(dtype=bool)
    measured = np.array([i in influence and bool(np.isfinite(influence[i]).all()) for i in index], dtype=bool)
    known = usable & (whole["method"] != "").to_numpy(dtype=bool) & measured
    names, rows = whole[KEYS].to_dict("records"), []
    for at in _rows_of_numbers(whole):
        margin = float(np.fmin.reduce(margins[at]))
        found = {**names[at[0]], "margin": margin}
        chosen = at[known[at]]
        told = {"checkpoints": len(chosen), "left_out": len(at) - len(chosen)}
        if not len(chosen):
            why = "no checkpoint has an interval for it" if usable[at].any() else "no checkpoint has a valid number"
            rows.append({**found, **told, "verdict": PopulationVerdict.INCONCLUSIVE.value, "reason": why})
            continue
        result = population(
            change[chosen],
            covariance(np.stack([influence[i] for i in index[chosen]]), se[chosen]),
            margin=margin,
            confidence=settings.confidence,
            sources=[sources.get(str(m), "") for m in models[chosen]],
        )
        rows.append({**found, **told, **{k: v for k, v in asdict(result).items() if k in COLUMNS and k not in told}})
    counts = dict.fromkeys(("checkpoints", "left_out", "same_sign", "q_df"), "Int64")
    return pd.DataFrame(rows, columns=COLUMNS).astype(counts)


def _rows_of_numbers(effects: pd.DataFrame) -> list[npt.NDArray[np.intp]]:
    """The positions of the rows of each number, in the order in which the numbers first occur."""
    number = effects.groupby(KEYS, sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else []


def populations_at(populations: pd.DataFrame, stored: float, confidence: float) -> pd.DataFrame:
    """Populations, whose intervals have the confidence `stored`, with those of another one; the verdicts stay."""
    checkpoints = populations["checkpoints"].to_numpy(np.float64, na_value=np.nan)
    tails = {  # ends of an interval → what each tail leaves out, as a share of 1 − confidence, and degrees of freedom
        ("low", "high"): (0.5, populations["df"].to_numpy(np.float64)),
        ("fixed_low", "fixed_high"): (0.5, np.full(len(populations), np.inf)),
        ("pi_low", "pi_high"): (1.0, checkpoints - 2),
    }
    mean = populations["mean"].to_numpy(np.float64)
    ends: dict[str, Floats] = {}
    for (low, high), (tail, df) in tails.items():
        wider = quantile(1 - tail * (1 - confidence), df) / quantile(1 - tail * (1 - stored), df)
        half = wider * (populations[high].to_numpy(np.float64) - mean)
        ends |= {low: mean - half, high: mean + half}
    return populations.assign(**ends)


def with_margins(populations: pd.DataFrame, effects: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Populations with the margins of these effects, and the verdicts that follow; the intervals stay.

    They have to be those of the confidence of `settings`.

    Parameters
    ----------
    populations : pandas.DataFrame
        As `population_table` gives them.
    effects : pandas.DataFrame
        With ``margin``; where the checkpoints differ in it, the smallest counts.
    settings : Settings
        Confidence.
    """
    names = ["quantizer", "benchmark", "metric", "attribute", "group"]
    margin = effects[effects["class"] == ""].groupby(names, sort=False)["margin"].min().reset_index()
    table = populations.drop(columns="margin").merge(margin, on=names, how="left")[COLUMNS]
    decided = []
    for row in table.to_dict("records"):
        verdict, reason = str(row["verdict"]), str(row["reason"])
        if np.isfinite(row["se"]):
            found = Population(
                checkpoints=int(row["checkpoints"]),
                low=float(row["low"]),
                high=float(row["high"]),
                pi_low=float(row["pi_low"]),
                pi_high=float(row["pi_high"]),
                q_p=float(row["q_p"]),
            )
            kind, reason = verdict_of(found, alpha=settings.alpha, margin=float(row["margin"]))
            verdict = kind.value
        decided.append((verdict, reason))
    return table.assign(verdict=[v for v, _ in decided], reason=[r for _, r in decided])
