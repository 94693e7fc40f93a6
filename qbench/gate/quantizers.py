"""One answer for each quantizer: the mean change over the checkpoints of the run, taken as a sample of checkpoints.

It asks another question than the variants do: not whether these checkpoints may ship, but what the quantizer does to
checkpoints of this kind on average. The intervals are those of the table ``populations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from qbench.gate.decide import Decision
from qbench.gate.holm import TREE, proven_losses
from qbench.gate.loss import Floats, Losses, losses_of
from qbench.gate.result import GateRow
from qbench.phrasing import TINY
from qbench.policy.model import Policy
from qbench.stats.population import LEAST
from qbench.stats.student import quantile
from qbench.vocabulary import Better, RowStatus, Severity

NUMBER = ["quantizer", "benchmark", "metric", "attribute", "group"]


def rows_of_quantizers(
    rows: Sequence[GateRow], effects: pd.DataFrame, populations: pd.DataFrame, policy: Policy, confidence: float
) -> Iterator[GateRow]:
    """One row for each quantizer and number over all classes that a rule judges, of the mean over the checkpoints.

    Parameters
    ----------
    rows : sequence of GateRow
        Of the variants.
    effects : pandas.DataFrame
        The changes of the variants: whether the sign of a bias is clear has to hold for every checkpoint.
    populations : pandas.DataFrame
        The table of the analysis.
    policy : Policy
        Which rules only warn, and whether failures are adjusted.
    confidence : float
        Two-sided.

    Yields
    ------
    GateRow
        Its ``model`` is empty, and ``n`` counts checkpoints. Numbers that no variant can decide are left out here too.
    """
    first = {(r.rule, r.quantizer, r.benchmark, r.metric, r.attribute, r.group): r for r in rows if _judged(r)}
    if not first or populations.empty:
        return
    keys = pd.DataFrame(list(first), columns=["rule", *NUMBER])
    frame = keys.merge(populations, on=NUMBER, how="left", validate="many_to_one")
    like = [first[tuple(key)] for key in keys.itertuples(index=False, name=None)]
    frame = frame.assign(change=frame["mean"], abs_change=np.nan, **{"class": ""})
    losses = _losses(frame, effects)
    limit = np.array([row.limit for row in like])
    warns = {rule.id for rule in policy.rule if rule.severity is Severity.WARN}
    weight = {rule.id: rule.weight for rule in policy.rule}
    family = frame.assign(warns=frame["rule"].isin(warns)).groupby(["quantizer", "warns"]).ngroup()
    low, high = losses.interval(_student, np.full(len(frame), confidence))
    proven = proven_losses(
        losses,
        limit,
        _student,
        confidence=confidence,
        names=frame[TREE].assign(family=family, weight=frame["rule"].map(weight)),
        holm=policy.decide.adjust == "holm",
    )
    noise = frame[NUMBER].merge(_noise(effects).reset_index(), on=NUMBER, how="left")["noise"].fillna(0.0).to_numpy()
    mean = frame["mean"].to_numpy(np.float64)
    found = np.where(losses.direction == 0, np.abs(mean), losses.direction * mean)
    valid, missing = (frame[name].fillna(0).to_numpy(np.int64) for name in ("checkpoints", "left_out"))
    for at, row in enumerate(like):
        bounds = (float(low[at] - noise[at]), float(high[at] + noise[at]))
        decision = _decision(*bounds, float(proven[at]), row.limit, int(valid[at]), int(missing[at]))
        known = bool(np.isfinite(bounds).all())
        yield replace(
            row,
            status=decision.status,
            reason=decision.reason,
            model="",
            found=float(found[at]),
            low=bounds[0] if known else np.nan,
            high=bounds[1] if known else np.nan,
            proven=float(proven[at]) if known else np.nan,
            n=int(valid[at]),
            checkpoints=int(valid[at]),
            items=int(valid[at]),
            needed=None,
            needed_k=None,
            needed_to="",
            near_limit=False,
            flags=(),
            remedy="",
            waiver="",
        )


def _judged(row: GateRow) -> bool:
    return bool(row.model and row.metric and row.unit) and not row.class_ and row.status is not RowStatus.LEFT_OUT


def _losses(frame: pd.DataFrame, effects: pd.DataFrame) -> Losses:
    """The direction in which the mean is worse: of a signed bias only where it is the same and clear for all."""
    whole = effects[effects["class"] == ""]
    of_each = losses_of(whole)
    each = whole[NUMBER].assign(direction=of_each.direction, level=of_each.level)
    common = each.groupby(NUMBER, sort=False).agg(
        least=("direction", "min"), most=("direction", "max"), level=("level", "min")
    )
    joined = frame[NUMBER].merge(common.reset_index(), on=NUMBER, how="left")
    direction = np.where(joined["least"] == joined["most"], joined["least"], 0.0)
    signed = (frame["better"] == Better.ZERO).to_numpy()
    level = np.where(signed & (direction != 0), joined["level"].to_numpy(np.float64), np.inf)
    return Losses(effects=frame, direction=np.nan_to_num(direction), level=level)


def _student(rows: pd.DataFrame, confidence: Floats, /) -> tuple[Floats, Floats]:
    """The interval of the mean over checkpoints, as the table of populations has it at its own confidence."""
    mean, se, df = (rows[name].to_numpy(np.float64) for name in ("mean", "se", "df"))
    known = np.isfinite(se) & (df > 0)
    half = quantile((1 + confidence) / 2, np.where(known, df, 1.0)) * np.where(known, se, np.nan)
    return mean - half, mean + half


def _noise(effects: pd.DataFrame) -> pd.Series[float]:
    """The largest noise of any checkpoint: what is common to all of them does not average out."""
    return effects[effects["class"] == ""].groupby(NUMBER, sort=False)["noise"].max()


def _decision(low: float, high: float, proven: float, limit: float, valid: int, missing: int) -> Decision:
    if valid < LEAST:
        what = f"{valid} checkpoints have a valid number, and at least {LEAST} are needed to speak of their mean"
        return Decision(RowStatus.ERROR, what)
    if not np.isfinite([low, high, limit]).all():
        return Decision(RowStatus.ERROR, "no interval is known for the mean, so nothing can be decided on it")
    if proven > limit + TINY:
        return Decision(RowStatus.FAIL, f"the mean loss over {valid} checkpoints is shown to be beyond the limit")
    if missing:
        what = f"{missing} of {valid + missing} checkpoints have no valid number, so the mean is not that of all"
        return Decision(RowStatus.INCONCLUSIVE, what)
    if high < limit - TINY:
        return Decision(RowStatus.PASS, f"the interval of the mean over {valid} checkpoints lies within the limit")
    where = (
        "lies beyond the limit, but no longer when it is adjusted for the other numbers"
        if low > limit + TINY
        else "contains the limit"
    )
    return Decision(RowStatus.INCONCLUSIVE, f"the interval of the mean over {valid} checkpoints {where}")
