"""NDKL of whole rankings, and its change by a delete-one jackknife over images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.api.statistics import Comparison, Floats, Number, RankedChange, ndkl, ndkl_change, ndkl_levels
from qbench_statistics.rankings import JACKKNIFE, Gallery, Ranked, both_rankings


class Ndkl(Ranked):
    """Normalised discounted Kullback–Leibler divergence (Geyik, Ambler and Kenthapadi, KDD 2019, definition 4.3)."""

    method = JACKKNIFE

    def of_query(self, ranking: npt.NDArray[np.int64], gallery: Gallery, weights: Floats, number: Number) -> float:
        """Of one whole ranking."""
        return ndkl(gallery.group[ranking], gallery.shares, weights[ranking])

    def changes(self, comparison: Comparison, gallery: Gallery, cutoff: int | None) -> dict[str, RankedChange]:
        """The change; what the jackknife needs of the baseline is computed once for all its variants."""
        is_gallery = gallery.target_is_gallery
        before, after = both_rankings(comparison)
        levels = comparison.once_for_baseline(
            (__name__, gallery.attribute, gallery.target),
            lambda: ndkl_levels(before, gallery.group, gallery.shares, target_is_gallery=is_gallery),
        )
        found = ndkl_change(
            levels,
            after,
            gallery.group,
            gallery.shares,
            target_is_gallery=is_gallery,
            image=comparison.image,
        )
        return {"": found}
