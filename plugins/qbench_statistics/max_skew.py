"""The skew of the most favoured group in the top k of rankings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.api.statistics import Comparison, Floats, Number, RankedChange, max_skew
from qbench_statistics.rankings import Gallery, Ranked, skew_changes, skews_of


class MaxSkew(Ranked):
    """Against the shares that the outcome's fact ``target`` names (Geyik, Ambler and Kenthapadi, KDD 2019)."""

    def of_query(self, ranking: npt.NDArray[np.int64], gallery: Gallery, weights: Floats, number: Number) -> float:
        """The largest skew of a group."""
        return float(max_skew(skews_of(ranking, gallery, weights, number))[0])

    def changes(self, comparison: Comparison, gallery: Gallery, cutoff: int | None) -> dict[str, RankedChange]:
        """The change of the largest skew; which group has it may differ before and after."""
        return {"": skew_changes(comparison, gallery, cutoff).max} if cutoff else {}
