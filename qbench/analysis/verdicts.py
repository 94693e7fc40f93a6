"""From intervals and tests to one verdict for each change.

``equivalent`` where the interval of the change lies inside the margin; else ``amplified`` or ``reduced`` (of a bias),
``worse`` or ``better`` (of an accuracy) where the corrected test rejects; else ``inconclusive``, with what would be
needed to decide. A change that is real *and* inside the margin is equivalent. A number without an interval is
inconclusive whatever its value, and so is one whose flags void it, with one exception: where the baseline is not
flagged, an accuracy can be shown to be worse by more than the margin. A number that its statistic shows and does not
judge, such as that of the worst group, is ``descriptive``, not ``inconclusive``: more data would not decide it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.direction import clear_sign
from qbench.statistics.settings import Settings
from qbench.stats.decide import benjamini_hochberg, equivalent, holm
from qbench.stats.nulls import NOT_JUDGED
from qbench.vocabulary import Better, FlagKind, RowFlag, Verdict, parse_flags

Strings = npt.NDArray[np.object_]
UNDECIDED = "the interval reaches beyond the margin and contains zero"
NOT_CORRECTED = "the interval reaches beyond the margin; it excludes zero, but the corrected test does not"
VARIANT_FLAGGED = "not valid: the variant is flagged"
UNCLEAR_SIGN = "it changed, but the sign of the gap is not clear, so it is not known whether the gap grew"


def families(effects: pd.DataFrame, settings: Settings) -> pd.Series[str]:
    """The family of each row: the columns that `settings` names; numbers of classes apart from numbers over all."""
    parts = [effects[name].astype(str) for name in settings.family]
    level = np.where(effects["class"] == "", "over all", "by class")
    return pd.Series([" · ".join(x) for x in zip(*parts, level, strict=True)], index=effects.index, dtype=object)


def correct_tests(effects: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add ``family``, ``p_holm`` and ``p_bh``, corrected within each family (`families`)."""
    family = families(effects, settings)
    p = effects["p"].to_numpy(np.float64)
    corrected, rate = np.full(len(p), np.nan), np.full(len(p), np.nan)
    for at in family.groupby(family, sort=False).indices.values():
        corrected[at], rate[at] = holm(p[at]), benjamini_hochberg(p[at])
    return effects.assign(family=family, p_holm=corrected, p_bh=rate)


def decide(effects: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add ``verdict`` and ``reason``.

    Parameters
    ----------
    effects : pandas.DataFrame
        With ``better, value, baseline_value, change, method, null, why, low, high, margin, p_holm, noise, flags``.
        ``noise`` is the largest move of the change under other batches; NaN where it was not measured.
    settings : Settings
        Confidence.
    """
    change = effects["change"].to_numpy(np.float64)
    noise = np.nan_to_num(effects["noise"].to_numpy(np.float64))
    margin = effects["margin"].to_numpy(np.float64)
    low, high = (effects[name].to_numpy(np.float64) for name in ("low", "high"))
    inside = equivalent(low - noise, high + noise, margin)
    real = effects["p_holm"].to_numpy(np.float64) <= settings.alpha
    quiet = (noise > 0) & (np.abs(change) <= noise)
    of_baseline, blocked = (effects["flags"].map(test).to_numpy(dtype=bool) for test in (baseline_void, void))
    direction = _direction(effects)
    why = effects["why"].to_numpy(dtype=object)
    known = np.isfinite(change)
    unknown = np.where(why != "", why, "the number is undetermined on these items")
    cases: list[tuple[npt.NDArray[np.bool_], Strings | str, Strings | str]] = [
        (effects["null"].eq(NOT_JUDGED).to_numpy(dtype=bool), Verdict.DESCRIPTIVE, unknown),
        (~known, Verdict.INCONCLUSIVE, unknown),
        (of_baseline, Verdict.INCONCLUSIVE, "not valid: the baseline is flagged"),
        (blocked & ~(real & ~inside & (direction == Verdict.WORSE)), Verdict.INCONCLUSIVE, VARIANT_FLAGGED),
        (inside & real, Verdict.EQUIVALENT, "real, but inside the margin"),
        (inside, Verdict.EQUIVALENT, "the whole interval is inside the margin"),
        (real & quiet, Verdict.INCONCLUSIVE, "other batches alone move it as much (noise floor)"),
        (real & (direction != ""), direction, "the corrected test rejects “no change”"),
        (real, Verdict.INCONCLUSIVE, UNCLEAR_SIGN),
        (why != "", Verdict.INCONCLUSIVE, why),
        (effects["method"].eq("").to_numpy(), Verdict.INCONCLUSIVE, "no interval is known for it"),
        ((low > 0) | (high < 0), Verdict.INCONCLUSIVE, NOT_CORRECTED),
    ]
    verdict, reason = _all(effects, Verdict.INCONCLUSIVE.value), _all(effects, UNDECIDED)
    for holds, said, because in reversed(cases):
        verdict = np.where(holds, said, verdict)
        reason = np.where(holds, because, reason)
    return effects.assign(verdict=verdict, reason=reason)


def void(flags: str) -> bool:
    """Whether a number's flags, its own or its baseline's, say that it means nothing.

    Of such a number nothing can be called fair, equivalent or changed; only that an accuracy got worse can still be
    said, where the flags are not the baseline's.
    """
    return any(_voids(flag) for flag in parse_flags(flags))


def baseline_void(flags: str) -> bool:
    """Whether the flags of the baseline say that no comparison with it means anything."""
    return any(flag.of_baseline and _voids(flag) for flag in parse_flags(flags))


def _voids(flag: RowFlag) -> bool:
    return FlagKind(flag.kind).voids


def _all(effects: pd.DataFrame, text: str) -> Strings:
    return np.full(len(effects), text, dtype=object)


def _direction(effects: pd.DataFrame) -> Strings:
    """Which way a real change goes; empty where the sign of a gap is not clear (`qbench.statistics.direction`)."""
    change = effects["change"].to_numpy(np.float64)
    better = effects["better"].to_numpy(dtype=object)
    sign = clear_sign(*(effects[name].to_numpy(np.float64) for name in ("baseline_value", "value", "sum_se")))
    growth = np.where(better == Better.ZERO, np.sign(change) * sign, np.sign(change))
    bias = np.where(growth > 0, Verdict.AMPLIFIED, np.where(growth < 0, Verdict.REDUCED, ""))
    accuracy = np.where(change > 0, Verdict.BETTER, np.where(change < 0, Verdict.WORSE, ""))
    return np.where(better == Better.HIGHER, accuracy, bias).astype(object)
