"""The skew of a group in the top k of rankings: influence of each image of the gallery."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.api.statistics import Comparison, Floats, Number, RankedChange
from qbench_statistics.rankings import Gallery, Ranked, skew_changes, skews_of


class Skew(Ranked):
    """Against the shares that the outcome's fact ``target`` names (Geyik, Ambler and Kenthapadi, KDD 2019)."""

    def of_query(self, ranking: npt.NDArray[np.int64], gallery: Gallery, weights: Floats, number: Number) -> float:
        """``ln(share in the top k / share it should have)`` of the number's group."""
        if number.group not in gallery.groups:
            return float("nan")
        return float(skews_of(ranking, gallery, weights, number)[0, gallery.groups.index(number.group)])

    def changes(self, comparison: Comparison, gallery: Gallery, cutoff: int | None) -> dict[str, RankedChange]:
        """The change of each group's skew."""
        if not cutoff:
            return {}
        return dict(zip(gallery.groups, skew_changes(comparison, gallery, cutoff).groups, strict=True))
