"""The skew of the least favoured group in the top k of rankings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.api.statistics import Comparison, Floats, Number, RankedChange, min_skew
from qbench_statistics.rankings import Gallery, Ranked, skew_changes, skews_of


class MinSkew(Ranked):
    """Against the shares that the outcome's fact ``target`` names (Geyik, Ambler and Kenthapadi, KDD 2019)."""

    def of_query(self, ranking: npt.NDArray[np.int64], gallery: Gallery, weights: Floats, number: Number) -> float:
        """The smallest skew of a group."""
        return float(min_skew(skews_of(ranking, gallery, weights, number))[0])

    def changes(self, comparison: Comparison, gallery: Gallery, cutoff: int | None) -> dict[str, RankedChange]:
        """The change of the smallest skew; its sign is certain, since some group always has at most its share."""
        return {"": skew_changes(comparison, gallery, cutoff).min} if cutoff else {}
