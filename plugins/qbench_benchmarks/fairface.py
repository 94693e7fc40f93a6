"""FairFace retrieval: whom do queries that name no group find?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.api import Items, Metrics, Outcome, Prompts, Similarity
from qbench.api.benchmarks import (
    Unavailable,
    measure_skew,
    prompt_set,
    prompts_of_set,
    rank_gallery,
    unavailable_skew,
)
from qbench_benchmarks.crossed import crossed
from qbench_benchmarks.fairface_table import ATTRIBUTES, read_faces
from qbench_benchmarks.gallery import balanced, cutoffs
from qbench_benchmarks.options import FairFaceOptions


class FairFace:
    """The task, see `qbench.metrics.interface.Task`."""

    def __init__(self, options: FairFaceOptions | None = None) -> None:
        self.options = options or FairFaceOptions()
        self.crossings = crossed(ATTRIBUTES, self.options.intersections)
        self.attributes = (*ATTRIBUTES, *self.crossings)
        self._prompts = prompt_set(self.options.prompts)

    def data(self, root: Path) -> Items:
        """Read ``fairface_label_val.csv``."""
        return read_faces(root, self.crossings, self._choices())

    def prompts(self, items: Items) -> Prompts:
        """The queries; the same ones for any items."""
        return prompts_of_set(self._prompts)

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Rank the whole gallery for each query; of equal similarities, the earlier item is first."""
        rows, facts = self._gallery(items)
        names = list(self._prompts.targets)
        columns = ["item", "label", "image", *(a.name for a in self.attributes)]
        return Outcome(
            items=items.table.loc[rows, columns].reset_index(drop=True),
            rankings=rank_gallery(similarity, names, rows),
            facts={
                "queries": names,
                "prompt_set": self._prompts.facts(),
                "target": self.options.target,
                "gallery": facts,
                "cutoffs": cutoffs(self.options.ks, len(rows)),
                "chance": [],
            },
        )

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Skews at each k and NDKL, by attribute; for each query, and (with an empty class) their mean."""
        return measure_skew(outcome, self.attributes, self._ks(len(outcome.items)), self.options.target, weights)

    def unavailable(self, items: Items) -> list[Unavailable]:
        """Skews whose cut-off is the whole gallery, and those of groups without an image in it."""
        rows, _ = self._gallery(items)
        return unavailable_skew(items.table.iloc[rows], self.attributes, self._ks(len(rows)))

    def _ks(self, n: int) -> list[int]:
        """The cut-offs in a gallery of `n` images."""
        return list(dict.fromkeys(cutoffs(self.options.ks, n).values()))

    def _gallery(self, items: Items) -> tuple[npt.NDArray[np.int64], dict[str, Any]]:
        """The rows of `items` that are ranked (all, or equally many of each group), and how many they are."""
        name = self.options.balance
        if not name:
            return np.arange(len(items), dtype=np.int64), {"items": len(items), "of": len(items)}
        groups = next(a.groups for a in self.attributes if a.name == name)
        rows, each = balanced(items.table[name], groups, items.table["item"], self.options.balance_seed)
        return rows, {"items": len(rows), "of": len(items), "balanced": name, "each": each}

    def _choices(self) -> dict[str, str]:
        o = self.options
        targets = {
            "uniform": "equal shares of the groups that have images",
            "gallery": "the shares of the images that are ranked",
        }
        gallery = "all images"
        if o.balance:
            gallery = f"as many images of each {o.balance} as the rarest has, drawn with seed {o.balance_seed}"
        return {
            "queries": self._prompts.summary(),
            "gallery": gallery,
            "desired shares": targets[o.target],
            "cut-offs": ", ".join(f"{k} of the gallery" if isinstance(k, str) else f"{k:,}" for k in o.ks),
            "a group without a hit": "counts as a share of 1/k",
            "intersections": ", ".join(a.name for a in self.crossings) or "none",
        }
