"""From intervals and tests to a verdict an effect: which of four things the data can say.

``equivalent`` where the equivalence interval lies inside the margin; else ``amplified`` or ``reduced`` (of a bias),
``worse`` or ``better`` (of an accuracy) where the corrected test rejects; else ``not yet known``, with what would be
needed to know. A change that is real *and* inside the margin is equivalent. What a flag makes worthless, and what has
no interval, is not yet known, whatever its numbers say.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.settings import Settings
from qbench.stats.decide import benjamini_hochberg, holm

EQUIVALENT, UNKNOWN = "equivalent", "not yet known"
WORSE, BETTER, AMPLIFIED, REDUCED = "worse", "better", "amplified", "reduced"
VERDICTS = (WORSE, BETTER, AMPLIFIED, REDUCED, EQUIVALENT, UNKNOWN)

Strings = npt.NDArray[np.object_]


def correct_tests(effects: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add ``family``, ``p_holm`` and ``p_bh``: within each family, numbers of classes apart from numbers over all."""
    parts = [effects[name].astype(str) for name in settings.family]
    level = np.where(effects["class"] == "", "over all", "by class")
    family = pd.Series([" · ".join(x) for x in zip(*parts, level, strict=True)], index=effects.index, dtype=object)
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
        With ``better, value, baseline_value, change, method, why, eq_low, eq_high, margin, p_holm, noise, flags``.
        ``noise`` is the largest move of the change under other batches; NaN where it was not measured.
    settings : Settings
        Confidence.
    """
    change = effects["change"].to_numpy(np.float64)
    noise = np.nan_to_num(effects["noise"].to_numpy(np.float64))
    margin = effects["margin"].to_numpy(np.float64)
    inside = (effects["eq_low"].to_numpy(np.float64) - noise > -margin) & (
        effects["eq_high"].to_numpy(np.float64) + noise < margin
    )
    real = effects["p_holm"].to_numpy(np.float64) <= settings.alpha
    quiet = (noise > 0) & (np.abs(change) <= noise)
    void, blocked = (effects["flags"].map(test).to_numpy(dtype=bool) for test in (_void, worthless))
    direction = _direction(effects)
    why = effects["why"].to_numpy(dtype=object)
    known = np.isfinite(change)
    cases: list[tuple[npt.NDArray[np.bool_], Strings | str, Strings | str]] = [
        (~known, UNKNOWN, np.where(why != "", why, "the number is undetermined on these items")),
        (void, UNKNOWN, "not valid: the baseline is flagged"),
        (blocked & ~(real & (direction == WORSE)), UNKNOWN, "not valid: the variant is flagged"),
        (inside & real, EQUIVALENT, "real, but inside the margin"),
        (inside, EQUIVALENT, "the whole interval is inside the margin"),
        (real & quiet, UNKNOWN, "other batches alone move it as much (noise floor)"),
        (real & (direction != ""), direction, "the corrected test rejects “no change”"),
        (real, UNKNOWN, "it changed, but the gap's sign is not clear, so neither is whether it grew"),
        (why != "", UNKNOWN, why),
        (effects["method"].eq("").to_numpy(), UNKNOWN, "no interval is known for it"),
    ]
    verdict, reason = _all(effects, UNKNOWN), _all(effects, "the interval reaches beyond the margin and holds zero")
    for holds, said, because in reversed(cases):
        verdict = np.where(holds, said, verdict)
        reason = np.where(holds, because, reason)
    return effects.assign(verdict=verdict, reason=reason)


WORTHLESS = frozenset({"near-chance", "follows", "constant", "accuracy-lost", "undetermined"})
"""With these nothing can be called fair, equivalent or changed; only that an accuracy got worse can still be said."""

BASELINE = "baseline-"
"""Before the name of a flag of the baseline: then nothing can be said at all."""


def worthless(flags: str) -> bool:
    """Whether a number's flags say that it means nothing."""
    return any(f.removeprefix(BASELINE) in WORTHLESS for f in flags.split(";"))


def _void(flags: str) -> bool:
    return any(f.removeprefix(BASELINE) in WORTHLESS for f in flags.split(";") if f.startswith(BASELINE))


def _all(effects: pd.DataFrame, text: str) -> Strings:
    return np.full(len(effects), text, dtype=object)


def _direction(effects: pd.DataFrame) -> Strings:
    """Which way a real change goes.

    Whether a signed gap grew is ``|after| − |before|``, which has the sign of ``change · (after + before)``. The sum is
    used rather than the sign of the baseline's gap: choosing by the baseline alone makes noise look like a reduction
    (regression to the mean). It is clear where the gap keeps its sign and, where the sum's standard error is known
    (``sum_se``), the sum is more than two of them from zero.
    """
    change = effects["change"].to_numpy(np.float64)
    total = effects["value"].to_numpy(np.float64) + effects["baseline_value"].to_numpy(np.float64)
    better = effects["better"].to_numpy(dtype=object)
    noise = np.nan_to_num(effects["sum_se"].to_numpy(np.float64))
    clear = (np.abs(total) > np.abs(change)) & (np.abs(total) > 2 * noise)
    toward = np.where(better == "zero", np.where(clear, np.sign(change * total), 0.0), np.sign(change))
    bias = np.where(toward > 0, AMPLIFIED, np.where(toward < 0, REDUCED, ""))
    accuracy = np.where(change > 0, BETTER, np.where(change < 0, WORSE, ""))
    return np.where(better == "higher", accuracy, bias).astype(object)
