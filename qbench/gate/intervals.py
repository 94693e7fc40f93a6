"""Bounds of changes at any confidence, from the columns of the effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from qbench.gate.bounds import Floats


def bounds(effects: pd.DataFrame, confidence: Floats) -> tuple[Floats, Floats]:
    """``change ± quantile · se`` with ``df`` degrees of freedom (infinite: normal), ``(n,)`` each."""
    change, se, df = (effects[name].to_numpy(np.float64) for name in ("change", "se", "df"))
    probability = (1 + np.asarray(confidence)) / 2
    t = special.stdtrit(np.where(np.isfinite(df), df, 1e9), probability)
    half = np.where(np.isfinite(df), t, special.ndtri(probability)) * se
    return change - half, change + half
